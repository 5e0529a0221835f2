//! The pure part of elector, without a clock, I/O or random numbers: the [`ElectionAlgorithm`]
//! trait, and the types that all algorithms and all hosts share.
//!
//! An algorithm is a state machine. It receives facts ([`Input`]) and requests effects
//! ([`Outbox`]). A host (simulator, model checker, actor, network node) owns the clock, the disk
//! and the connections. The host drives the algorithm through a [`Process`], which is a [`Driver`]
//! and a [`Gate`]:
//!
//! 1. Call [`Driver::step`] with the input and the host's clock reading.
//! 2. Start to write [`Step::persist`], if there is something to write.
//! 3. Set and cancel [`Step::timers`].
//! 4. Pass the step to [`Gate::pass`]. The gate returns the step as soon as others may see the
//!    effects of the step: immediately, or from [`Gate::pop`] after [`Gate::persisted`]. Then send
//!    the [`Step::sends`] and publish the [`Step::view`].
//!
//! A host does nothing else with a step. The function [`host::carry_out`] does steps 2 to 4 for
//! every type that implements the trait [`Host`](host::Host). An algorithm never requests a write:
//! the driver compares [`ElectionAlgorithm::durable`] before and after each step. If the durable
//! state has changed, the host writes it before it sends the messages of the step.
//!
//! The module [`invariants`] lists what must hold in every run, on every host.
//!
//! # An algorithm and its host
//!
//! This is the smallest possible election: the node with the highest id leads from the start, and
//! sends its peers a message about its leadership.
//!
//! ```
//! use elector_core::{
//!     BestEffort, Driver, ElectionAlgorithm, Epoch, Gate, Input, Membership, Message, Moment,
//!     NodeId, Outbox, Outgoing, Purpose, Timing, View,
//! };
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Clone, Debug, PartialEq, Eq, Hash)]
//! struct Highest { members: Membership, epoch: Epoch, leader: Option<NodeId> }
//!
//! #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
//! struct Coordinator { epoch: Epoch }
//!
//! impl ElectionAlgorithm for Highest {
//!     const NAME: &'static str = "highest";
//!     type Guarantee = BestEffort;
//!     type Config = Timing;
//!     type Message = Coordinator;
//!     type Timer = ();
//!     type Durable = Epoch;
//!
//!     fn restore(_: &Timing, members: Membership, epoch: Epoch) -> Self {
//!         Self { members, epoch, leader: None }
//!     }
//!
//!     fn durable(&self) -> &Epoch {
//!         &self.epoch
//!     }
//!
//!     fn view(&self) -> View {
//!         match self.leader {
//!             Some(me) if me == self.members.me() => View::leading(self.epoch, me),
//!             leader => View::following(self.epoch, leader),
//!         }
//!     }
//!
//!     fn step(&mut self, input: Input<Coordinator, ()>, out: &mut Outbox<Self>) {
//!         match input {
//!             Input::Started => {
//!                 if self.members.above().is_empty() {
//!                     self.epoch = self.epoch.next();
//!                     self.leader = Some(self.members.me());
//!                     out.broadcast(&Coordinator { epoch: self.epoch });
//!                 }
//!             }
//!             Input::Received { from, message: Coordinator { epoch } } => {
//!                 if epoch > self.epoch {
//!                     self.epoch = epoch;
//!                     self.leader = Some(from);
//!                 }
//!             }
//!             Input::Commanded(_) => out.refuse("the highest node leads, always"),
//!             Input::Elapsed(()) => {}
//!             Input::Suspected(_) | Input::Silent(_) => {}
//!             Input::Died(_) | Input::Returned(_) => {}
//!         }
//!     }
//! }
//!
//! impl Message for Coordinator {
//!     fn kind(&self) -> &'static str { "Coordinator" }
//!     fn purpose(&self) -> Purpose { Purpose::Election }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let members = Membership::new(NodeId(2), [NodeId(1), NodeId(2)])?;
//! let mut driver = Driver::<Highest>::restore(&Timing::default(), members, Epoch::ZERO);
//! let mut gate = Gate::new();
//!
//! let step = driver.step(Input::Started, Moment::ZERO)?;
//! let number = step.number;
//! assert_eq!(step.persist, Some(Epoch(1)));
//! assert!(gate.pass(step).is_none(), "epoch 1 is not visible before it is durable");
//!
//! gate.persisted(number);
//! let step = gate.pop().ok_or("the write is durable, so the step is visible")?;
//! let message = Coordinator { epoch: Epoch(1) };
//! assert_eq!(step.sends, [Outgoing { to: NodeId(1), message }]);
//! assert_eq!(step.view, Some(View::leading(Epoch(1), NodeId(2))));
//! # Ok(())
//! # }
//! ```
//!
//! # Purity
//!
//! Without the feature `actor` this crate is `no_std`. Code that uses clocks, threads, sockets or
//! random numbers does not compile in this crate or in the algorithm crates.
#![forbid(unsafe_code)]
#![cfg_attr(not(feature = "actor"), no_std)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod acks;
#[cfg(feature = "actor")]
pub mod actor;
mod algorithm;
mod attempts;
pub mod by_node;
mod comparable;
mod contract;
mod delay;
mod disk_id;
mod driver;
mod epoch;
mod error_text;
mod exclusive_timer;
mod fence;
mod gate;
mod guarantee;
pub mod host;
mod input;
pub mod invariants;
pub mod log;
mod members_change;
mod members_report;
mod membership;
mod message;
mod moment;
mod node;
mod outbox;
mod process;
pub mod quorum;
mod refusal;
mod tally;
mod timing;
pub mod trace;
mod view;

pub use acks::Acks;
pub use algorithm::{Configuration, ElectionAlgorithm, OlderState, Payload};
pub use attempts::Attempts;
pub use comparable::{Comparable, Variant};
pub use contract::ContractViolation;
pub use delay::Delay;
pub use disk_id::DiskId;
pub use driver::{Driver, Step};
pub use epoch::Epoch;
#[doc(hidden)]
pub use error_text::error_text;
pub use exclusive_timer::ExclusiveTimer;
pub use fence::{Fence, FencingToken, StaleToken};
pub use gate::Gate;
pub use guarantee::{BestEffort, Guarantee, GuaranteeKind, Quorum};
pub use input::{Command, Input};
pub use members_change::{MembersChange, RosterId};
pub use members_report::{ChangeWait, Member, MemberRole, MembersReport};
pub use membership::{Membership, MembershipError};
pub use message::{Message, Pledge, Purpose, Scope};
pub use moment::{Moment, nanos};
pub use node::NodeId;
pub use outbox::{Outbox, Outgoing, TimerChange};
pub use process::Process;
pub use refusal::Refusal;
pub use tally::{NodeSet, Tally, Verdict};
pub use timing::{Timing, TimingError, millis};
pub use view::{Role, Tenure, View};
