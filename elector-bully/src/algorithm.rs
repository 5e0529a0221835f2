mod claims;
mod commands;
mod election;

use elector_core::{
    BestEffort, Delay, ElectionAlgorithm, Epoch, Input, Membership, NodeId, Outbox, View,
};

use crate::{
    Bully, BullyConfig, BullyDurable, BullyMessage, BullyTimer,
    state::{Phase, Standing},
};

impl ElectionAlgorithm for Bully {
    const NAME: &'static str = "bully";

    type Guarantee = BestEffort;
    type Config = BullyConfig;
    type Message = BullyMessage;
    type Timer = BullyTimer;
    type Durable = BullyDurable;

    fn restore(config: &BullyConfig, members: Membership, durable: BullyDurable) -> Self {
        Self::new(config.clone(), members, durable)
    }

    fn durable(&self) -> &BullyDurable {
        &self.durable
    }

    fn view(&self) -> View {
        self.present()
    }

    fn raised(durable: &BullyDurable, floor: Epoch) -> Option<BullyDurable> {
        let mut raised = durable.clone();
        if raised.epoch <= floor {
            raised.epoch = floor.checked_next()?;
            raised.coordinator = None;
        }
        Some(raised)
    }

    fn step(&mut self, input: Input<BullyMessage, BullyTimer>, out: &mut Outbox<Self>) {
        match input {
            Input::Started => self.started(out),
            Input::Received { from, message } => self.received(from, &message, out),
            Input::Elapsed(timer) => self.elapsed(timer, out),
            Input::Suspected(peer) | Input::Silent(peer) => self.suspected(peer, out),
            Input::Died(peer) => {
                self.dead.insert(peer);
                self.suspected(peer, out);
            }
            Input::Returned(peer) => self.returned(peer),
            Input::Commanded(command) => self.commanded(command, out),
        }
    }
}

impl Bully {
    /// A recovering node asks at once, as in the paper, so that it takes over if it outranks the
    /// coordinator. One that must not preempt listens for a coordinator first.
    fn started(&mut self, out: &mut Outbox<Self>) {
        if self.config.preempt {
            self.recovering = true;
            self.campaign(out);
        } else {
            self.forget_leader();
            self.enter(Phase::Following, self.config.timing.vigil(), out);
        }
    }

    fn received(&mut self, from: NodeId, message: &BullyMessage, out: &mut Outbox<Self>) {
        self.returned(from);
        match *message {
            BullyMessage::Election { epoch } => self.asked(from, epoch, out),
            BullyMessage::Answer { epoch } => self.answered(from, epoch, out),
            BullyMessage::Coordinator { epoch, appointed }
            | BullyMessage::Heartbeat { epoch, appointed } => {
                self.claimed(from, epoch, appointed, out);
            }
            BullyMessage::Handover { epoch, appointed } => {
                self.handed_over(from, epoch, appointed, out);
            }
            BullyMessage::Outdated { epoch } => self.outdated(epoch, out),
        }
    }

    fn elapsed(&mut self, timer: BullyTimer, out: &mut Outbox<Self>) {
        if timer != self.phase.timer() {
            return; // Stale: of a phase that has ended.
        }
        match self.phase {
            Phase::Following => self.miss_leader(out),
            Phase::Due => self.campaign(out),
            Phase::Asking => self.unanswered(out),
            Phase::Confirming => self.lead(false, out),
            Phase::Awaiting => {
                self.attempt = self.attempt.saturating_add(1);
                self.campaign(out);
            }
            Phase::Leading => {
                out.broadcast(&self.heartbeat());
                self.enter(Phase::Leading, self.heartbeat_delay(), out);
            }
        }
    }

    /// The vigil is over. Nodes miss a coordinator all at once: a random wait keeps them from all
    /// asking at once.
    fn miss_leader(&mut self, out: &mut Outbox<Self>) {
        self.fresh = false;
        if self.standing == Standing::Retired {
            self.standing = Standing::Eligible;
        }
        self.enter(Phase::Due, self.config.timing.stagger(self.attempt), out);
    }

    /// A hint ends the vigil early and decides nothing: an ordinary election follows. The order of
    /// turns is that of the ids, highest first, as the highest would win anyway.
    fn suspected(&mut self, peer: NodeId, out: &mut Outbox<Self>) {
        self.suspects.insert(peer);
        match self.phase {
            Phase::Following | Phase::Due if self.leader == Some(peer) => {
                if self.rank() == 0 {
                    self.campaign(out);
                } else if self.fresh {
                    // Only the first hint sets the turn: hosts repeat them, and a turn that is put
                    // off each time never comes.
                    self.fresh = false;
                    self.enter(Phase::Due, self.turn(), out);
                }
            }
            Phase::Asking if self.is_unopposed() => self.unanswered(out),
            Phase::Following
            | Phase::Due
            | Phase::Asking
            | Phase::Confirming
            | Phase::Awaiting
            | Phase::Leading => {}
        }
    }

    /// A coordinator that returns in another life coordinates nothing: the vigil is not started
    /// anew.
    fn returned(&mut self, peer: NodeId) {
        self.suspects.remove(peer);
        self.dead.remove(peer);
    }

    /// A coordinator that learns of a newer tenure, without hearing of its coordinator, claims the
    /// next one: it still takes itself for the one to lead, and nobody may follow an older tenure.
    /// If the newer coordinator lives, the two hear each other's heartbeats.
    fn catch_up(&mut self, out: &mut Outbox<Self>) {
        if self.phase == Phase::Leading && self.highest > self.durable.epoch {
            self.lead(self.appointed, out);
        }
    }

    fn epoch(&self) -> Epoch {
        self.durable.epoch
    }

    fn heartbeat(&self) -> BullyMessage {
        BullyMessage::Heartbeat {
            epoch: self.epoch(),
            appointed: self.appointed,
        }
    }

    fn heartbeat_delay(&self) -> Delay {
        Delay::exactly(self.config.timing.heartbeat)
    }
}
