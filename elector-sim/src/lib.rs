//! The deterministic simulator of elector: virtual time, one seed, every fault, and invariants that
//! are checked in every run.
//!
//! Any [`ElectionAlgorithm`](elector_core::ElectionAlgorithm) runs here unmodified. The layers,
//! from below:
//!
//! - [`Simulation`]: a cluster in virtual time, with faults at the caller's word.

mod counts;
mod disk;
mod faults;
mod inspect;
pub mod invariants;
mod latency;
mod links;
mod machine;
mod nearest;
mod network;
mod observer;
mod queue;
mod rng;
pub mod run;
pub mod scenario;
pub mod script;
mod setup;
mod simulation;
mod timers;

pub use counts::{Counts, Digest, KindCount};
pub use disk::Disk;
pub use latency::{Bounds, Latency, Tail};
pub use nearest::nearest;
pub use network::Network;
pub use observer::{Election, Settled, Times};
pub use rng::Rng;
pub use run::Outcome;
pub use scenario::Scenario;
pub use setup::{Setup, SetupError};
pub use simulation::Simulation;
