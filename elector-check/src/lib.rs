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
//! - any timer that may elapse does. Without [`CheckConfig::time`] that is any timer that runs:
//!   whatever order the durations would enforce is only one of those that are tried;
//! - a tick passes, on all clocks at once, if the search has time;
//! - a node crashes, which leaves it what is on its disk, or restarts;
//! - a node gets a proof that a peer is dead, while it is down, or suspects one that runs, or gets
//!   a command, if the bounds allow it.
//!
//! That a peer is heard again ([`Input::Returned`](elector_core::Input::Returned)) is left to
//! random [walks](Walks): it changes whose turn it is, and no promise.
//!
//! A step is atomic. A write that is under way at a crash is a crash before its step: the gate
//! ([`Gate`](elector_core::Gate)) holds back what rests on it.
//!
//! # Time
//!
//! Leases need it. With [`CheckConfig::time`] a timer may elapse from the lower bound of its delay
//! on, in any later tick, or never: lateness is always possible, and so is every draw of a random
//! delay. Messages take any time. A leader holds its lease until
//! [`Timing::lease`](elector_core::Timing::lease) after
//! [`ElectionAlgorithm::lease`], and no two may hold one in the same state.
//!
//! ```
//! use elector_check::{Check, CheckConfig, Time};
//! use elector_raft::{Raft, RaftConfig};
//!
//! let time = Time::of(4);
//! let config = RaftConfig { timing: time.timing(), pre_vote: false, ..RaftConfig::default() };
//! let check = Check::<Raft>::new(CheckConfig {
//!     config,
//!     time: Some(time),
//!     led: true,
//!     late: Some(0),
//!     timeouts: Some(3),
//!     crashes: 0,
//!     ..CheckConfig::default()
//! });
//! let report = check.run()?;
//! assert!(report.is_clean() && report.is_exhaustive(), "{report}");
//! assert!(report.trace("two-lead-at-once").is_some() && report.trace("lease-held").is_some());
//! # Ok::<(), elector_check::CheckError>(())
//! ```
//!
//! Two bounds make room for what is rare. [`CheckConfig::late`] bounds how many messages arrive in
//! a later tick than they were sent in; without it nearly all states differ in old messages that
//! may still arrive. [`CheckConfig::led`] begins with a leader, so that a second election is near.
//!
//! # Walks
//!
//! A search is exhaustive and small. [`Walks`] go the other way: a cluster in the algorithm's own
//! durations, in which an adversary chooses every event, as far as there is time for. An algorithm
//! of your own gets both in a line each:
//!
//! ```
//! use elector_check::{Check, CheckConfig, Walks};
//! use elector_raft::{Raft, RaftConfig};
//!
//! let walks = Walks::<Raft>::new(RaftConfig::default()).run()?;
//! assert!(walks.is_clean() && walks.leases() > 0, "{walks}");
//!
//! let bounds = CheckConfig {
//!     nodes: 2,
//!     max_epoch: 1,
//!     timeouts: Some(2),
//!     ..CheckConfig::default()
//! };
//! let search = Check::<Raft>::new(bounds);
//! assert!(search.run()?.is_clean());
//! # Ok::<(), elector_check::CheckError>(())
//! ```
//!
//! The first walk that breaks a promise is shrunk: events are taken out as long as the same promise
//! is broken, and waits are rounded. What is left is a [`Schedule`], which can be played again, and
//! which [`Finding::as_test`] prints as a test. This is the end of one, of an algorithm whose
//! restarted voters forget that they owe silence:
//!
//! ```text
//!  34. wait 50 ms
//!  36. n2 crashes
//!  37. n2 restarts     ; n2: epoch 2 leader - follower
//!  38. n2 receives 21  ; from n1: RequestVote { term: e2, last_log: 0/0, transfer: true }
//!  39. n2 writes
//!  52. n3 elapses Stagger
//!  ...
//!  57. n3 receives 55  ; from n2: Vote { term: e3, granted: true }; n3: epoch 3 leader n3 leader
//!  59. n3 receives 58  ; exclusive-lease: n1 and n3 hold a lease at the same time
//! ```
//!
//! Read it from the last line. Two nodes hold a lease, n1 and n3, so that a node has supported
//! both: n2, which acknowledged n1 before line 34 and voted for n3 before line 57. It owed silence
//! in between. Line 38 is the last thing that happened to it, and is where it was freed of it. The
//! line `n2 receives 21` means that n2 gets the message which line 21 sent to it; `n2 writes` means
//! that its oldest write is on the disk, so that what rests on it is seen now.
//!
//! # What is asked
//!
//! | property | | |
//! |---|---|---|
//! | `one-leader-per-epoch` | always | for all time, by what any node shows; `Quorum` only |
//! | `one-pledge-per-epoch` | always | [`Pledge`](elector_core::Pledge), across restarts |
//! | `one-value-per-ballot` | always | by what pledges name |
//! | `no-tenure-twice` | always | an epoch that a node ceased to lead; `Quorum` only |
//! | `exclusive-lease` | always | `Quorum` only, and only with time |
//! | `epoch-monotonic` | always | across restarts |
//! | `contract` | always | what a [`Driver`](elector_core::Driver) checks, and no panic |
//! | `leader-elected` | sometimes | without it, the rest says little |
//! | `lease-held` | sometimes | with time: without it, `exclusive-lease` says nothing |
//! | `second-epoch-led` | sometimes | so that there are stale messages and nodes |
//! | `all-agree` | sometimes | all nodes run and know the same leader of the same epoch |
//! | `two-lead-at-once` | sometimes | two nodes believe that they lead, in whatever epochs |
//! | `two-leaders-in-one-epoch` | sometimes | `BestEffort` only: it promises no better |
//!
//! Two may believe at once that they lead even under a quorum guarantee: the older of the two in an
//! older epoch. What tells them apart is the epoch, or a lease.
//!
//! # What a clean report means
//!
//! That no run within the bounds breaks a promise: not one with more nodes, epochs, ticks, crashes
//! or timeouts. The report names the bounds. States are compared byte by byte, not by hashes, so
//! that none is overlooked. A report of a search that was cut short says so.
//!
//! A search is breadth-first, so that a counterexample is shortest. It runs on one thread and takes
//! some 50 bytes for each distinct state, half a gigabyte for ten million. Give
//! [`CheckConfig::max_states`] where the bounds are new.
#![forbid(unsafe_code)]

mod action;
mod check;
mod claim;
mod cluster;
mod config;
mod event;
mod node;
mod pool;
mod report;
mod search;
mod state;
mod steps;
mod store;
mod tell;
mod time;
mod walk;

#[cfg(doc)]
use elector_core::ElectionAlgorithm;

pub use check::{Check, CheckError};
pub use config::CheckConfig;
pub use report::{Checked, Outcome, Quantifier, Report};
pub use time::Time;
pub use walk::{Broken, Finding, Schedule, ScheduleError, WalkReport, Walks};
