//! Collect: the token collects the ids of all live nodes. This is the ring algorithm of two
//! textbooks: Silberschatz, Galvin and Gagne, "Operating System Concepts", and Tanenbaum and van
//! Steen, "Distributed Systems", both in the section on election algorithms.

use alloc::vec;

use elector_core::{Delay, NodeId};

use super::Out;
use crate::{Ring, RingTimer, RingVariant, Serial, Token, state::Phase, token::TokenBody};

impl Ring {
    /// Sends an ELECTION token with this node's id round the ring.
    pub(super) fn gather(&mut self, serial: Serial, out: &mut Out) {
        self.timer
            .set(RingTimer::Lap, Delay::exactly(self.lap()), out);
        let ids = vec![self.me()];
        let token = self.own_token(serial, TokenBody::Gather { ids });
        self.forward(token, out);
    }

    pub(super) fn on_gather(&mut self, mut token: Token, out: &mut Out) {
        let TokenBody::Gather { ids } = &mut token.body else {
            return; // The caller passes no other kind of token.
        };
        if self.variant != RingVariant::Collect || ids.len() > self.members.len() {
            return; // The sender uses another variant, or the token is invalid.
        }
        if token.origin == self.me() {
            if self.round(token.serial).is_some() {
                self.finish_lap(token.origin, ids, out);
            }
            return; // This node's own token is back.
        }
        if matches!(self.phase, Phase::Initiator(_)) && self.me() > token.origin {
            return; // The token of the highest initiator is enough to elect a leader.
        }
        if !self.has_resigned {
            ids.push(self.me());
        }
        token.epoch = self.highest;
        self.wait_for_election(out);
        self.forward(token, out);
    }

    /// Handles the end of a lap of an ELECTION token. The highest node that has offered itself
    /// leads, except an initiator that has died. This node, which is the initiator or the last live
    /// node before an initiator that has died, sends a COORDINATOR token that announces the leader.
    pub(super) fn finish_lap(&mut self, initiator: NodeId, ids: &[NodeId], out: &mut Out) {
        let alive = |&&id: &&NodeId| initiator == self.me() || id != initiator;
        let members = ids.iter().filter(|&&id| self.members.contains(id));
        match members.filter(alive).max() {
            None => {} // No live node offers itself for election.
            Some(&id) if id == self.me() => self.win(out),
            Some(&id) => {
                self.follow(self.highest.next(), id, self.first_vigil(), out);
                self.announce(id, out);
            }
        }
    }
}
