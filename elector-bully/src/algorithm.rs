mod candidate;
mod commands;
mod follower;
mod leader;

use elector_core::{BestEffort, ElectionAlgorithm, Epoch, Input, Membership, NodeId, Outbox, View};

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
        self.current_view()
    }

    fn raised(durable: &BullyDurable, floor: Epoch) -> Option<BullyDurable> {
        let mut raised = durable.clone();
        if raised.epoch <= floor {
            raised.epoch = floor.checked_next()?;
            raised.coordinator = None;
        }
        Some(raised)
    }

    fn check(&self) -> Result<(), &'static str> {
        let leads = self.phase == Phase::Leading;
        if self.highest < self.epoch() {
            Err("I3: a node has heard of its own epoch")
        } else if leads && self.durable.coordinator != self.leader {
            Err("I2: a coordinator is the one that is recognised in its epoch")
        } else if self.fresh && self.leader.is_none() {
            Err("a coordinator that is heard is known")
        } else {
            Ok(())
        }
    }

    fn step(&mut self, input: Input<BullyMessage, BullyTimer>, out: &mut Outbox<Self>) {
        match input {
            Input::Started => self.on_started(out),
            Input::Received { from, message } => self.on_message(from, &message, out),
            Input::Elapsed(timer) => self.on_timer(timer, out),
            Input::Suspected(peer) | Input::Silent(peer) => self.on_suspected(peer, out),
            Input::Died(peer) => {
                self.dead.insert(peer);
                self.on_suspected(peer, out);
            }
            Input::Returned(peer) => self.on_returned(peer),
            Input::Commanded(command) => self.on_command(command, out),
        }
    }
}

impl Bully {
    /// A recovering node asks at once, as in the paper, so that it takes over if it outranks the
    /// coordinator. One that must not preempt listens for a coordinator first.
    fn on_started(&mut self, out: &mut Outbox<Self>) {
        if self.config.preempt {
            self.recovering = true;
            self.campaign(out);
        } else {
            self.forget_leader();
            self.enter(Phase::Following, self.config.timing.vigil(), out);
        }
    }

    fn on_message(&mut self, from: NodeId, message: &BullyMessage, out: &mut Outbox<Self>) {
        self.on_returned(from);
        match *message {
            BullyMessage::Election { epoch } => self.on_election(from, epoch, out),
            BullyMessage::Answer { epoch } => self.on_answer(from, epoch, out),
            BullyMessage::Coordinator { epoch, appointed }
            | BullyMessage::Heartbeat { epoch, appointed } => {
                self.on_claim(from, epoch, appointed, out);
            }
            BullyMessage::Handover { epoch, appointed } => {
                self.on_handover(from, epoch, appointed, out);
            }
            BullyMessage::Outdated { epoch } => self.on_outdated(epoch, out),
        }
    }

    fn on_timer(&mut self, timer: BullyTimer, out: &mut Outbox<Self>) {
        if timer != self.phase.timer() {
            return; // Stale: of a phase that has ended.
        }
        match self.phase {
            Phase::Following => self.miss_leader(out),
            Phase::Due => self.campaign(out),
            Phase::Asking => self.unanswered(out),
            Phase::Confirming => self.lead(false, out),
            Phase::Awaiting => {
                self.attempts = self.attempts.saturating_add(1);
                self.campaign(out);
            }
            Phase::Leading => self.on_heartbeat_timer(out),
        }
    }

    /// The vigil is over. Nodes miss a coordinator all at once: a random wait keeps them from all
    /// asking at once.
    fn miss_leader(&mut self, out: &mut Outbox<Self>) {
        self.fresh = false;
        if self.standing == Standing::Resigned {
            self.standing = Standing::Eligible;
        }
        self.enter(Phase::Due, self.config.timing.stagger(self.attempts), out);
    }

    /// A hint ends the vigil early and decides nothing: an ordinary election follows. The order of
    /// turns is that of the ids, highest first, as the highest would win anyway.
    fn on_suspected(&mut self, peer: NodeId, out: &mut Outbox<Self>) {
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
    fn on_returned(&mut self, peer: NodeId) {
        self.suspects.remove(peer);
        self.dead.remove(peer);
    }

    fn epoch(&self) -> Epoch {
        self.durable.epoch
    }
}
