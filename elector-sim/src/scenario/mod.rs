//! Scenarios: faults in order of time, as TOML files that a user can copy.
//!
//! The built-in ones are the files in `elector-sim/scenarios`, read by the same parser.
//!
//! ```toml
//! name = "leader-crash"
//! summary = "The leader's process is killed, and started again later."
//! sees = "No leader for about one election timeout; then another, and it stays."
//!
//! [[step]]
//! crash = "leader"
//!
//! [[step]]
//! after_ms = 2000
//! restart = "crashed"
//! ```
//!
//! Every step waits `after_ms` after the one before it, then does exactly one thing; `times` and
//! `every_ms` repeat it. `rest_ms` after the last step all faults end: crashed nodes restart,
//! paused ones resume, links, messages, network, disks and clocks are as they were. From then on
//! all nodes must agree on one leader within `converge_ms` (plus 20 ms a node), and stay with it.
//!
//! A network's faults strike any message. [`MessageFault`] strikes those of one kind or purpose, on
//! some links, once or for as long as it holds:
//!
//! ```toml
//! [[step]]
//! messages = { kind = "HeartbeatAck", to = "leader", delay_ms = 200, times = 1 }
//!
//! [[step]]
//! messages = { purpose = "election", lose = true, chance = 0.1 }
//! ```
//!
//! A [`Composition`] is a set of kinds of faults, the [`Ingredient`]s. The built-in scenario
//! `random` draws it from the seed of each run, and the command that replays a run names it:
//! `random:crash+transfer+drift`, which is a scenario of its own. In files:
//!
//! ```toml
//! [[step]]
//! compose = { for_ms = 5000, of = ["crash", "transfer", "drift"] }
//! ```
//!
//! No duration is over a day and no step is done more than a million times: more is taken for a
//! slip, and refused. A scenario `from_boot` without any step has no faults to end.

mod action;
mod builtin;
mod compose;
mod composition;
mod error;
mod file;
mod graph;
mod ingredient;
mod limits;
mod message_fault;
mod play;
mod selector;

pub use action::{Action, Churn, Compose, Cut, Drift, Rolling, Stall, Suspicion, Transfer};
pub use composition::Composition;
pub use error::ScenarioError;
pub use file::{Repeat, Scenario, Step};
pub use graph::Graph;
pub use ingredient::Ingredient;
pub use message_fault::MessageFault;
pub use selector::Selector;
