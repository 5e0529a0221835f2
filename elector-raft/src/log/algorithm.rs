use elector_core::{
    Command, ElectionAlgorithm, Input, Membership, Moment, NodeId, Outbox, Quorum, Refusal, View,
    log::{Entry, LogIndex, ReplicatedLog},
};

use super::{RaftLog, RaftLogConfig, RaftLogDurable, RaftLogMessage, RaftLogTimer};
use crate::{Raft, RaftMessage, RaftTimer};

impl ElectionAlgorithm for RaftLog {
    const NAME: &'static str = "raft-log";

    type Guarantee = Quorum;
    type Config = RaftLogConfig;
    type Message = RaftLogMessage;
    type Timer = RaftLogTimer;
    type Durable = RaftLogDurable;

    fn restore(config: &RaftLogConfig, members: Membership, durable: RaftLogDurable) -> Self {
        Self::new(config, members, durable)
    }

    fn durable(&self) -> &RaftLogDurable {
        &self.durable
    }

    fn view(&self) -> View {
        self.election.view()
    }

    fn lease(&self) -> Option<Moment> {
        self.election.lease()
    }

    fn has_lease(config: &RaftLogConfig) -> bool {
        Raft::has_lease(&config.0)
    }

    fn check(&self) -> Result<(), &'static str> {
        self.election.check()?;
        if self.view().leads() != self.leadership.is_some() {
            return Err("a node has the state of a leader exactly while it leads");
        }
        if self.durable.election.last_log != self.stored_position() {
            return Err("L2: votes compare the end of the log that is on disk");
        }
        if self.leadership.is_none() && self.log != self.durable.log {
            return Err("only a leader has entries that are not in its durable log");
        }
        if self.committed > self.log.last_index() {
            return Err("L6: a node has every entry that it takes for committed");
        }
        Ok(())
    }

    fn log(&self) -> Option<&dyn ReplicatedLog> {
        Some(self)
    }

    fn step(&mut self, input: Input<RaftLogMessage, RaftLogTimer>, out: &mut Outbox<Self>) {
        match input {
            Input::Started => self.elect(Input::Started, out),
            Input::Received { from, message } => self.on_message(from, message, out),
            Input::Elapsed(RaftLogTimer::Election(timer)) => {
                self.elect(Input::Elapsed(timer), out);
            }
            Input::Elapsed(RaftLogTimer::Store) => self.store_own(),
            Input::Elapsed(RaftLogTimer::Resend) => self.resend(out),
            Input::Suspected(peer) => self.elect(Input::Suspected(peer), out),
            Input::Silent(peer) => self.elect(Input::Silent(peer), out),
            Input::Died(peer) => self.elect(Input::Died(peer), out),
            Input::Returned(peer) => self.elect(Input::Returned(peer), out),
            Input::Commanded(command) => self.on_command(command, out),
        }
    }
}

impl ReplicatedLog for RaftLog {
    fn committed(&self) -> LogIndex {
        self.committed
    }

    fn entry(&self, index: LogIndex) -> Option<&Entry> {
        self.log.get(index)
    }
}

impl RaftLog {
    fn on_command(&mut self, command: Command, out: &mut Outbox<Self>) {
        match command {
            Command::Propose(_) if self.leadership.is_none() => out.refuse(Refusal::NotTheLeader),
            Command::Propose(request) => self.propose(request, out),
            Command::TransferTo(peer) if self.is_behind(peer) => {
                out.refuse(Refusal::TargetIsBehind);
            }
            Command::Resign => self.resign(out),
            command => self.elect(Input::Commanded(command), out),
        }
    }

    /// Steps down in favour of a follower that has all entries, if there is one: only such a
    /// follower gets the votes of the others.
    fn resign(&mut self, out: &mut Outbox<Self>) {
        for peer in self.members.clone().peers() {
            if self.leadership.is_none() || self.is_behind(peer) {
                continue;
            }
            self.elect(Input::Commanded(Command::TransferTo(peer)), out);
            if out.refusal().is_none() {
                return self.election.node.set_resigned();
            }
            out.clear_refusal();
        }
        self.elect(Input::Commanded(Command::Resign), out);
    }

    fn on_message(&mut self, from: NodeId, message: RaftLogMessage, out: &mut Outbox<Self>) {
        match message {
            RaftLogMessage::Election(message) => {
                self.elect(Input::Received { from, message }, out);
                if let RaftMessage::Heartbeat { term, announce, .. } = message {
                    self.ask_for_commits(from, term, announce, out);
                }
            }
            RaftLogMessage::Append {
                term,
                previous,
                entries,
                committed,
            } => self.on_append(from, term, (previous, entries), committed, out),
            RaftLogMessage::Stored {
                term,
                matched,
                committed,
            } => self.on_stored(from, term, (matched, committed), out),
            RaftLogMessage::Conflict {
                term,
                previous,
                last_possible,
            } => self.on_conflict(from, term, (previous, last_possible), out),
            RaftLogMessage::Ask { term } => self.on_ask(from, term, out),
        }
    }

    /// Runs a step of the election, and starts or ends the leadership of this node as the election
    /// says.
    pub(super) fn elect(&mut self, input: Input<RaftMessage, RaftTimer>, out: &mut Outbox<Self>) {
        out.scoped(RaftLogMessage::Election, RaftLogTimer::Election, |out| {
            self.election.step(input, out);
        });
        if self.durable.election != self.election.durable {
            self.durable.election.clone_from(&self.election.durable);
        }
        let view = self.election.view();
        let term = self.leadership.as_ref().map(|leadership| leadership.term);
        let leads = view.leads().then_some(view.epoch);
        if term != leads {
            self.end_leadership(out);
        }
        if term != leads && leads.is_some() {
            self.begin_leadership(view.epoch, out);
        }
    }
}
