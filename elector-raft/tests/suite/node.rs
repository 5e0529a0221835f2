//! A node of Raft under test, and short names for its messages.

use elector_core::{Epoch, Moment, Step};
use elector_raft::{LogPosition, Raft, RaftConfig, RaftDurable, RaftMessage, RaftTimer};

use crate::algorithm::node;
pub(crate) use crate::algorithm::node::{sent, set};

pub(crate) const EMPTY: LogPosition = LogPosition {
    term: Epoch::ZERO,
    index: 0,
};

pub(crate) type Node = node::Node<Raft>;

impl Node {
    /// Returns node 1 of a cluster of the nodes `1..=nodes`, after its start.
    pub(crate) fn new(nodes: u64, config: &RaftConfig) -> Self {
        Self::with_disk(nodes, config, RaftDurable::default())
    }

    pub(crate) fn with_disk(nodes: u64, config: &RaftConfig, disk: RaftDurable) -> Self {
        Self::restored(1, nodes, config, disk).start()
    }

    /// Lets both parts of the election timeout pass.
    pub(crate) fn time_out(&mut self) -> Box<Step<Raft>> {
        self.elapse(RaftTimer::Vigil);
        self.elapse(RaftTimer::Stagger)
    }

    /// Makes the node lead the next term, with the votes of as many peers, from node 2 upwards, as
    /// a majority needs.
    pub(crate) fn lead(&mut self) -> Box<Step<Raft>> {
        let majority = self.majority();
        self.time_out();
        let next_term = self.view().epoch.next();
        for peer in 2..=majority {
            let term = self.view().epoch;
            self.receive(peer, pre_vote(term, next_term));
        }
        let mut step = self.elapse(RaftTimer::OwnVote);
        for peer in 2..=majority {
            step = self.receive(peer, vote(next_term));
        }
        step
    }

    pub(crate) fn lease(&self) -> Option<Moment> {
        self.driver.lease()
    }
}

pub(crate) fn is_set(step: &Step<Raft>, timer: RaftTimer) -> bool {
    set(step, timer).is_some()
}

pub(crate) fn plain() -> RaftConfig {
    RaftConfig {
        pre_vote: false,
        ..RaftConfig::default()
    }
}

pub(crate) fn paper() -> RaftConfig {
    RaftConfig {
        check_quorum: false,
        ..plain()
    }
}

pub(crate) fn e(term: u64) -> Epoch {
    Epoch(term)
}

pub(crate) fn request_vote(term: Epoch) -> RaftMessage {
    RaftMessage::RequestVote {
        term,
        last_log: EMPTY,
        transfer: false,
    }
}

pub(crate) fn transfer_request(term: Epoch) -> RaftMessage {
    RaftMessage::RequestVote {
        term,
        last_log: EMPTY,
        transfer: true,
    }
}

pub(crate) fn request_pre_vote(next_term: Epoch) -> RaftMessage {
    RaftMessage::RequestPreVote {
        next_term,
        last_log: EMPTY,
    }
}

pub(crate) fn vote(term: Epoch) -> RaftMessage {
    RaftMessage::Vote {
        term,
        granted: true,
    }
}

pub(crate) fn no_vote(term: Epoch) -> RaftMessage {
    RaftMessage::Vote {
        term,
        granted: false,
    }
}

pub(crate) fn pre_vote(term: Epoch, next_term: Epoch) -> RaftMessage {
    RaftMessage::PreVote {
        term,
        next_term,
        granted: true,
    }
}

pub(crate) fn no_pre_vote(term: Epoch, next_term: Epoch) -> RaftMessage {
    RaftMessage::PreVote {
        term,
        next_term,
        granted: false,
    }
}

pub(crate) fn heartbeat(term: Epoch) -> RaftMessage {
    RaftMessage::Heartbeat {
        term,
        sent: Moment::ZERO,
        announce: false,
    }
}

pub(crate) fn ack(term: Epoch, sent: Moment) -> RaftMessage {
    RaftMessage::HeartbeatAck { term, sent }
}
