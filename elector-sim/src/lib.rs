//! The deterministic simulator of elector. A cluster runs in virtual time, and one seed determines
//! the whole run. Scenarios can inject every kind of fault. Every run checks the invariants.
//!
//! Any [`ElectionAlgorithm`](elector_core::ElectionAlgorithm) runs here unmodified. The layers,
//! from bottom to top:
//!
//! - [`Simulation`]: a cluster in virtual time. The caller injects the faults.
//! - [`Scenario`]: a list of faults and when they occur, as TOML. [`run`] simulates one scenario
//!   from boot to its outcome.
//! - [`Contestant`] and [`Sweep`]: comparisons. Each contestant, which is an algorithm in one
//!   configuration, runs in many scenarios, at many cluster sizes and with many seeds.
//! - [`script`]: golden scenarios, which are text files that deliver messages and fire timers one
//!   by one, without a clock. They also contain the expected output.
#![forbid(unsafe_code)]

mod cell;
mod connectivity;
mod contestant;
mod counts;
mod delivery;
mod disk;
mod erased;
mod false_suspicions;
mod faults;
mod host;
mod inspect;
pub mod invariants;
mod latency;
mod machine;
mod members;
mod message_faults;
mod meter;
mod nearest;
mod network;
mod queue;
mod rng;
pub mod run;
pub mod scenario;
pub mod script;
mod setup;
mod shard;
mod simulation;
mod summary;
mod sweep;
mod table;
mod timers;
mod trial;

use nearest::nearest;

pub use cell::Cell;
pub use contestant::{Contestant, Job};
pub use counts::{Counts, Digest, KindCount};
pub use disk::Disk;
pub use erased::{Erased, ErasedRecord};
pub use latency::{Bounds, Latency, Tail};
pub use members::{MembersAccess, MembersOutcome};
pub use meter::{Election, Settled, Times};
pub use network::Network;
pub use rng::Rng;
pub use run::Outcome;
pub use scenario::Scenario;
pub use setup::{Setup, SetupError};
pub use shard::Shard;
pub use simulation::Simulation;
pub use summary::{MembersSummary, Summary, percentile};
pub use sweep::{Sweep, SweepError};
pub use table::table;
pub use trial::{Trial, TrialError};
