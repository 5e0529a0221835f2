use elector_core::{Epoch, Message, Moment, NodeId, Pledge, Purpose};
use serde::{Deserialize, Serialize};

use crate::{Ballot, Proposal};

/// What nodes say to each other. The sender is never a field: hosts authenticate it. `epoch` is
/// the instance of Paxos that decides who leads that epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PaxosMessage {
    /// Phase 1a: "promise me to accept nothing below this ballot" (section 2.2).
    Prepare {
        /// The instance.
        epoch: Epoch,
        /// The ballot; the sender's own.
        ballot: Ballot,
        /// The leader of the epoch before asked for this election after it had stepped down, so
        /// nobody owes it silence any more.
        handover: bool,
    },
    /// Phase 1b: "I promise; and this is what I have accepted".
    Promise {
        /// The instance.
        epoch: Epoch,
        /// The ballot promised.
        ballot: Ballot,
        /// The accepted proposal of the highest ballot, if there is one.
        accepted: Option<Proposal>,
    },
    /// "No; and this is what I have seen": the answer to an outdated proposer, or to one that
    /// takes a leader for gone whom the sender has just heard.
    Reject {
        /// The ballot refused.
        ballot: Ballot,
        /// The sender's epoch.
        epoch: Epoch,
        /// Who leads `epoch`, if the sender knows.
        leader: Option<NodeId>,
        /// The newest instance that the sender is an acceptor of.
        instance: Epoch,
        /// The highest ballot that it has promised there; or, from a node that does not know that
        /// because it was restarted, a bound, under the id `u64::MAX`: no less than all it can have
        /// promised.
        promised: Option<Ballot>,
    },
    /// Phase 2a: "accept this".
    Accept {
        /// The instance.
        epoch: Epoch,
        /// The proposal; its ballot is the sender's own.
        proposal: Proposal,
    },
    /// Phase 2b: "I have accepted this".
    Accepted {
        /// The instance.
        epoch: Epoch,
        /// The proposal.
        proposal: Proposal,
    },
    /// "A majority has accepted this" (section 2.3: the distinguished learner's word).
    Learn {
        /// The epoch.
        epoch: Epoch,
        /// Its leader.
        leader: NodeId,
        /// The sender's clock when it sent this; to be echoed if the sender is the leader.
        sent: Moment,
    },
    /// "I lead". Whoever missed the decision learns it from this.
    Heartbeat {
        /// The leader's epoch.
        epoch: Epoch,
        /// The leader's clock when it sent this round; to be echoed.
        sent: Moment,
    },
    /// The answer to a [`Heartbeat`](Self::Heartbeat), and to a [`Learn`](Self::Learn) that the
    /// leader itself sent.
    HeartbeatAck {
        /// The follower's epoch. If it is higher than that of the message, the leader's tenure is
        /// over.
        epoch: Epoch,
        /// The stamp of the message, which the follower acknowledges by that; [`Moment::ZERO`] if
        /// the message was of a past epoch.
        sent: Moment,
    },
    /// "Campaign now": the leader of this epoch has stepped down in the receiver's favour.
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

    /// A promise and an acceptance bind alike: to accept nothing of a lower ballot in this
    /// instance. An acceptance and a proposal name the value of their ballot.
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
