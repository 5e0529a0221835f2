mod candidate;
mod commands;
mod follower;
mod leader;

use elector_core::{BestEffort, ElectionAlgorithm, Epoch, Input, Membership, NodeId, Outbox, View};

use crate::{
    Bully, BullyConfig, BullyDurable, BullyMessage, BullyTimer,
    state::{Eligibility, Phase},
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
            Err("I3: the highest known epoch is at least the node's own epoch")
        } else if leads && self.durable.coordinator != self.leader {
            Err("I2: a leader is the recognised coordinator of its epoch")
        } else if self.is_fresh && self.leader.is_none() {
            Err("a live coordinator is known")
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
            Input::Commanded(command) => self.on_command(&command, out),
        }
    }
}

impl Bully {
    /// Handles the start. A node that starts is the paper's recovering node: it asks the higher
    /// nodes at once, so it takes over if its id is higher than that of the coordinator. Without
    /// `preempt`, the node waits for a heartbeat of a coordinator first.
    fn on_started(&mut self, out: &mut Outbox<Self>) {
        if self.config.preempt {
            self.is_recovering = true;
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
            return; // Stale: the timer belongs to a phase that has ended.
        }
        match self.phase {
            Phase::Following => self.on_vigil_timer(out),
            Phase::Due => self.campaign(out),
            Phase::Asking => self.on_no_answer(out),
            Phase::Confirming => self.lead(false, out),
            Phase::Awaiting => {
                self.attempts = self.attempts.saturating_add(1);
                self.campaign(out);
            }
            Phase::Leading => self.on_heartbeat_timer(out),
        }
    }

    /// Handles the end of the vigil: this node has received no sign of life of a coordinator for
    /// `election_min`. All nodes detect at the same time that the coordinator is silent, so each
    /// node waits for a random time before it asks the higher nodes.
    fn on_vigil_timer(&mut self, out: &mut Outbox<Self>) {
        self.is_fresh = false;
        if self.eligibility == Eligibility::Resigned {
            self.eligibility = Eligibility::Eligible;
        }
        self.enter(Phase::Due, self.config.timing.stagger(self.attempts), out);
    }

    /// Handles a suspicion of a peer. If the peer is the coordinator, the suspicion ends the vigil
    /// early, which is the wait for a sign of life of the coordinator. A suspicion does not decide
    /// which node leads: a normal election follows. The node with the highest id campaigns first,
    /// because it would win anyway.
    fn on_suspected(&mut self, peer: NodeId, out: &mut Outbox<Self>) {
        self.suspects.insert(peer);
        match self.phase {
            Phase::Following | Phase::Due if self.leader == Some(peer) => {
                if self.rank() == 0 {
                    self.campaign(out);
                } else if self.is_fresh {
                    // Only the first suspicion starts the wait: hosts (the programs that run the
                    // algorithm) repeat suspicions, and a wait that starts again each time never
                    // ends.
                    self.is_fresh = false;
                    self.enter(Phase::Due, self.turn(), out);
                }
            }
            Phase::Asking if self.is_unopposed() => self.on_no_answer(out),
            Phase::Following
            | Phase::Due
            | Phase::Asking
            | Phase::Confirming
            | Phase::Awaiting
            | Phase::Leading => {}
        }
    }

    /// Forgets that this peer was suspected or reported dead. A vigil that runs (the wait of
    /// `election_min` for a sign of life of the coordinator) continues even if the peer was the
    /// coordinator, because a coordinator that has restarted does not lead any more.
    fn on_returned(&mut self, peer: NodeId) {
        self.suspects.remove(peer);
        self.dead.remove(peer);
    }

    fn epoch(&self) -> Epoch {
        self.durable.epoch
    }
}
