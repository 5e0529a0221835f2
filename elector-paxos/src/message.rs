use elector_core::{Epoch, Message, Moment, NodeId, Pledge, Purpose};
use serde::{Deserialize, Serialize};

use crate::{Ballot, Proposal};

/// The messages between nodes. No message has a field for its sender, because the host of the
/// receiver (the program that runs the algorithm) authenticates the sender. The number of an epoch
/// is also the number of the instance of Paxos that decides which node leads the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PaxosMessage {
    /// Phase 1a: "promise me to accept nothing below this ballot" (section 2.2).
    Prepare {
        /// The instance of Paxos that decides the leader of this epoch.
        epoch: Epoch,
        /// The ballot, which belongs to the sender.
        ballot: Ballot,
        /// Whether the leader of the previous epoch has asked for this election. That leader
        /// stepped down before it asked, so no node owes it silence any more: the receivers may
        /// support another node at once.
        handover: bool,
    },
    /// Phase 1b: "I promise; and this is what I have accepted".
    Promise {
        /// The instance of Paxos that decides the leader of this epoch.
        epoch: Epoch,
        /// The promised ballot.
        ballot: Ballot,
        /// The proposal with the highest ballot that the sender has accepted, if there is one.
        accepted: Option<Proposal>,
    },
    /// "I refuse; and this is what I have seen": a node answers so if the instance or the ballot of
    /// a request is too low, or if the node still owes silence to a leader, which means that it may
    /// support no other node.
    Reject {
        /// The ballot of the request that the sender refuses.
        ballot: Ballot,
        /// The sender's epoch.
        epoch: Epoch,
        /// The leader of `epoch`, if the sender knows it.
        leader: Option<NodeId>,
        /// The newest instance in which the sender is an acceptor or a proposer.
        instance: Epoch,
        /// The highest ballot that the sender has promised in `instance`, or has sent a `Prepare`
        /// with. If the sender refuses because it does not know what it has promised before a
        /// restart, this field is a bound with the node id `u64::MAX`. The bound is at least as
        /// high as all ballots that the sender can have promised.
        promised: Option<Ballot>,
    },
    /// Phase 2a: "accept this".
    Accept {
        /// The instance of Paxos that decides the leader of this epoch.
        epoch: Epoch,
        /// The proposal. Its ballot belongs to the sender.
        proposal: Proposal,
    },
    /// Phase 2b: "I have accepted this".
    Accepted {
        /// The instance of Paxos that decides the leader of this epoch.
        epoch: Epoch,
        /// The proposal that the sender has accepted.
        proposal: Proposal,
    },
    /// "A majority has accepted this" (section 2.3: the message of the distinguished learner).
    Learn {
        /// The epoch whose leader was chosen.
        epoch: Epoch,
        /// The leader of the epoch.
        leader: NodeId,
        /// The time on the sender's clock when it sent this message. If the sender is the leader,
        /// the answer echoes this time.
        sent: Moment,
    },
    /// "I lead". A node that missed the decision learns it from this message.
    Heartbeat {
        /// The leader's epoch.
        epoch: Epoch,
        /// The time on the leader's clock when it sent this round of heartbeats. The answer echoes
        /// this time.
        sent: Moment,
    },
    /// The answer to a [`Heartbeat`](Self::Heartbeat), and to a [`Learn`](Self::Learn) from the
    /// leader itself.
    HeartbeatAck {
        /// The follower's epoch. If it is higher than the epoch of the heartbeat, the leader steps
        /// down.
        epoch: Epoch,
        /// The timestamp of the message that the follower acknowledges; [`Moment::ZERO`] if the
        /// message was of a past epoch.
        sent: Moment,
    },
    /// "Campaign now": the leader of this epoch has stepped down in favour of the receiver.
    Handover {
        /// The epoch that the sender led.
        epoch: Epoch,
    },
}

impl Message for PaxosMessage {
    fn epoch(&self) -> Option<Epoch> {
        Some(match *self {
            Self::Reject {
                epoch, instance, ..
            } => epoch.max(instance),
            Self::Prepare { epoch, .. }
            | Self::Promise { epoch, .. }
            | Self::Accept { epoch, .. }
            | Self::Accepted { epoch, .. }
            | Self::Learn { epoch, .. }
            | Self::Heartbeat { epoch, .. }
            | Self::HeartbeatAck { epoch, .. }
            | Self::Handover { epoch } => epoch,
        })
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Prepare { .. } => "Prepare",
            Self::Promise { .. } => "Promise",
            Self::Reject { .. } => "Reject",
            Self::Accept { .. } => "Accept",
            Self::Accepted { .. } => "Accepted",
            Self::Learn { .. } => "Learn",
            Self::Heartbeat { .. } => "Heartbeat",
            Self::HeartbeatAck { .. } => "HeartbeatAck",
            Self::Handover { .. } => "Handover",
        }
    }

    fn purpose(&self) -> Purpose {
        match self {
            Self::Prepare { .. }
            | Self::Promise { .. }
            | Self::Reject { .. }
            | Self::Accept { .. }
            | Self::Accepted { .. }
            | Self::Learn { .. }
            | Self::Handover { .. } => Purpose::Election,
            Self::Heartbeat { .. } | Self::HeartbeatAck { .. } => Purpose::Liveness,
        }
    }

    /// A promise and an acceptance bind the sender in the same way: the sender accepts nothing with
    /// a lower ballot in this instance. An acceptance and a proposal also name the value that is
    /// proposed with their ballot.
    fn pledge(&self, _to: NodeId) -> Option<Pledge> {
        let (epoch, ballot, candidate) = match self {
            Self::Promise { epoch, ballot, .. } => (*epoch, *ballot, None),
            Self::Accept { epoch, proposal } | Self::Accepted { epoch, proposal } => {
                (*epoch, proposal.ballot, Some(proposal.value))
            }
            Self::Prepare { .. }
            | Self::Reject { .. }
            | Self::Learn { .. }
            | Self::Heartbeat { .. }
            | Self::HeartbeatAck { .. }
            | Self::Handover { .. } => return None,
        };
        Some(Pledge {
            epoch,
            rank: (ballot.counter, ballot.node.0),
            candidate,
        })
    }
}
