use core::{fmt::Debug, hash::Hash};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    DiskId, Epoch, Guarantee, Input, MembersReport, Membership, Message, Moment, NodeId, Outbox,
    RosterId, Timing, TimingError, View, log::ReplicatedLog,
};

/// What messages, timers and durable state must support: they are stored, sent, compared and
/// hashed. A model checker needs `Ord` and `Sync` as well as `Hash`.
pub trait Payload:
    Clone + Debug + Eq + Ord + Hash + Serialize + DeserializeOwned + Send + Sync + Unpin + 'static
{
}

impl<T> Payload for T where
    T: Clone
        + Debug
        + Eq
        + Ord
        + Hash
        + Serialize
        + DeserializeOwned
        + Send
        + Sync
        + Unpin
        + 'static
{
}

/// The configuration of an algorithm. A value that may differ from node to node is not serialized:
/// hosts compare the serialized configurations of all nodes, which must be equal.
pub trait Configuration:
    Clone + Debug + Default + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// Returns the durations that all algorithms share.
    fn timing(&self) -> &Timing;

    /// Returns the durations that all algorithms share, so that the caller can change them.
    fn timing_mut(&mut self) -> &mut Timing;

    /// Checks every rule that the configuration must keep in a cluster of these members. Hosts call
    /// this method before [`ElectionAlgorithm::restore`].
    ///
    /// # Errors
    /// Returns the first broken rule, by name.
    fn validate(&self, _members: &Membership) -> Result<(), TimingError> {
        Timing::validate(self.timing())
    }

    /// Takes what the disk of this node says: the id of the disk, and the members that the cluster
    /// had at its first start. The list of members is empty if the node joins a running cluster.
    /// Hosts with disks call this method before [`ElectionAlgorithm::restore`]. The default does
    /// nothing.
    fn set_disk(&mut self, _disk: DiskId, _first: &[NodeId]) {}

    /// Returns `true` if this node never leads: it votes, and does not campaign. The default is
    /// `false`.
    fn never_leads(&self) -> bool {
        false
    }

    /// Sets whether this node never leads. Returns `false` if the algorithm has no such setting.
    /// The default returns `false`.
    fn set_never_leads(&mut self, _never: bool) -> bool {
        false
    }
}

/// An encoded durable state that an earlier release has written, for
/// [`ElectionAlgorithm::from_older`].
pub trait OlderState {
    /// Decodes the state as `D`; `None` if it is not a state of this type.
    fn read<D: Payload>(self) -> Option<D>;
}

/// A leader election algorithm, as a deterministic state machine.
///
/// # Contract
///
/// An implementation is *total* and *deterministic*. It has no clock, no randomness and no I/O, and
/// it does not panic on any input in any state. The same state and input give the same state and
/// output.
///
/// - [`restore`](Self::restore) from [`Durable::default`](Default) gives a node that has never run.
///   The first start and a restart use the same function, and the first input after it is
///   `Input::Started`.
/// - The epoch in [`view`](Self::view) never goes back, not even across a crash. All values from
///   which the epoch is computed are in [`durable`](Self::durable).
/// - Under [`Quorum`](crate::Quorum), an epoch never has more than one leader.
/// - Every message goes to a peer: never to the node itself, and never to a node that is not a
///   member.
/// - The role is [`Role::Leader`](crate::Role::Leader) exactly when `view().leader` is the node
///   itself.
///
/// At every step, [`Driver`](crate::Driver) checks the rules that one node can check alone. The
/// simulator and the model checker check the other rules.
///
/// # What an implementation need not do
///
/// It need not persist anything: `durable()` returns the state, and the host writes each change of
/// it before others can see the outputs of the step. It need not report changes of its view:
/// `view()` returns the current view, and the driver finds the changes. It need not read a clock:
/// it sets a timer with bounds, and the host draws the duration.
///
/// A step is atomic under crashes: either its change is durable and its outputs may be visible, or
/// its change is lost and its outputs stay invisible. Some algorithms send a request while their
/// own write is still in progress: a candidate writes its vote for itself while its peers decide.
/// These algorithms take two steps. The first step sends the request and sets a timer of
/// [`Delay::ZERO`](crate::Delay::ZERO). The second step changes the durable state.
///
/// Use [`Outbox::scoped`] to wrap one algorithm in another.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an election algorithm",
    note = "use one, for example `elector::raft::Raft`; `elector::Selected` exists if exactly one \
            of the features `raft` (default), `paxos`, `bully` and `ring` is on: turn the others \
            off"
)]
pub trait ElectionAlgorithm:
    Clone + Debug + Eq + Hash + Send + Sync + Unpin + Sized + 'static
{
    /// The name of the algorithm: lower case, one word (`"raft"`).
    const NAME: &'static str;

    /// Whether the members can change while the cluster runs. If so, nodes that the host did not
    /// know at the start may send messages, receive messages and lead.
    const CHANGES_MEMBERS: bool = false;

    /// The guarantee that callers and checkers may rely on: [`Quorum`](crate::Quorum) or
    /// [`BestEffort`](crate::BestEffort).
    type Guarantee: Guarantee;
    /// The configuration: the durations, and the options of the algorithm. It is part of no message
    /// and of no durable state.
    type Config: Configuration;
    /// The messages between nodes.
    type Message: Message;
    /// The names of the timers. A timer that is set again replaces the running timer of the same
    /// name.
    type Timer: Payload + Copy;
    /// The state that a node keeps across a crash. `Default` is the state of a node that has never
    /// run.
    type Durable: Payload + Default;

    /// Restores a node from its durable state. The first input of the node is `Input::Started`.
    fn restore(config: &Self::Config, members: Membership, durable: Self::Durable) -> Self;

    /// Returns the state that must be on disk before others can see the outputs of a step. The
    /// driver compares this state before and after each step.
    fn durable(&self) -> &Self::Durable;

    /// Returns what others may know of the node: its epoch, its leader and its role. The driver
    /// compares the view before and after each step, and the host publishes changes, for example to
    /// the application.
    fn view(&self) -> View;

    /// For a leader, returns the send time of the newest round of heartbeats that a quorum has
    /// acknowledged. The leader holds its lease until [`Timing::lease`] after that time. The
    /// default is `None`: algorithms without quorums have no lease.
    fn lease(&self) -> Option<Moment> {
        None
    }

    /// Returns `true` if a leader gets a [`lease`](Self::lease) under this configuration. Under
    /// [`Quorum`](crate::Quorum), a host lets the work of a leader run only while the leader holds
    /// its lease. The default is `false`, like the default of `lease`.
    fn has_lease(_config: &Self::Config) -> bool {
        false
    }

    /// Returns the durable state of a node that takes no part in any epoch up to `floor`, and that
    /// has kept every [`Pledge`](crate::Pledge) of `durable` in the epochs above. The view of a
    /// node that is restored from it has a higher epoch than `floor`. The node leads no epoch up to
    /// `floor`, and supports no leader of such an epoch.
    ///
    /// Hosts call this function for a stopped node, when an operator changes the list of nodes. The
    /// reason for the new epoch is that no node of the new list may take part in an epoch in which
    /// the nodes of the old list may have elected a leader.
    ///
    /// Returns `None` if there is no epoch above `floor`, or if the algorithm does not support
    /// changes of the list of nodes. The default is `None`.
    fn raised(_durable: &Self::Durable, _floor: Epoch) -> Option<Self::Durable> {
        None
    }

    /// Decodes the durable state of a node that ran an earlier release, in which the members of
    /// this algorithm were fixed. The default decodes the state as a [`Durable`](Self::Durable) of
    /// the present release.
    fn from_older(older: impl OlderState) -> Option<Self::Durable> {
        older.read()
    }

    /// Returns the durable state of a node that becomes the only voter of a new cluster, because a
    /// majority of the voters is lost permanently. The caller chooses `floor` above the epochs that
    /// the lost voters may have led. The view of the node has a higher epoch than `floor`, and the
    /// node leads no epoch up to `floor`.
    ///
    /// Returns `None` if there is no epoch above `floor`, or if the members of this algorithm
    /// cannot change. The default is `None`.
    fn recovered(
        _durable: &Self::Durable,
        _me: NodeId,
        _disk: DiskId,
        _floor: Epoch,
    ) -> Option<Self::Durable> {
        None
    }

    /// Returns the id of the roster, which is the list of members that this node has; `None` if the
    /// members are fixed. The default is `None`.
    fn roster_id(&self) -> Option<RosterId> {
        None
    }

    /// Returns what this node knows about the members; `None` if the members are fixed. The default
    /// is `None`.
    fn members_report(&self, _now: Moment) -> Option<MembersReport> {
        None
    }

    /// Checks the invariants of the state of one node. In builds with debug assertions,
    /// [`Driver`](crate::Driver) calls this method after each step. The default checks nothing.
    ///
    /// # Errors
    /// Returns the first broken invariant, in words.
    fn check(&self) -> Result<(), &'static str> {
        Ok(())
    }

    /// Returns `true` if this node votes. A node that does not vote takes no part in elections, and
    /// its epoch may be higher than the epoch of the leader. The view of such a node names no
    /// leader while its epoch is higher. The default is `true`.
    fn votes(&self) -> bool {
        true
    }

    /// Returns the log, if this algorithm also replicates a log. The default is `None`.
    fn log(&self) -> Option<&dyn ReplicatedLog> {
        None
    }

    /// Handles one input. This is the only transition of the state machine.
    fn step(&mut self, input: Input<Self::Message, Self::Timer>, out: &mut Outbox<Self>);
}
