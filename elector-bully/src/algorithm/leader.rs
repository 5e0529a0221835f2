//! The coordinator.

use elector_core::{Delay, Epoch, Outbox};

use crate::{
    Bully, BullyMessage,
    state::{Phase, Standing},
};

impl Bully {
    /// Becomes coordinator of a tenure above all that were heard of, and informs the lower nodes.
    /// The higher nodes are taken for dead; one that is alive learns it from the heartbeats.
    pub(super) fn lead(&mut self, appointed: bool, out: &mut Outbox<Self>) {
        let me = self.members.me();
        self.highest = self.highest.next(); // I3
        self.recognise(self.highest, me);
        self.leader = Some(me);
        self.appointed = appointed;
        self.fresh = true;
        self.attempts = 0;
        self.standing = Standing::Eligible;
        self.recovering = false;
        for &to in self.members.below() {
            out.send(to, self.coordinator());
        }
        self.enter(Phase::Leading, self.heartbeat_delay(), out);
    }

    pub(super) fn on_heartbeat_timer(&mut self, out: &mut Outbox<Self>) {
        out.broadcast(&self.heartbeat());
        self.enter(Phase::Leading, self.heartbeat_delay(), out);
    }

    /// OUTDATED arrived: the epoch that this node leads is not its own, or is over.
    pub(super) fn on_outdated(&mut self, epoch: Epoch, out: &mut Outbox<Self>) {
        self.learn(epoch);
        // In the last epoch there is no other number to take.
        let can_follow = epoch.checked_next().is_some();
        if self.phase == Phase::Leading && epoch >= self.epoch() && can_follow {
            self.lead(self.appointed, out);
        }
    }

    /// A coordinator that learns of a newer tenure, without hearing of its coordinator, claims the
    /// next one: it still takes itself for the one to lead, and no node may follow an older tenure.
    /// If the newer coordinator lives, the two hear each other's heartbeats.
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
