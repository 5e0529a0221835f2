//! How long a node waits before it proposes.

use elector_core::{NodeId, Outbox};

use crate::{
    Paxos, PaxosTimer,
    state::{Part, Request, Watch},
};

impl Paxos {
    pub(super) fn started(&mut self, out: &mut Outbox<Self>) {
        match self.watch {
            Watch::Silent { .. } | Watch::Vigil => {
                out.set_timer(PaxosTimer::Vigil, self.rules.timing.vigil());
            }
            // Not the first input: the node is well on its way.
            Watch::Stagger | Watch::Retry | Watch::Off => {}
        }
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
            Watch::Stagger | Watch::Retry | Watch::Off => return, // Stale.
        };
        self.watch = Watch::Off;
        if let Some(leader) = leader {
            return self.take_turn(leader, asked, out);
        }
        self.keep(Watch::Stagger, out);
        if let Some(request) = asked {
            self.prepare(request, out);
        }
    }

    pub(super) fn stagger_over(&mut self, out: &mut Outbox<Self>) {
        if self.watch == Watch::Stagger {
            self.turn_comes(out);
        } // Else it is stale.
    }

    pub(super) fn patience_over(&mut self, out: &mut Outbox<Self>) {
        if self.watch == Watch::Retry {
            self.turn_comes(out);
        } // Else it is stale.
    }

    fn turn_comes(&mut self, out: &mut Outbox<Self>) {
        if self.attempts.pause() {
            let pause = self.rules.timing.pause(self.attempts.count());
            return self.keep_for(pause, Watch::Retry, out);
        }
        self.watch = Watch::Off;
        if self.sits_out {
            self.sits_out = false;
            self.keep(Watch::Vigil, out);
        } else {
            self.propose(out);
        }
    }

    /// The host suspects that `peer` is gone. If that is the leader, the node whose turn is first
    /// sends `Prepare` at once. No acceptor promises before its silence has ended, this node
    /// included: the leader may live, and have a lease. But each acceptor keeps the question, and
    /// answers it at that moment.
    pub(super) fn suspected(&mut self, peer: NodeId, out: &mut Outbox<Self>) {
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
                let asks = matches!(self.part, Part::Proposer(_));
                if !asks && self.turn_after(peer, asked) == 0 {
                    self.propose(out);
                }
            }
            Watch::Vigil | Watch::Stagger if self.follows(peer) => self.take_turn(peer, None, out),
            Watch::Silent { .. } | Watch::Vigil | Watch::Stagger | Watch::Retry | Watch::Off => {}
        }
    }

    /// The host has a proof that `peer` has died, or has heard nothing of it for longer than a
    /// lease. If that is the leader, this node owes it no silence any more: it proposes when its
    /// turn comes. The others are asked as in any election.
    pub(super) fn gone(&mut self, peer: NodeId, out: &mut Outbox<Self>) {
        if !self.note_suspect(peer) {
            return;
        }
        let asked = match self.watch {
            Watch::Silent { leader, asked, .. } if leader == Some(peer) => asked,
            Watch::Vigil | Watch::Stagger if self.follows(peer) => None,
            Watch::Silent { .. } | Watch::Vigil | Watch::Stagger | Watch::Retry | Watch::Off => {
                return; // It is not waited for.
            }
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

    /// `leader` is believed to be gone, and no silence is owed to it any more: proposes, now or
    /// when its turn comes, and answers the request that was set aside.
    fn take_turn(&mut self, leader: NodeId, asked: Option<Request>, out: &mut Outbox<Self>) {
        if matches!(self.part, Part::Proposer(_)) {
            self.keep(Watch::Retry, out);
            self.promise_to_self(out); // It has asked the others already.
        } else {
            let rank = self.turn_after(leader, asked);
            if rank == 0 {
                self.keep(Watch::Off, out);
                return self.propose(out);
            }
            self.keep_for(self.rules.turn(rank), Watch::Stagger, out);
        }
        if let Some(request) = asked {
            self.prepare(request, out);
        }
    }
}
