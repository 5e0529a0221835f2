use alloc::collections::BTreeMap;
use core::time::Duration;

use elector_core::{
    Epoch, Membership, NodeId,
    log::{Entry, Log, LogIndex, Progress},
};
use serde::{Deserialize, Serialize};

use super::{RaftLogConfig, RaftLogDurable};
use crate::{LogPosition, Raft, RaftTimer};

/// A follower with entries that it does not know to be committed asks the leader after this number
/// of heartbeats without an `Append`.
pub(super) const ASK_AFTER: u8 = 3;

/// One node of Raft with its log. The [module documentation](super) explains the protocol.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RaftLog {
    pub(super) members: Membership,
    pub(super) heartbeat: Duration,
    pub(super) election: Raft,
    pub(super) durable: RaftLogDurable,
    /// The log of this node. The log of a leader may have entries that its durable log gets in the
    /// next step; all other logs are equal to the durable one.
    pub(super) log: Log<Entry>,
    pub(super) committed: LogIndex,
    /// How many heartbeats have arrived since the last `Append`, while this node had entries that
    /// it did not know to be committed. A node that starts begins with the highest number, so it
    /// asks at the next heartbeat.
    pub(super) unsure: u8,
    /// The state that this node has only while it leads.
    pub(super) leadership: Option<Leadership>,
}

/// The timers of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RaftLogTimer {
    /// A timer of the election.
    Election(RaftTimer),
    /// Begins the second step of an append: the leader stores the new entries itself. Its length is
    /// zero.
    Store,
    /// When it ends, a leader sends again what followers have not answered.
    Resend,
}

/// The state of a leader.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Leadership {
    pub(super) term: Epoch,
    pub(super) followers: BTreeMap<NodeId, Follower>,
}

/// What a leader knows about a follower.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Follower {
    pub(super) progress: Progress,
    pub(super) mode: Mode,
}

/// How a leader sends entries to a follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Mode {
    /// The leader does not know where the follower's log ends. It sends one message, and waits for
    /// the answer.
    Probing {
        /// Whether the message has been sent.
        is_sent: bool,
    },
    /// The leader sends new entries without waiting.
    Streaming,
}

impl Follower {
    /// Sends again what the follower has not answered.
    pub(super) fn probe_again(&mut self) {
        if self.mode == Mode::Streaming {
            self.progress.next = self.progress.matched.next();
        }
        self.mode = Mode::Probing { is_sent: false };
    }
}

impl RaftLog {
    pub(super) fn new(
        RaftLogConfig(config): &RaftLogConfig,
        members: Membership,
        durable: RaftLogDurable,
    ) -> Self {
        Self {
            heartbeat: config.timing.heartbeat,
            election: Raft::new(config, members.clone(), durable.election.clone()),
            log: durable.log.clone(),
            committed: LogIndex::ZERO,
            unsure: ASK_AFTER,
            leadership: None,
            durable,
            members,
        }
    }

    pub(super) fn term(&self) -> Epoch {
        self.election.term()
    }

    /// Returns the index of this entry and its term; `None` if the log has no such entry.
    pub(super) fn position(&self, index: LogIndex) -> Option<LogPosition> {
        if index == LogIndex::ZERO {
            return Some(LogPosition::default());
        }
        let entry = self.log.get(index)?;
        Some(LogPosition {
            term: entry.epoch,
            index: index.0,
        })
    }

    /// Returns the position of the last entry.
    pub(super) fn last_position(&self) -> LogPosition {
        self.position(self.log.last_index()).unwrap_or_default()
    }

    /// Returns the last entry whose index is at most `index`, and whose term is at most `term`.
    pub(super) fn last_until(&self, index: LogIndex, term: Epoch) -> LogPosition {
        let mut index = index.min(self.log.last_index());
        loop {
            match self.position(index) {
                Some(position) if position.term > term => index = index.previous(),
                position => return position.unwrap_or_default(),
            }
        }
    }

    /// Makes the log of this node durable in this step. The election gets the end of the log with
    /// it (L2).
    pub(super) fn store(&mut self) {
        let last_log = self.last_position();
        self.durable.log = self.log.clone();
        self.election.durable.last_log = last_log;
        self.durable.election.clone_from(&self.election.durable);
    }

    /// Returns the position of the last entry on disk.
    pub(super) fn stored_position(&self) -> LogPosition {
        self.durable
            .log
            .last()
            .map_or_else(LogPosition::default, |entry| LogPosition {
                term: entry.epoch,
                index: self.durable.log.last_index().0,
            })
    }
}
