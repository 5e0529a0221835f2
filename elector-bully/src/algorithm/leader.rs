//! The leader: the paper's coordinator.

use elector_core::{Delay, Epoch, Outbox};

use crate::{
    Bully, BullyMessage,
    state::{Eligibility, Phase},
};

impl Bully {
    /// Becomes coordinator in an epoch above all epochs that this node knows of, and informs the
    /// lower nodes. This node takes the higher nodes for dead. If a higher node is alive, that node
    /// learns the coordinator from the heartbeats.
    pub(super) fn lead(&mut self, appointed: bool, out: &mut Outbox<Self>) {
        let me = self.members.me();
        self.highest = self.highest.next(); // I3: above all known epochs.
        self.recognise(self.highest, me);
        self.leader = Some(me);
        self.appointed = appointed;
        self.is_fresh = true;
        self.attempts = 0;
        self.eligibility = Eligibility::Eligible;
        self.is_recovering = false;
        for &to in self.members.below() {
            out.send(to, self.coordinator());
        }
        self.enter(Phase::Leading, self.heartbeat_delay(), out);
    }

    pub(super) fn on_heartbeat_timer(&mut self, out: &mut Outbox<Self>) {
        out.broadcast(&self.heartbeat());
        self.enter(Phase::Leading, self.heartbeat_delay(), out);
    }

    /// Handles OUTDATED: the epoch that this node leads is past, or another node leads this epoch
    /// too.
    pub(super) fn on_outdated(&mut self, epoch: Epoch, out: &mut Outbox<Self>) {
        self.learn(epoch);
        // The coordinator cannot move above the highest epoch that exists (`u64::MAX`).
        let can_follow = epoch.checked_next().is_some();
        if self.phase == Phase::Leading && epoch >= self.epoch() && can_follow {
            self.lead(self.appointed, out);
        }
    }

    /// If a coordinator learns of a newer epoch, but not of the coordinator of that epoch, it moves
    /// to an epoch above the newer one: it still leads, but a node that knows the newer epoch must
    /// not follow a coordinator of an older one. If a coordinator of the newer epoch is alive, the
    /// two coordinators receive each other's heartbeats.
    pub(super) fn catch_up(&mut self, out: &mut Outbox<Self>) {
        if self.phase == Phase::Leading && self.highest > self.durable.epoch {
            self.lead(self.appointed, out);
        }
    }

    pub(super) fn heartbeat(&self) -> BullyMessage {
        BullyMessage::Heartbeat {
            epoch: self.epoch(),
            appointed: self.appointed,
        }
    }

    fn heartbeat_delay(&self) -> Delay {
        Delay::exactly(self.config.timing.heartbeat)
    }

    pub(super) fn coordinator(&self) -> BullyMessage {
        BullyMessage::Coordinator {
            epoch: self.epoch(),
            appointed: self.appointed,
        }
    }
}
