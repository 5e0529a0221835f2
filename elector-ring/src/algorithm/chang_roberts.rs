//! Chang–Roberts: E. Chang and R. Roberts, "An improved algorithm for decentralized extrema-finding
//! in circular configurations of processes", Communications of the ACM 22(5), 1979.

use elector_core::Delay;

use super::Out;
use crate::{Ring, RingTimer, RingVariant, Serial, Token, token::TokenBody};

impl Ring {
    /// Sends an ELECTION token with this node's id round the ring.
    pub(super) fn contend(&mut self, serial: Serial, out: &mut Out) {
        self.timer
            .set(RingTimer::Lap, Delay::exactly(self.lap()), out);
        let token = self.own_token(serial, TokenBody::Contend);
        self.forward(token, out);
    }

    pub(super) fn on_contend(&mut self, mut token: Token, out: &mut Out) {
        if self.variant != RingVariant::ChangRoberts {
            return; // The sender uses another variant.
        }
        if token.origin == self.me() {
            if self.round(token.serial).is_some() {
                self.win(out);
            }
            return; // This node's own token is back.
        }
        if self.outranks(token.origin) {
            return self.contest(&token, out);
        }
        token.epoch = self.highest;
        self.wait_for_election(out);
        self.forward(token, out);
    }
}
