//! The leader: how a winner becomes known.

use elector_core::{Delay, Epoch, NodeId};

use super::Out;
use crate::{Ring, RingMessage, RingTimer, state::Phase, token::TokenBody};

impl Ring {
    /// Leads in an epoch above all epochs that this node knows of, and announces the new tenure
    /// round the ring.
    pub(crate) fn win(&mut self, out: &mut Out) {
        self.lead(self.highest.next(), out); // I2: above all known epochs.
        self.announce(self.me(), out);
    }

    /// Sends a COORDINATOR token, which announces `leader`, round the ring.
    pub(super) fn announce(&mut self, leader: NodeId, out: &mut Out) {
        let serial = self.next_serial();
        let token = self.own_token(serial, TokenBody::Coordinator { leader });
        self.has_seen_lap = true;
        self.forward(token, out);
    }

    pub(super) fn lead(&mut self, epoch: Epoch, out: &mut Out) {
        self.end_abstention(out);
        self.durable.epoch = epoch; // I1: the epoch never goes back.
        self.highest = self.highest.max(epoch);
        self.leader = Some(self.me());
        self.phase = Phase::Leader { settled: false };
        self.attempts = 0;
        let heartbeat = Delay::exactly(self.timing.heartbeat);
        self.timer.set(RingTimer::Heartbeat, heartbeat, out);
        out.set_timer(RingTimer::Settle, Delay::exactly(self.lap()));
    }

    pub(super) fn on_heartbeat_timer(&mut self, out: &mut Out) {
        out.broadcast(&self.heartbeat());
        if self.phase == (Phase::Leader { settled: true }) {
            self.check_suspicions(out);
        }
        let heartbeat = Delay::exactly(self.timing.heartbeat);
        self.timer.set(RingTimer::Heartbeat, heartbeat, out);
    }

    pub(super) fn heartbeat(&self) -> RingMessage {
        RingMessage::Heartbeat {
            epoch: self.durable.epoch,
            settled: self.phase == Phase::Leader { settled: true },
        }
    }

    pub(super) fn on_settle_timer(&mut self) {
        if self.leads() {
            self.phase = Phase::Leader { settled: true };
        }
    }
}
