//! Scenarios: lists of faults and when they occur, as TOML files that users can copy.
//!
//! The built-in scenarios are the files in `elector-sim/scenarios`. The same parser reads them.
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
//! Every step waits `after_ms` after the previous step and then does exactly one action; `times`
//! and `every_ms` repeat the action. `rest_ms` after the last step all faults end: crashed nodes
//! restart, paused nodes resume, and links, messages, network, disks and clocks return to their
//! initial state. From then on all nodes must agree on one leader within `converge_ms` (plus 20 ms
//! for each node), and keep this leader.
//!
//! The faults of a network apply to any message. A [`MessageFault`] applies to messages of one kind
//! or purpose or on some links, a given number of times or as long as it is in effect:
//!
//! ```toml
//! [[step]]
//! messages = { kind = "HeartbeatAck", to = "leader", delay_ms = 200, times = 1 }
//!
//! [[step]]
//! messages = { purpose = "election", lose = true, chance = 0.1 }
//! ```
//!
//! A [`Composition`] is a set of kinds of faults; a kind is called an [`Ingredient`]. The built-in
//! scenario `random` draws a composition from the seed of each run. The command that replays a run
//! names the composition, for example `random:crash+drift+transfer`. This name is also the name of
//! a scenario. In files:
//!
//! ```toml
//! [[step]]
//! compose = { for_ms = 5000, of = ["crash", "transfer", "drift"] }
//! ```
//!
//! An operator can change the members, under an algorithm whose members can change. `spares` is the
//! number of nodes that do not vote at the beginning:
//!
//! ```toml
//! spares = 1
//!
//! [[step]]
//! crash = "follower 1"
//!
//! [[step]]
//! members = { goal = "all", without = "crashed" }
//! ```
//!
//! The parser rejects a duration of more than a day, and a step that is done more than a million
//! times: it takes such numbers for mistakes. A scenario with `from_boot` and without any step has
//! no faults to end.

mod action;
mod builtin;
mod compose;
mod composition;
mod error;
mod file;
mod graph;
mod ingredient;
mod limits;
mod members;
mod message_fault;
mod play;
mod selector;
mod step;

pub use action::{Action, Churn, Compose, Cut, Drift, Rolling, Stall, Suspicion, Transfer};
pub use composition::Composition;
pub use error::ScenarioError;
pub use file::Scenario;
pub use graph::Graph;
pub use ingredient::Ingredient;
pub use members::{ChangeMembers, Selectors};
pub use message_fault::MessageFault;
pub use selector::Selector;
pub use step::{Repeat, Step};
