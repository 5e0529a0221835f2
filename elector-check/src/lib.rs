//! A model checker for election algorithms: it runs an unmodified [`ElectionAlgorithm`] through
//! *every* order of events within bounds, and looks in each state for a broken promise.
//!
//! ```
//! use elector_check::{Check, CheckConfig};
//! use elector_raft::Raft;
//!
//! let check = Check::<Raft>::new(CheckConfig {
//!     nodes: 2,
//!     max_epoch: 1,
//!     timeouts: Some(4),
//!     ..CheckConfig::default()
//! });
//! let report = check.run()?;
//! assert!(report.is_clean() && report.is_exhaustive(), "{report}");
//! # Ok::<(), elector_check::CheckError>(())
//! ```
//!
//! # The model
//!
//! A state is the cluster at one moment: the state of each node that runs and the timers that it
//! has set, what is on the disk of each that does not, and the messages in flight. From there any
//! one of these may happen next, and all are tried:
//!
//! - any message in flight is delivered. It stays in flight ([`CheckConfig::duplicating`]), so that
//!   repeats and reordering cost nothing; what is never delivered is lost;
//! - any timer that runs elapses. Time is not modelled: whatever order the durations would enforce
//!   is only one of those that are tried;
//! - a node crashes, which leaves it what is on its disk, or restarts;
//! - a node gets a hint that a peer is gone, or a command, if the bounds allow it.
//!
//! A step is atomic. A write that is under way at a crash is a crash before its step: the gate
//! ([`Gate`](elector_core::Gate)) lets nobody see what rests on it.
//!
//! # What is asked
//!
//! | property | | |
//! |---|---|---|
//! | `one-leader-per-epoch` | always | for all time, by what any node shows; `Quorum` only |
//! | `one-pledge-per-epoch` | always | [`Pledge`](elector_core::Pledge), across restarts |
//! | `epoch-monotonic` | always | across restarts |
//! | `contract` | always | what a [`Driver`](elector_core::Driver) checks, and no panic |
//! | `leader-elected` | sometimes | without it, the rest says little |
//! | `second-epoch-led` | sometimes | so that there are stale messages and nodes |
//! | `all-agree` | sometimes | all nodes run and know the same leader of the same epoch |
//! | `two-lead-at-once` | sometimes | two nodes believe that they lead, in whatever epochs |
//! | `two-leaders-in-one-epoch` | sometimes | `BestEffort` only: it promises no better |
//!
//! Two may believe at once that they lead even under a quorum guarantee: the older of the two in an
//! older epoch. What tells them apart is the epoch, or a lease, which this model has no time for.
//!
//! # What a clean report means
//!
//! That no run within the bounds breaks a promise: not one with more nodes, epochs, crashes or
//! timeouts. States are told apart by 64-bit hashes, so that among `n` states one is overlooked
//! with a probability of about `n²/2⁶⁵`. A report of a search that was cut short says so.
//!
//! Memory is what a search runs out of first: a tenth to half a gigabyte for a million states. Give
//! [`CheckConfig::max_states`] where the bounds are new.
#![forbid(unsafe_code)]

mod action;
mod breach;
mod check;
mod claim;
mod cluster;
mod config;
mod history;
mod node;
mod pool;
mod report;
mod search;
mod state;
mod steps;
mod store;
mod tell;
mod time;

#[cfg(doc)]
use elector_core::ElectionAlgorithm;

pub use check::{Check, CheckError};
pub use config::CheckConfig;
pub use report::{Checked, Outcome, Quantifier, Report};
pub use time::Time;
