use elector_core::{Epoch, Message, Moment, NodeId, Pledge, Purpose};
use serde::{Deserialize, Serialize};

use crate::LogPosition;

/// What nodes say to each other. The sender is never a field: hosts authenticate it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RaftMessage {
    /// "Would you vote for me?" Binds nobody (dissertation, section 9.6).
    RequestPreVote {
        /// The term the sender would campaign in: one more than its own.
        next_term: Epoch,
        /// Where the sender's log ends.
        last_log: LogPosition,
    },
    /// The answer to a [`RequestPreVote`](Self::RequestPreVote).
    PreVote {
        /// The answering node's own term.
        term: Epoch,
        /// The term that was asked about, so that a late answer is not taken for a newer one.
        next_term: Epoch,
        /// Whether it would vote for the asker in that term.
        granted: bool,
    },
    /// "Vote for me" (section 5.2).
    RequestVote {
        /// The candidate's term.
        term: Epoch,
        /// Where the candidate's log ends (section 5.4.1).
        last_log: LogPosition,
        /// The leader of the term before asked for this election after it had stepped down, so
        /// nobody owes it silence any more (dissertation, sections 3.10 and 4.2.3).
        transfer: bool,
    },
    /// The answer to a [`RequestVote`](Self::RequestVote).
    Vote {
        /// The voter's term; when granted, the term the vote is for.
        term: Epoch,
        /// Whether the candidate has the vote.
        granted: bool,
    },
    /// "I lead" (section 5.2: an `AppendEntries` without entries).
    Heartbeat {
        /// The leader's term.
        term: Epoch,
        /// The leader's clock when it sent this round; to be echoed.
        sent: Moment,
        /// Whether this is the round by which a new leader makes itself known.
        announce: bool,
    },
    /// The answer to a [`Heartbeat`](Self::Heartbeat).
    HeartbeatAck {
        /// The follower's term. If it is higher than the heartbeat's, the sender's tenure is over.
        term: Epoch,
        /// The stamp of the heartbeat, which the follower acknowledges by that;
        /// [`Moment::ZERO`] if the heartbeat was of a past term.
        sent: Moment,
    },
    /// "Campaign now": the leader of this term has stepped down in the receiver's favour
    /// (dissertation, section 3.10).
    TimeoutNow {
        /// The term that the sender led.
        term: Epoch,
    },
}

impl Message for RaftMessage {
    fn epoch(&self) -> Option<Epoch> {
        Some(match *self {
            Self::RequestPreVote { next_term, .. } => next_term,
            Self::PreVote {
                term, next_term, ..
            } => term.max(next_term),
            Self::RequestVote { term, .. }
            | Self::Vote { term, .. }
            | Self::Heartbeat { term, .. }
            | Self::HeartbeatAck { term, .. }
            | Self::TimeoutNow { term } => term,
        })
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::RequestPreVote { .. } => "RequestPreVote",
            Self::PreVote { .. } => "PreVote",
            Self::RequestVote { .. } => "RequestVote",
            Self::Vote { .. } => "Vote",
            Self::Heartbeat { .. } => "Heartbeat",
            Self::HeartbeatAck { .. } => "HeartbeatAck",
            Self::TimeoutNow { .. } => "TimeoutNow",
        }
    }

    fn purpose(&self) -> Purpose {
        match self {
            Self::RequestPreVote { .. }
            | Self::PreVote { .. }
            | Self::RequestVote { .. }
            | Self::Vote { .. }
            | Self::TimeoutNow { .. }
            | Self::Heartbeat { announce: true, .. } => Purpose::Election,
            Self::Heartbeat {
                announce: false, ..
            }
            | Self::HeartbeatAck { .. } => Purpose::Liveness,
        }
    }

    fn pledge(&self, to: NodeId) -> Option<Pledge> {
        match *self {
            Self::Vote {
                term,
                granted: true,
            } => Some(Pledge::vote(term, to)),
            Self::Vote { granted: false, .. }
            | Self::RequestPreVote { .. }
            | Self::PreVote { .. }
            | Self::RequestVote { .. }
            | Self::Heartbeat { .. }
            | Self::HeartbeatAck { .. }
            | Self::TimeoutNow { .. } => None,
        }
    }
}
