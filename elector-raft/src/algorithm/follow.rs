//! The follower, and the election timeout.

use elector_core::{Epoch, Moment, NodeId, Outbox};

use crate::{
    Raft, RaftMessage, RaftTimer,
    state::{Part, Watch},
};

impl Raft {
    pub(super) fn started(&mut self, out: &mut Outbox<Self>) {
        match self.watch {
            Watch::Silent { .. } | Watch::Vigil => {
                out.set_timer(RaftTimer::Vigil, self.rules.timing.vigil());
            }
            Watch::Stagger | Watch::Off => {} // Not the first input: the node is well on its way.
        }
    }

    /// A heartbeat of a past term is answered too: the answer's term ends a tenure that this node
    /// cannot follow any more, and without it neither would ever catch up with the other. That
    /// answer echoes no stamp. The sender may lead the present term by now, and this node has not
    /// heard it do so: an echo would give it a lease for which this node owes no silence.
    pub(super) fn heartbeat(
        &mut self,
        from: NodeId,
        term: Epoch,
        sent: Moment,
        out: &mut Outbox<Self>,
    ) {
        if term > self.term() {
            self.adopt(term, out);
        }
        if term == self.term() {
            if self.winner.is_some_and(|winner| winner != from) {
                return; // Nonsense: a term has one leader.
            }
            self.follow(from, out);
        }
        let sent = if term == self.term() {
            sent
        } else {
            Moment::ZERO
        };
        let term = self.term();
        out.send(from, RaftMessage::HeartbeatAck { term, sent });
    }

    fn follow(&mut self, leader: NodeId, out: &mut Outbox<Self>) {
        if !self.follows(leader) {
            self.part = Part::Follower {
                leader: Some(leader),
            };
        }
        self.winner = Some(leader);
        self.attempt = 0;
        self.supported = None;
        self.sits_out = false;
        let silent = Watch::Silent {
            leader: Some(leader),
            asked: None,
        };
        self.keep_vigil(silent, out);
    }

    /// The leader, if there was one, is not fresh any more. Whoever asked meanwhile is answered
    /// anew.
    pub(super) fn vigil_over(&mut self, out: &mut Outbox<Self>) {
        let asked = match self.watch {
            Watch::Silent { asked, .. } => asked,
            Watch::Vigil => None,
            Watch::Stagger | Watch::Off => return, // Stale.
        };
        self.watch = Watch::Stagger;
        out.set_timer(RaftTimer::Stagger, self.rules.stagger(self.attempt));
        if let Some(request) = asked {
            self.asked(request, out);
        }
    }

    pub(super) fn stagger_over(&mut self, out: &mut Outbox<Self>) {
        if self.watch != Watch::Stagger {
            return; // Stale.
        }
        self.watch = Watch::Vigil; // It is about to start anew, and this timer has ended by itself.
        if self.sits_out {
            self.sits_out = false;
            self.keep_vigil(Watch::Vigil, out);
        } else {
            self.campaign(out);
        }
    }

    /// The host says that the connection to `peer` broke. If that is the leader, this node takes
    /// it for gone and campaigns when its turn comes. The others are asked as in any election.
    pub(super) fn suspected(&mut self, peer: NodeId, out: &mut Outbox<Self>) {
        if !self.rules.members.contains(peer) || peer == self.me() {
            return; // A stranger has no say, and no place here.
        }
        self.suspects.insert(peer);
        let asked = match self.watch {
            Watch::Silent { leader, asked } if leader == Some(peer) => asked,
            Watch::Silent { .. } | Watch::Off => return,
            Watch::Vigil | Watch::Stagger if self.follows(peer) => None,
            Watch::Vigil | Watch::Stagger => return,
        };
        // Somebody who has already asked is ahead of everybody.
        let ahead = u32::from(asked.is_some());
        let rank = self.rules.rank(peer, &self.suspects).saturating_add(ahead);
        if rank == 0 {
            return self.campaign(out);
        }
        if self.watch != Watch::Stagger {
            out.cancel_timer(RaftTimer::Vigil);
        }
        self.watch = Watch::Stagger;
        out.set_timer(RaftTimer::Stagger, self.rules.turn(rank));
        if let Some(request) = asked {
            self.asked(request, out);
        }
    }

    /// The leader of `term` has stepped down and wants this node to take over. No pre-vote: the
    /// old leader vouches for it that an election is due.
    pub(super) fn called_upon(&mut self, from: NodeId, term: Epoch, out: &mut Outbox<Self>) {
        if term < self.term() {
            return; // Stale: that tenure has ended in another way.
        }
        if term > self.term() {
            self.adopt(term, out);
        }
        if self.winner.is_some_and(|winner| winner != from) {
            return; // Nonsense: somebody else leads this term.
        }
        self.sits_out = false;
        self.stand(true, out);
    }
}
