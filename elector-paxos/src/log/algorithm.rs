use elector_core::{
    Command, ElectionAlgorithm, Input, Membership, Moment, NodeId, Outbox, Refusal, View,
    log::{Entry, LogIndex, ReplicatedLog},
};

use super::{
    MultiPaxos, MultiPaxosDurable, MultiPaxosMessage, MultiPaxosTimer,
    state::{Phase, Promise},
};

type Message<E> = MultiPaxosMessage<<E as ElectionAlgorithm>::Message>;
type Timer<E> = MultiPaxosTimer<<E as ElectionAlgorithm>::Timer>;

impl<E: ElectionAlgorithm> ElectionAlgorithm for MultiPaxos<E> {
    const NAME: &'static str = "multi-paxos";

    type Guarantee = E::Guarantee;
    type Config = E::Config;
    type Message = Message<E>;
    type Timer = Timer<E>;
    type Durable = MultiPaxosDurable<E::Durable>;

    fn restore(config: &E::Config, members: Membership, durable: Self::Durable) -> Self {
        const {
            assert!(
                !E::CHANGES_MEMBERS,
                "the members of the election must be fixed"
            );
        }
        Self::new(config, members, durable)
    }

    fn durable(&self) -> &Self::Durable {
        &self.durable
    }

    fn view(&self) -> View {
        self.election.view()
    }

    fn lease(&self) -> Option<Moment> {
        self.election.lease()
    }

    fn has_lease(config: &E::Config) -> bool {
        E::has_lease(config)
    }

    fn check(&self) -> Result<(), &'static str> {
        self.election.check()?;
        let is_allowed = |slot: &super::Slot| slot.ballot <= self.durable.promised;
        if !self.durable.log.last().is_none_or(is_allowed) {
            return Err("P1: a node accepts nothing above its promise");
        }
        if self.committed > self.log.last_index() {
            return Err("P3: a node has every entry that it takes for chosen");
        }
        let phase = self.proposer.as_ref().map(|proposer| &proposer.phase);
        if !matches!(phase, Some(Phase::Proposing(_))) && self.log != self.durable.log {
            return Err("only a proposer has entries that are not in its durable log");
        }
        Ok(())
    }

    fn log(&self) -> Option<&dyn ReplicatedLog> {
        Some(self)
    }

    fn step(&mut self, input: Input<Self::Message, Self::Timer>, out: &mut Outbox<Self>) {
        match input {
            Input::Started => {
                self.ask_later(out);
                self.elect(Input::Started, out);
            }
            Input::Received { from, message } => self.on_message(from, message, out),
            Input::Elapsed(MultiPaxosTimer::Election(timer)) => {
                self.elect(Input::Elapsed(timer), out);
            }
            Input::Elapsed(MultiPaxosTimer::Store) => self.store_own(out),
            Input::Elapsed(MultiPaxosTimer::Resend) => self.resend(out),
            Input::Elapsed(MultiPaxosTimer::Retry) => self.retry(out),
            Input::Elapsed(MultiPaxosTimer::Ask) => self.ask(out),
            Input::Suspected(peer) => self.elect(Input::Suspected(peer), out),
            Input::Silent(peer) => self.elect(Input::Silent(peer), out),
            Input::Died(peer) => self.elect(Input::Died(peer), out),
            Input::Returned(peer) => self.elect(Input::Returned(peer), out),
            Input::Commanded(Command::Propose(request)) => match self.proposer {
                Some(_) => self.propose(request, out),
                None => out.refuse(Refusal::NotTheLeader),
            },
            Input::Commanded(command) => self.elect(Input::Commanded(command), out),
        }
    }
}

impl<E: ElectionAlgorithm> ReplicatedLog for MultiPaxos<E> {
    fn committed(&self) -> LogIndex {
        self.committed
    }

    fn entry(&self, index: LogIndex) -> Option<&Entry> {
        self.log.get(index).map(|slot| &slot.entry)
    }
}

impl<E: ElectionAlgorithm> MultiPaxos<E> {
    fn on_message(&mut self, from: NodeId, message: Message<E>, out: &mut Outbox<Self>) {
        match message {
            MultiPaxosMessage::Election(message) => {
                self.elect(Input::Received { from, message }, out);
            }
            MultiPaxosMessage::Prepare { ballot } => self.on_prepare(from, ballot, out),
            MultiPaxosMessage::Promise {
                ballot,
                committed,
                accepted,
            } => {
                let promise = Promise {
                    committed,
                    accepted,
                };
                self.on_promise(from, ballot, promise, out);
            }
            MultiPaxosMessage::Reject { ballot, promised } => {
                self.on_reject(ballot, promised, out);
            }
            MultiPaxosMessage::Accept {
                ballot,
                start,
                first,
                entries,
                committed,
            } => self.on_accept(from, ballot, (start, first), entries, committed, out),
            MultiPaxosMessage::Accepted {
                ballot,
                matched,
                committed,
            } => self.on_accepted(from, ballot, (matched, committed), out),
            MultiPaxosMessage::Fetch { first } => self.on_fetch(from, first, out),
            MultiPaxosMessage::Learn {
                first,
                entries,
                committed,
            } => self.on_learn(from, first, entries, committed, out),
        }
    }

    /// Runs a step of the election, and makes this node a proposer exactly while it leads.
    fn elect(&mut self, input: Input<E::Message, E::Timer>, out: &mut Outbox<Self>) {
        out.scoped(
            MultiPaxosMessage::Election,
            MultiPaxosTimer::Election,
            |out| {
                self.election.step(input, out);
            },
        );
        if self.durable.election != *self.election.durable() {
            self.durable.election.clone_from(self.election.durable());
        }
        let view = self.election.view();
        let led = self.proposer.as_ref().map(|proposer| proposer.epoch);
        let leads = view.leads().then_some(view.epoch);
        if led != leads {
            self.end_proposer(out);
        }
        if led != leads && leads.is_some() {
            self.begin_proposer(view.epoch, out);
        }
    }
}
