//! The leader.

use elector_core::{Acks, Delay, Epoch, Moment, NodeId, NodeSet, Outbox};

use crate::{
    Raft, RaftMessage, RaftTimer,
    state::{Part, Watch},
};

impl Raft {
    /// This node has won its term: "it then sends heartbeat messages to all of the other servers
    /// to establish its authority and prevent new elections" (section 5.2).
    pub(super) fn lead(&mut self, out: &mut Outbox<Self>) {
        match self.watch {
            Watch::Silent { .. } | Watch::Vigil => out.cancel_timer(RaftTimer::Vigil),
            Watch::Stagger => out.cancel_timer(RaftTimer::Stagger),
            Watch::Off => {}
        }
        self.watch = Watch::Off;
        self.winner = Some(self.me());
        self.attempts.settle();
        self.sits_out = false;
        self.part = Part::Leader {
            acks: Acks::new(&self.rules.members),
            heard: NodeSet::new(),
        };
        if self.rules.check_quorum && self.rules.members.majority() > 1 {
            out.set_timer(RaftTimer::Quorum, self.rules.timing.vigil());
        }
        self.send_round(true, out);
    }

    pub(super) fn next_round(&mut self, out: &mut Outbox<Self>) {
        self.send_round(false, out);
    }

    fn send_round(&mut self, announce: bool, out: &mut Outbox<Self>) {
        let (term, me, sent) = (self.term(), self.me(), out.now());
        let Part::Leader { acks, .. } = &mut self.part else {
            return; // Stale.
        };
        acks.record(&self.rules.members, me, sent);
        out.broadcast(&RaftMessage::Heartbeat {
            term,
            sent,
            announce,
        });
        let heartbeat = Delay::exactly(self.rules.timing.heartbeat);
        out.set_timer(RaftTimer::Heartbeat, heartbeat);
    }

    pub(super) fn acknowledged(
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
        let Part::Leader { acks, heard } = &mut self.part else {
            return; // Stale: this tenure has ended.
        };
        if !acks.record(&self.rules.members, from, sent) {
            return; // Stale: it answers a round of an earlier tenure.
        }
        // The leader itself is one of the quorum.
        let missing = self.rules.members.majority() - 1;
        if self.rules.check_quorum && heard.insert(from) && heard.len() >= missing {
            heard.clear();
            out.set_timer(RaftTimer::Quorum, self.rules.timing.vigil());
        }
    }

    /// "A leader steps down if an election timeout elapses without a successful round of
    /// heartbeats to a majority of its cluster" (dissertation, section 6.2). In the same term, so
    /// that nobody is disturbed who might be better off; and it never leads that term again.
    pub(super) fn quorum_missed(&mut self, out: &mut Outbox<Self>) {
        if self.leads() {
            self.step_down(out);
        }
    }

    /// Steps down, calls upon its heir, and lets the next
    /// chance to campaign pass.
    pub(super) fn told_to_resign(&mut self, out: &mut Outbox<Self>) {
        let Part::Leader { acks, .. } = &self.part else {
            return out.refuse("this node does not lead: only the leader can resign");
        };
        let heir = acks.heir(&self.rules.members, self.me(), &self.suspects);
        self.sits_out = true;
        self.hand_over(heir, out);
    }

    pub(super) fn told_to_transfer(&mut self, peer: NodeId, out: &mut Outbox<Self>) {
        let Part::Leader { acks, .. } = &self.part else {
            return out.refuse("this node does not lead: only the leader can transfer leadership");
        };
        if peer == self.me() {
            return out.refuse("this node leads already: name another member");
        }
        if !self.rules.members.contains(peer) {
            return out.refuse("that node is not in the cluster: name a member");
        }
        if self.suspects.contains(peer) {
            return out.refuse("that node's connection is broken: name another member");
        }
        let span = self.rules.timing.election_min;
        if acks.misses(&self.rules.members, peer, out.now(), span) {
            return out.refuse(
                "that node has not answered this leader for election_min: name another member",
            );
        }
        self.hand_over(Some(peer), out);
    }

    /// Steps down *first*: the heir's election overrides the silence that protects this node's
    /// lease, so there must be no lease left. If the heir is not elected, anybody may be, this
    /// node too, in a later term.
    fn hand_over(&mut self, heir: Option<NodeId>, out: &mut Outbox<Self>) {
        let term = self.term();
        self.step_down(out);
        if let Some(heir) = heir {
            out.send(heir, RaftMessage::TimeoutNow { term });
        }
    }
}
