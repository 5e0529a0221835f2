//! Hirschberg–Sinclair: D. S. Hirschberg and J. B. Sinclair, "Decentralized extrema-finding in
//! circular configurations of processors", Communications of the ACM 23(11), 1980.

use super::Out;
use crate::{Ring, RingTimer, RingVariant, Serial, Token, Way, state::Phase, token::TokenBody};

impl Ring {
    /// Sends a probe in both directions, over 2^level live nodes.
    pub(super) fn probe(&mut self, serial: Serial, level: u32, out: &mut Out) {
        // The probe may take one lap, and its reply another one.
        self.timer.set(RingTimer::Lap, self.two_laps(), out);
        for way in Way::BOTH {
            if self.round(serial).is_none() {
                return; // No other node is alive, so the first probe has won the election.
            }
            let mut token = self.own_token(serial, TokenBody::Probe { level, way });
            token.left = 1_u32
                .checked_shl(level)
                .unwrap_or(u32::MAX)
                .min(self.size());
            self.forward(token, out);
        }
    }

    pub(super) fn on_probe(&mut self, mut token: Token, level: u32, way: Way, out: &mut Out) {
        if self.variant != RingVariant::HirschbergSinclair {
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
        if token.left == 0 {
            // The probe has reached the end of its distance, and no node on its way has a higher id
            // than the origin.
            let way = way.reverse();
            token.body = TokenBody::Reply { level, way };
            token.left = self.size();
        }
        self.wait_for_election(out);
        self.forward(token, out);
    }

    pub(super) fn on_reply(&mut self, mut token: Token, level: u32, way: Way, out: &mut Out) {
        if self.variant != RingVariant::HirschbergSinclair {
            return; // The sender uses another variant.
        }
        if token.origin != self.me() {
            token.epoch = self.highest;
            self.wait_for_election(out);
            return self.forward(token, out);
        }
        let Some(round) = self.round(token.serial) else {
            return; // Stale: this level, or the whole election, has ended.
        };
        let side = match way {
            Way::Onward => 0,
            Way::Backward => 1,
        };
        round.replied[side] = true;
        if round.level == level && round.replied == [true; 2] {
            self.next_level(out);
        }
    }

    fn next_level(&mut self, out: &mut Out) {
        let serial = self.next_serial();
        if let Phase::Initiator(round) = &mut self.phase {
            round.serial = serial;
            round.level = round.level.saturating_add(1);
            round.replied = [false; 2];
            let level = round.level;
            self.probe(serial, level, out);
        }
    }
}
