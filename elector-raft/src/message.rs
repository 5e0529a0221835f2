use elector_core::{Epoch, Message, Moment, NodeId, Pledge, Purpose};
use serde::{Deserialize, Serialize};

use crate::LogPosition;

/// The messages between nodes. No message has a field for its sender, because the host of the
/// receiver (the program that runs the algorithm) authenticates the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RaftMessage {
    /// "Would you vote for me?" The answer does not bind the voter (dissertation, section 9.6).
    RequestPreVote {
        /// The term in which the sender would campaign: its own term plus one.
        next_term: Epoch,
        /// The end of the sender's log.
        last_log: LogPosition,
    },
    /// The answer to a [`RequestPreVote`](Self::RequestPreVote).
    PreVote {
        /// The sender's own term.
        term: Epoch,
        /// The term of the request that this message answers. So the candidate does not take a late
        /// answer for an answer to a newer request.
        next_term: Epoch,
        /// Whether the sender would vote for the receiver in the term `next_term`.
        granted: bool,
    },
    /// "Vote for me" (section 5.2).
    RequestVote {
        /// The candidate's term.
        term: Epoch,
        /// The end of the candidate's log (section 5.4.1).
        last_log: LogPosition,
        /// Whether the leader of the previous term has asked for this election. That leader had
        /// stepped down before, so the voters owe it no silence (refusal of all other candidates)
        /// any more, and may vote at once (dissertation, sections 3.10 and 4.2.3).
        transfer: bool,
    },
    /// The answer to a [`RequestVote`](Self::RequestVote).
    Vote {
        /// The voter's term. If the vote is granted, this is the term of the vote.
        term: Epoch,
        /// Whether the candidate has the vote.
        granted: bool,
    },
    /// "I lead" (section 5.2: an `AppendEntries` without entries).
    Heartbeat {
        /// The leader's term.
        term: Epoch,
        /// The time on the leader's clock when it sent this round of heartbeats. The answer echoes
        /// this time.
        sent: Moment,
        /// Whether this is the first round of heartbeats of a new leader.
        announce: bool,
    },
    /// The answer to a [`Heartbeat`](Self::Heartbeat).
    HeartbeatAck {
        /// The follower's term. If it is higher than the term of the heartbeat, the leader steps
        /// down.
        term: Epoch,
        /// The timestamp of the heartbeat that the follower acknowledges; [`Moment::ZERO`] if the
        /// heartbeat was of a past term.
        sent: Moment,
    },
    /// "Campaign now": the leader of this term has stepped down in favour of the receiver
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
