//! How long a node waits before it proposes.

use elector_core::{NodeId, Outbox};

use crate::{Paxos, PaxosTimer, state::Watch};

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
        let asked = match self.watch {
            Watch::Silent { asked, .. } => asked,
            Watch::Vigil => None,
            Watch::Stagger | Watch::Retry | Watch::Off => return, // Stale.
        };
        self.watch = Watch::Off;
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
        self.watch = Watch::Off;
        if self.sits_out {
            self.sits_out = false;
            self.keep(Watch::Vigil, out);
        } else {
            self.propose(out);
        }
    }

    /// The host says that the connection to `peer` broke. If that is the leader, this node takes
    /// it for gone and proposes when its turn comes. The others are asked as in any election.
    pub(super) fn suspected(&mut self, peer: NodeId, out: &mut Outbox<Self>) {
        if !self.rules.members.contains(peer) || peer == self.me() {
            return; // A stranger has no say, and no place here.
        }
        self.suspects.insert(peer);
        let asked = match self.watch {
            Watch::Silent { leader, asked } if leader == Some(peer) => asked,
            Watch::Vigil | Watch::Stagger if self.follows(peer) => None,
            Watch::Silent { .. } | Watch::Vigil | Watch::Stagger | Watch::Retry | Watch::Off => {
                return; // It is not waited for.
            }
        };
        // Somebody who has already asked is ahead of everybody.
        let ahead = u32::from(asked.is_some());
        let rank = self.rules.rank(peer, &self.suspects).saturating_add(ahead);
        if rank == 0 {
            return self.propose(out);
        }
        self.keep_for(self.rules.turn(rank), Watch::Stagger, out);
        if let Some(request) = asked {
            self.prepare(request, out);
        }
    }
}
