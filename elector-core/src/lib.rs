//! The pure heart of elector: the [`ElectionAlgorithm`] trait, and what every algorithm and every
//! host share.
//!
//! An algorithm is a state machine that sees past-tense facts ([`Input`]) and gives orders
//! ([`Outbox`]). A host (simulator, model checker, actor system, network node) owns the clock, the
//! disk and the wires, and drives the algorithm through a [`Driver`] and a [`Gate`]:
//!
//! 1. call [`Driver::step`] with the input and the host's clock reading;
//! 2. start writing [`Step::persist`], if there is one;
//! 3. arm and cancel [`Step::timers`];
//! 4. hand the step to [`Gate::pass`]: it gives back at once, or after [`Gate::persisted`], what
//!    may now be seen from outside; then deliver its [`Step::sends`] and publish its
//!    [`Step::view`].
//!
//! That is the host's whole duty. Persist-before-reply is never an author's duty: the driver finds
//! out what changed by comparing [`ElectionAlgorithm::durable`] before and after.
//!
//! This crate is `#![no_std]`: a clock, a thread, a socket or a random number does not compile
//! here, nor in the algorithm crates.

#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod acks;
mod algorithm;
mod delay;
mod driver;
mod epoch;
mod gate;
mod guarantee;
mod input;
mod membership;
mod message;
mod moment;
mod node;
mod outbox;
mod tally;
mod timing;
pub mod trace;
mod view;

pub use acks::Acks;
pub use algorithm::{ElectionAlgorithm, Payload, Settings};
pub use delay::Delay;
pub use driver::{ContractViolation, Driver, Step};
pub use epoch::Epoch;
pub use gate::Gate;
pub use guarantee::{BestEffort, Guarantee, GuaranteeKind, Quorum};
pub use input::{Command, Input};
pub use membership::{Membership, MembershipError};
pub use message::{Message, Pledge, Purpose};
pub use moment::Moment;
pub use node::NodeId;
pub use outbox::{Outbox, Outgoing, TimerOrder};
pub use tally::{NodeSet, Tally, Verdict};
pub use timing::{Timing, TimingError, millis};
pub use view::{Role, View};
