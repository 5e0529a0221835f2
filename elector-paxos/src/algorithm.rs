mod acceptor;
mod commands;
mod follower;
mod leader;
mod learner;
mod proposer;

use elector_core::{
    ElectionAlgorithm, Epoch, Input, Membership, Moment, NodeId, Outbox, Quorum, View,
    quorum::{Due, Phase, Reseat, Rules},
};

use crate::{
    Paxos, PaxosConfig, PaxosDurable, PaxosMessage, PaxosTimer,
    state::{Candidacy, ProposalPhase, Request},
};

impl ElectionAlgorithm for Paxos {
    const NAME: &'static str = "paxos";

    type Guarantee = Quorum;
    type Config = PaxosConfig;
    type Message = PaxosMessage;
    type Timer = PaxosTimer;
    type Durable = PaxosDurable;

    fn restore(config: &PaxosConfig, members: Membership, durable: PaxosDurable) -> Self {
        Self::new(config, members, durable)
    }

    fn durable(&self) -> &PaxosDurable {
        &self.memory.disk
    }

    fn view(&self) -> View {
        self.node.view(self.epoch())
    }

    fn lease(&self) -> Option<Moment> {
        self.node.lease()
    }

    fn has_lease(_: &PaxosConfig) -> bool {
        true
    }

    fn raised(durable: &PaxosDurable, floor: Epoch) -> Option<PaxosDurable> {
        durable.raised(floor)
    }

    fn check(&self) -> Result<(), &'static str> {
        self.node.check()?;
        let disk = &self.memory.disk;
        let accepted = disk.accepted.map(|accepted| accepted.ballot);
        if accepted > disk.promised {
            return Err("I1: a node has promised the ballot that it has accepted");
        }
        let is_silent = self.node.owes_silence();
        match &self.node.phase {
            Phase::Leader(_) if self.epoch() <= self.restored => {
                Err("I5: a node leads no epoch that it may have led before a restart")
            }
            Phase::Candidate(Candidacy {
                phase: ProposalPhase::Prepare { own: true, .. } | ProposalPhase::Accept { .. },
                ..
            }) if is_silent => {
                Err("I6: a node that owes a leader silence has not promised to itself")
            }
            Phase::Candidate(Candidacy {
                phase: ProposalPhase::Accept { .. },
                ballot,
                ..
            }) if ballot.counter > disk.counter => Err("I2: the counter of a proposal is durable"),
            Phase::Follower { .. } | Phase::Candidate(_) | Phase::Leader(_) => Ok(()),
        }
    }

    fn step(&mut self, input: Input<PaxosMessage, PaxosTimer>, out: &mut Outbox<Self>) {
        match input {
            Input::Started => self.node.on_started(out),
            Input::Received { from, message } => self.on_message(from, message, out),
            Input::Elapsed(timer) => self.on_timer(timer, out),
            Input::Suspected(peer) => {
                let due = self.node.on_suspected(peer, out);
                self.carry_out(due, out);
            }
            Input::Silent(peer) | Input::Died(peer) => {
                let due = self.node.on_marked_down(peer, out);
                self.carry_out(due, out);
            }
            Input::Returned(peer) => self.node.clear_suspicion(peer),
            Input::Commanded(command) => self.on_command(&command, out),
        }
    }
}

impl Reseat for Paxos {
    fn reseat(&mut self, members: Membership, closed: Epoch, out: &mut Outbox<Self>) {
        if closed > self.epoch() {
            self.enter(closed, out);
        }
        self.closed = self.closed.max(closed);
        self.count = None;
        let rules = Rules::new(&self.node.rules.config, members);
        self.node.reseat(rules, out);
    }
}

impl Paxos {
    fn on_message(&mut self, from: NodeId, message: PaxosMessage, out: &mut Outbox<Self>) {
        self.node.clear_suspicion(from);
        match message {
            PaxosMessage::Prepare {
                epoch: instance,
                ballot,
                handover,
            } => self.on_prepare(
                Request {
                    from,
                    instance,
                    ballot,
                    handover,
                },
                out,
            ),
            PaxosMessage::Promise {
                epoch,
                ballot,
                accepted,
            } => self.on_promise(from, epoch, ballot, accepted, out),
            PaxosMessage::Reject {
                ballot,
                epoch,
                leader,
                instance,
                promised,
            } => {
                // First learn the leader that the refusal names, and then count the refusal: a node
                // that knows the leader need not propose again.
                self.on_leader_named(epoch, leader, out);
                self.on_reject(from, ballot, (instance, promised), out);
            }
            PaxosMessage::Accept { epoch, proposal } => self.on_accept(from, epoch, proposal, out),
            PaxosMessage::Accepted { epoch, proposal } => {
                self.on_accepted(from, epoch, proposal, out);
            }
            PaxosMessage::Learn {
                epoch,
                leader,
                sent,
            } => self.on_learn(from, (epoch, leader), sent, out),
            PaxosMessage::Heartbeat { epoch, sent } => self.on_heartbeat(from, epoch, sent, out),
            PaxosMessage::HeartbeatAck { epoch, sent } => {
                self.on_heartbeat_ack(from, epoch, sent, out);
            }
            PaxosMessage::Handover { epoch } => self.on_handover(from, epoch, out),
        }
    }

    fn on_timer(&mut self, timer: PaxosTimer, out: &mut Outbox<Self>) {
        match timer {
            PaxosTimer::Vigil | PaxosTimer::Stagger | PaxosTimer::Retry => {
                let due = self.node.on_wait_timer(timer, out);
                self.carry_out(due, out);
            }
            PaxosTimer::OwnPromise => self.promise_to_self(out),
            PaxosTimer::OwnAccept => self.accept_from_self(out),
            PaxosTimer::Heartbeat => self.send_round(out),
            // The leader has been without a quorum for too long. It never leads this epoch again
            // (invariant I5).
            PaxosTimer::Quorum => self.node.step_down(out),
        }
    }

    fn carry_out(&mut self, due: Due<Request>, out: &mut Outbox<Self>) {
        match due {
            Due::Nothing => {}
            Due::AskAhead => self.propose(out),
            Due::Campaign => {
                self.node.stop(out);
                self.propose(out);
            }
            Due::Resume(asked) => {
                self.wait_for_decision(out);
                self.promise_to_self(out);
                if let Some(request) = asked {
                    self.on_prepare(request, out);
                }
            }
            Due::Answer(request) => self.on_prepare(request, out),
        }
    }
}
