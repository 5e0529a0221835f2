//! The leader.

use elector_core::{
    Epoch, Moment, NodeId, Outbox,
    quorum::{CheckQuorum, LeaderState, Phase},
};

use crate::{Raft, RaftMessage};

impl Raft {
    /// This node has won its term: "it then sends heartbeat messages to all of the other servers
    /// to establish its authority and prevent new elections" (section 5.2).
    pub(super) fn lead(&mut self, out: &mut Outbox<Self>) {
        self.timeout.lead(out);
        self.elected = Some(self.me());
        let check = if self.rules.config.check_quorum {
            CheckQuorum::On
        } else {
            CheckQuorum::Off
        };
        self.phase = Phase::Leader(LeaderState::begin(check, &self.rules, out));
        self.send_round(true, out);
    }

    pub(super) fn send_round(&mut self, announce: bool, out: &mut Outbox<Self>) {
        let (term, sent) = (self.term(), out.now());
        let Phase::Leader(state) = &mut self.phase else {
            return; // Stale.
        };
        state.send_round(&self.rules, out);
        out.broadcast(&RaftMessage::Heartbeat {
            term,
            sent,
            announce,
        });
    }

    pub(super) fn on_heartbeat_ack(
        &mut self,
        from: NodeId,
        term: Epoch,
        sent: Moment,
        out: &mut Outbox<Self>,
    ) {
        if term > self.term() {
            return self.adopt(term, out);
        }
        if term < self.term() {
            return; // Stale: of an earlier tenure.
        }
        if let Phase::Leader(state) = &mut self.phase {
            state.acknowledged(from, sent, &self.rules, out);
        } // Else it is stale: this tenure has ended.
    }

    /// "A leader steps down if an election timeout elapses without a successful round of
    /// heartbeats to a majority of its cluster" (dissertation, section 6.2). In the same term, so
    /// that no node is disturbed that has a leader; and it never leads that term again (I4).
    pub(super) fn on_quorum_timer(&mut self, out: &mut Outbox<Self>) {
        if self.phase.leads() {
            self.step_down(out);
        }
    }
}
