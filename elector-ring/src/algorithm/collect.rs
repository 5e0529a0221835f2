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
            return; // The caller has checked this.
        };
        if self.variant != RingVariant::Collect || ids.len() > self.members.len() {
            return; // The sender is configured differently, or lies.
        }
        if token.origin == self.me() {
            if self.round(token.serial).is_some() {
                self.finish_lap(token.origin, ids, out);
            }
            return; // The token is back, in this election or in one that has ended.
        }
        if matches!(self.phase, Phase::Initiator(_)) && self.me() > token.origin {
            return; // The lap of the highest initiator is enough.
        }
        if !self.has_resigned {
            ids.push(self.me());
        }
        token.epoch = self.highest;
        self.wait_for_election(out);
        self.forward(token, out);
    }

    /// The lap has ended. The highest node that has offered itself leads, except an initiator that
    /// has died. This node announces the leader with a COORDINATOR lap: it is the initiator, or the
    /// last live node before an initiator that has died.
    pub(super) fn finish_lap(&mut self, initiator: NodeId, ids: &[NodeId], out: &mut Out) {
        let alive = |&&id: &&NodeId| initiator == self.me() || id != initiator;
        let members = ids.iter().filter(|&&id| self.members.contains(id));
        match members.filter(alive).max() {
            None => {} // No live node takes part.
            Some(&id) if id == self.me() => self.win(out),
            Some(&id) => {
                self.follow(self.highest.next(), id, self.first_vigil(), out);
                self.announce(id, out);
            }
        }
    }
}
