//! Chang–Roberts: E. Chang and R. Roberts, "An improved algorithm for decentralized extrema-finding
//! in circular configurations of processes", Communications of the ACM 22(5), 1979.

use elector_core::Delay;

use super::Out;
use crate::{Ring, RingTimer, RingVariant, Serial, Token, token::Errand};

impl Ring {
    /// Sends the own id round the ring.
    pub(super) fn contend(&mut self, serial: Serial, out: &mut Out) {
        self.timer
            .set(RingTimer::Lap, Delay::exactly(self.lap()), out);
        let token = self.own_token(serial, Errand::Contend);
        self.pass_on(token, out);
    }

    pub(super) fn on_contend(&mut self, mut token: Token, out: &mut Out) {
        if self.variant != RingVariant::ChangRoberts {
            return; // Of a node that is configured differently.
        }
        if token.origin == self.me() {
            if self.round(token.serial).is_some() {
                self.win(out);
            }
            return; // Home; if not at the end of this election, then of one given up.
        }
        if self.outranks(token.origin) {
            return self.contest(&token, out);
        }
        token.epoch = self.highest;
        self.make_way(out);
        self.pass_on(token, out);
    }
}
