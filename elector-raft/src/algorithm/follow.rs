//! The follower, and the election timeout.

use elector_core::{Epoch, Moment, NodeId, Outbox};

use crate::{
    Raft, RaftMessage, RaftTimer,
    state::{Part, Request, Watch},
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
        self.attempts.settle();
        self.sits_out = false;
        let silent = Watch::Silent {
            leader: Some(leader),
            asked: None,
            suspected: false,
        };
        self.keep_vigil(silent, out);
    }

    /// The leader, if there was one, is not fresh any more. Whoever asked meanwhile is answered
    /// anew.
    pub(super) fn vigil_over(&mut self, out: &mut Outbox<Self>) {
        let (leader, asked) = match self.watch {
            Watch::Silent {
                leader,
                asked,
                suspected,
            } => (leader.filter(|_| suspected), asked),
            Watch::Vigil => (None, None),
            Watch::Stagger | Watch::Off => return, // Stale.
        };
        if let Some(leader) = leader {
            self.watch = Watch::Off; // The timer has ended by itself.
            return self.take_turn(leader, asked, out);
        }
        self.watch = Watch::Stagger;
        out.set_timer(
            RaftTimer::Stagger,
            self.rules.stagger(self.attempts.count()),
        );
        if let Some(request) = asked {
            self.asked(request, out);
        }
    }

    pub(super) fn stagger_over(&mut self, out: &mut Outbox<Self>) {
        if self.watch != Watch::Stagger {
            return; // Stale.
        }
        if self.attempts.pause() {
            let pause = self.rules.timing.pause(self.attempts.count());
            return out.set_timer(RaftTimer::Stagger, pause);
        }
        self.watch = Watch::Vigil; // It is about to start anew, and this timer has ended by itself.
        if self.sits_out {
            self.sits_out = false;
            self.keep_vigil(Watch::Vigil, out);
        } else {
            self.campaign(out);
        }
    }

    /// The host suspects that `peer` is gone. If that is the leader, the node whose turn is first
    /// asks for pre-votes at once. No voter grants them before its silence has ended, and the node
    /// does not count its own before that: the leader may live, and have a lease. But each voter
    /// keeps the question, and answers it at that moment. Without pre-votes there is no question
    /// that binds no voter, so that nothing is asked before the silence has ended.
    pub(super) fn suspected(&mut self, peer: NodeId, out: &mut Outbox<Self>) {
        if !self.rules.check_quorum {
            return self.gone(peer, out); // There is no lease: no silence is owed.
        }
        if !self.note_suspect(peer) {
            return;
        }
        match self.watch {
            Watch::Silent { leader, asked, .. } if leader == Some(peer) => {
                self.watch = Watch::Silent {
                    leader,
                    asked,
                    suspected: true,
                };
                let asks = matches!(self.part, Part::PreCandidate { .. });
                if self.rules.pre_vote && !asks && self.turn_after(peer, asked) == 0 {
                    self.ask_ahead(out);
                }
            }
            Watch::Vigil | Watch::Stagger if self.follows(peer) => self.take_turn(peer, None, out),
            Watch::Silent { .. } | Watch::Vigil | Watch::Stagger | Watch::Off => {}
        }
    }

    /// The host has a proof that `peer` has died, or has heard nothing of it for longer than a
    /// lease. If that is the leader, this node owes it no silence any more: it campaigns when its
    /// turn comes. The others are asked as in any election.
    pub(super) fn gone(&mut self, peer: NodeId, out: &mut Outbox<Self>) {
        if !self.note_suspect(peer) {
            return;
        }
        let asked = match self.watch {
            Watch::Silent { leader, asked, .. } if leader == Some(peer) => asked,
            Watch::Vigil | Watch::Stagger if self.follows(peer) => None,
            Watch::Silent { .. } | Watch::Vigil | Watch::Stagger | Watch::Off => return,
        };
        self.take_turn(peer, asked, out);
    }

    /// A leader that returns may be in another life, which leads nothing: only its next heartbeat
    /// ends the suspicion of it as the leader.
    pub(super) fn returned(&mut self, peer: NodeId) {
        self.suspects.remove(peer);
    }

    /// Returns `false` if `peer` is no peer: a stranger has no say, and no place here.
    fn note_suspect(&mut self, peer: NodeId) -> bool {
        let is_peer = self.rules.members.contains(peer) && peer != self.me();
        if is_peer {
            self.suspects.insert(peer);
        }
        is_peer
    }

    /// How many go before this node when `leader` is gone. A node that has asked already is ahead
    /// of all others.
    fn turn_after(&self, leader: NodeId, asked: Option<Request>) -> u32 {
        let ahead = u32::from(asked.is_some());
        self.rules
            .rank(leader, &self.suspects)
            .saturating_add(ahead)
    }

    /// `leader` is believed to be gone, and no silence is owed to it any more: campaigns, now or
    /// when its turn comes, and answers the request that was set aside.
    fn take_turn(&mut self, leader: NodeId, asked: Option<Request>, out: &mut Outbox<Self>) {
        let is_silent = matches!(self.watch, Watch::Silent { .. } | Watch::Off);
        if is_silent && matches!(self.part, Part::PreCandidate { .. }) {
            self.ask_for_pre_votes(out);
        } else {
            let rank = self.turn_after(leader, asked);
            if rank == 0 {
                return self.campaign(out);
            }
            if matches!(self.watch, Watch::Silent { .. } | Watch::Vigil) {
                out.cancel_timer(RaftTimer::Vigil);
            }
            self.watch = Watch::Stagger;
            out.set_timer(RaftTimer::Stagger, self.rules.turn(rank));
        }
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
