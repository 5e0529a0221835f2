use core::{fmt::Debug, hash::Hash};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Epoch, Guarantee, Input, Membership, Message, Moment, Outbox, Timing, TimingError, View,
};

/// What messages, timers and durable state must be able to do, wherever they run: be stored, sent,
/// compared and hashed (a model checker needs `Ord` and `Sync` as well as `Hash`).
pub trait Payload:
    Clone + Debug + Eq + Ord + Hash + Serialize + DeserializeOwned + Send + Sync + 'static
{
}

impl<T> Payload for T where
    T: Clone + Debug + Eq + Ord + Hash + Serialize + DeserializeOwned + Send + Sync + 'static
{
}

/// The configuration of an algorithm.
pub trait Configuration:
    Clone + Debug + Default + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The durations that every algorithm shares.
    fn timing(&self) -> &Timing;

    /// The same, to change.
    fn timing_mut(&mut self) -> &mut Timing;

    /// Checks every rule, for a cluster of these members. Hosts call this before
    /// [`ElectionAlgorithm::restore`].
    ///
    /// # Errors
    /// The first broken rule, by name.
    fn validate(&self, _members: &Membership) -> Result<(), TimingError> {
        Timing::validate(self.timing())
    }
}

/// A leader election algorithm, as a deterministic state machine.
///
/// # Contract
///
/// An implementation is *total* and *deterministic*: no clock, no randomness, no I/O, and no panic
/// on any input in any state. The same state and input give the same state and output.
///
/// - [`restore`](Self::restore) from [`Durable::default`](Default) is a node that has never run.
///   First boot and recovery are the same path; `Input::Started` follows.
/// - The epoch in [`view`](Self::view) never goes back, also not across a crash: what it is
///   computed from is in [`durable`](Self::durable).
/// - Under [`Quorum`](crate::Quorum), an epoch has at most one leader, ever.
/// - Every send goes to a peer: not to itself, not to a stranger.
/// - [`Role::Leader`](crate::Role::Leader) is claimed exactly when `view().leader` is the node.
///
/// [`Driver`](crate::Driver) checks what one node can check, at every step; the simulator and the
/// model checker check the rest.
///
/// # What it need not do
///
/// Persist anything: return the state from `durable()`, and the driver writes it down before the
/// outputs of the step are seen. Deduplicate events: return the present from `view()`, and the
/// driver publishes changes. Read a clock: arm a timer with bounds, and the host draws.
///
/// A step is atomic under crashes: its change is durable and its outputs may be seen, or neither.
/// Where an algorithm wants its own write to overlap with its request's flight (a candidate that
/// votes for itself while its peers decide), it takes two steps: the first sends and sets a timer
/// of [`Delay::ZERO`](crate::Delay::ZERO), the second changes the durable state.
///
/// Wrapping one algorithm in another is done with [`Outbox::scoped`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no election algorithm",
    note = "name one, as in `elector::raft::Raft`; `elector::Selected` is one when exactly one of \
            the features `raft` (default), `paxos`, `bully` and `ring` is on: turn the others off"
)]
pub trait ElectionAlgorithm:
    Clone + Debug + Eq + Hash + Send + Sync + Unpin + Sized + 'static
{
    /// Its name: lower case, one word (`"raft"`).
    const NAME: &'static str;

    /// What callers and checkers may rely on: [`Quorum`](crate::Quorum) or
    /// [`BestEffort`](crate::BestEffort).
    type Guarantee: Guarantee;
    /// Timing and options. Part of no message and of no durable state.
    type Config: Configuration;
    /// What nodes say to each other.
    type Message: Message;
    /// The names of its timers. Setting one again replaces it.
    type Timer: Payload + Copy;
    /// What a node must still know after a crash. `Default` is a node that has never run.
    type Durable: Payload + Default;

    /// A node with this durable state, about to receive `Input::Started`.
    fn restore(config: &Self::Config, members: Membership, durable: Self::Durable) -> Self;

    /// Projection: what must be on disk before this step's outputs are seen. Diffed by the driver.
    fn durable(&self) -> &Self::Durable;

    /// Projection: what an observer may know. Diffed by the driver.
    fn view(&self) -> View;

    /// Projection: for a leader, the send time of the newest round that a quorum has acknowledged
    /// to it. It holds its lease until [`Timing::lease`] after that. Algorithms without quorums
    /// have no lease.
    fn lease(&self) -> Option<Moment> {
        None
    }

    /// Returns `true` if a leader under this configuration comes to hold a [`lease`](Self::lease).
    /// Under [`Quorum`](crate::Quorum), hosts run no work of a leader without one. By default
    /// `false`, as the default of `lease`.
    fn has_lease(_config: &Self::Config) -> bool {
        false
    }

    /// The durable state of a node that takes no part in any epoch up to `floor`, and has kept
    /// every promise of `durable` in the epochs above. A node that is restored from it shows a
    /// higher epoch than `floor`, leads none up to it, and supports no leader of one.
    ///
    /// Used on a node that is stopped, when the list of nodes is changed: no node of the new list
    /// may take part in an epoch in which the old list may have elected a leader.
    ///
    /// `None` if there is no epoch above, or if the algorithm cannot do this, as by default.
    fn raised(_durable: &Self::Durable, _floor: Epoch) -> Option<Self::Durable> {
        None
    }

    /// Checks the invariants that the state of one node shows. [`Driver`](crate::Driver) calls it
    /// after each step in builds with debug assertions. By default there is nothing to check.
    ///
    /// # Errors
    /// The first broken invariant, in words.
    fn check(&self) -> Result<(), &'static str> {
        Ok(())
    }

    /// The only transition.
    fn step(&mut self, input: Input<Self::Message, Self::Timer>, out: &mut Outbox<Self>);
}
