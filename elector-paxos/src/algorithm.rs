mod acceptor;
mod leader;
mod learner;
mod patience;
mod proposer;

use elector_core::{
    Command, ElectionAlgorithm, Epoch, Input, Membership, Moment, NodeId, Outbox, Quorum, View,
};

use crate::{
    Paxos, PaxosConfig, PaxosDurable, PaxosMessage, PaxosTimer,
    state::{Part, Request},
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
        self.present()
    }

    fn lease(&self) -> Option<Moment> {
        match &self.part {
            Part::Leader { acks, .. } => acks.quorum(&self.rules.members),
            Part::Follower { .. } | Part::Proposer(_) => None,
        }
    }

    fn has_lease(_: &PaxosConfig) -> bool {
        true
    }

    fn raised(durable: &PaxosDurable, floor: Epoch) -> Option<PaxosDurable> {
        durable.raised(floor)
    }

    fn step(&mut self, input: Input<PaxosMessage, PaxosTimer>, out: &mut Outbox<Self>) {
        match input {
            Input::Started => self.started(out),
            Input::Received { from, message } => self.received(from, message, out),
            Input::Elapsed(timer) => self.elapsed(timer, out),
            Input::Suspected(peer) => self.suspected(peer, out),
            Input::Silent(peer) | Input::Died(peer) => self.gone(peer, out),
            Input::Returned(peer) => self.returned(peer),
            Input::Commanded(command) => self.commanded(command, out),
        }
    }
}

impl Paxos {
    fn received(&mut self, from: NodeId, message: PaxosMessage, out: &mut Outbox<Self>) {
        if !self.suspects.is_empty() {
            self.suspects.remove(from);
        }
        match message {
            PaxosMessage::Prepare {
                epoch: instance,
                ballot,
                handover,
            } => self.prepare(
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
            } => self.promised(from, epoch, ballot, accepted, out),
            PaxosMessage::Reject {
                ballot,
                epoch,
                leader,
                instance,
                promised,
            } => {
                // What is decided first: nothing more need be proposed then.
                self.told(epoch, leader, out);
                self.rejected(from, ballot, (instance, promised), out);
            }
            PaxosMessage::Accept { epoch, proposal } => self.accept(from, epoch, proposal, out),
            PaxosMessage::Accepted { epoch, proposal } => {
                self.accepted(from, epoch, proposal, out);
            }
            PaxosMessage::Learn {
                epoch,
                leader,
                sent,
            } => self.decision(from, (epoch, leader), sent, out),
            PaxosMessage::Heartbeat { epoch, sent } => self.heartbeat(from, epoch, sent, out),
            PaxosMessage::HeartbeatAck { epoch, sent } => {
                self.acknowledged(from, epoch, sent, out);
            }
            PaxosMessage::Handover { epoch } => self.called_upon(from, epoch, out),
        }
    }

    fn elapsed(&mut self, timer: PaxosTimer, out: &mut Outbox<Self>) {
        match timer {
            PaxosTimer::Vigil => self.vigil_over(out),
            PaxosTimer::Stagger => self.stagger_over(out),
            PaxosTimer::Retry => self.patience_over(out),
            PaxosTimer::OwnPromise => self.promise_to_self(out),
            PaxosTimer::OwnAccept => self.accept_from_self(out),
            PaxosTimer::Heartbeat => self.next_round(out),
            PaxosTimer::Quorum => self.quorum_missed(out),
        }
    }

    fn commanded(&mut self, command: Command, out: &mut Outbox<Self>) {
        match command {
            Command::Campaign => self.told_to_campaign(out),
            Command::Resign => self.told_to_resign(out),
            Command::TransferTo(peer) => self.told_to_transfer(peer, out),
        }
    }
}
