//! Collect: the token gathers the ids of all live nodes. The textbooks' ring algorithm:
//! Silberschatz, Galvin and Gagne, "Operating System Concepts", and Tanenbaum and van Steen,
//! "Distributed Systems", both in the section on election algorithms.

use alloc::vec;

use elector_core::{Delay, NodeId};

use super::Out;
use crate::{Ring, RingTimer, RingVariant, Serial, Token, state::Phase, token::Errand};

impl Ring {
    /// Sends an ELECTION token with the own id round the ring.
    pub(super) fn gather(&mut self, serial: Serial, out: &mut Out) {
        self.timer
            .set(RingTimer::Lap, Delay::exactly(self.lap()), out);
        let ids = vec![self.me()];
        let token = self.own_token(serial, Errand::Gather { ids });
        self.pass_on(token, out);
    }

    pub(super) fn on_gather(&mut self, mut token: Token, out: &mut Out) {
        let Errand::Gather { ids } = &mut token.errand else {
            return; // The caller has looked.
        };
        if self.variant != RingVariant::Collect || ids.len() > self.members.len() {
            return; // Of a node that is configured differently, or lies.
        }
        if token.origin == self.me() {
            if self.round(token.serial).is_some() {
                self.conclude(token.origin, ids, out);
            }
            return; // Home; if not at the end of this election, then of one given up.
        }
        if matches!(self.phase, Phase::Initiator(_)) && self.me() > token.origin {
            return; // One lap is enough for all initiators: that of the highest.
        }
        if !self.resigned {
            ids.push(self.me());
        }
        token.epoch = self.highest;
        self.make_way(out);
        self.pass_on(token, out);
    }

    /// The lap is over: the highest of those met leads, and a COORDINATOR lap says so. It is the
    /// initiator's to send; if that has died, the last node's before it.
    pub(super) fn conclude(&mut self, initiator: NodeId, ids: &[NodeId], out: &mut Out) {
        let alive = |&&id: &&NodeId| initiator == self.me() || id != initiator;
        let members = ids.iter().filter(|&&id| self.members.contains(id));
        match members.filter(alive).max() {
            None => {} // All that still live sit out.
            Some(&id) if id == self.me() => self.win(out),
            Some(&id) => {
                self.follow(self.highest.next(), id, self.first_vigil(), out);
                self.announce(id, out);
            }
        }
    }
}
