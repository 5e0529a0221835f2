use std::time::Duration;

use elector_core::{Command, ElectionAlgorithm, MembersChange, nanos};
use serde::{Deserialize, Serialize};

use crate::{Simulation, machine::MachineEvent};

/// How long an operator waits for its change to be complete, before it gives the command to the
/// leader again. A command is lost if the leader that received it stops leading, and a leader
/// refuses a command while another change is in progress.
const RETRY_TIME: Duration = Duration::from_millis(100);

/// How much time and how many messages the changes of the members took in a run. The time counts
/// from the first command of an operator until the last change is complete. A change is complete
/// when a majority of the wanted voters has a roster with exactly these voters on its disks, and no
/// change is in progress in this roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MembersOutcome {
    /// How long the changes took, in nanoseconds. `None` if not all of them are complete.
    pub took_ns: Option<u64>,
    /// How long no running node believed that it leads, during the changes, in nanoseconds.
    pub leaderless_ns: u64,
    /// The number of all messages that were sent during the changes, heartbeats included.
    pub messages: u64,
}

/// The operators of a run. Each operator wants one change of the members.
#[derive(Debug, Default)]
pub(crate) struct Operators {
    wanted: Vec<Wanted>,
    /// The index in `wanted` of the change that was completed last.
    last: Option<usize>,
    /// The [`Figures`] at the moment at which the first operator asked for a change.
    begun: Option<Figures>,
    /// The [`Figures`] at the moment at which the last change was complete; `None` while a change
    /// is not complete.
    ended: Option<Figures>,
}

#[derive(Debug)]
struct Wanted {
    change: MembersChange,
    is_complete: bool,
}

/// The counts of a run at one moment.
#[derive(Clone, Copy, Debug)]
struct Figures {
    at_ns: u64,
    leaderless_ns: u64,
    messages: u64,
}

impl<A: ElectionAlgorithm> Simulation<A> {
    /// Makes an operator ask the present leader to change the members. The operator asks again and
    /// again until the change is complete. A change without voters has no effect.
    pub fn ask_for_change(&mut self, change: MembersChange) {
        if change.goal.is_empty() {
            return;
        }
        if self.operators.begun.is_none() {
            self.operators.begun = Some(self.figures());
        }
        self.operators.ended = None;
        self.operators.wanted.push(Wanted {
            change,
            is_complete: false,
        });
        self.ask(self.operators.wanted.len() - 1);
    }

    /// Gives the command of the operator with this number to the present leader, and plans the next
    /// attempt. Does nothing if the change of this operator is complete.
    pub(crate) fn ask(&mut self, number: usize) {
        self.note_complete_changes();
        let wanted = &self.operators.wanted[number];
        if wanted.is_complete {
            return;
        }
        let command = Command::ChangeMembers(wanted.change.clone());
        if let Some(leader) = self.leader() {
            self.command(leader, command);
        }
        let again = self.now.saturating_add(nanos(RETRY_TIME));
        self.queue
            .push(again, (0, MachineEvent::OperatorAsks { number }));
    }

    /// Records which changes are complete now.
    pub(crate) fn note_complete_changes(&mut self) {
        for number in 0..self.operators.wanted.len() {
            let wanted = &self.operators.wanted[number];
            if wanted.is_complete || !self.has_voters(&wanted.change.goal) {
                continue;
            }
            self.operators.wanted[number].is_complete = true;
            self.operators.last = Some(number);
            if self.operators.wanted.iter().all(|it| it.is_complete) {
                self.operators.ended = Some(self.figures());
            }
        }
    }

    /// Returns a change whose goal is not reached now: a change that is not complete, or the change
    /// that was completed last if the voters are not those of its goal any more.
    pub(crate) fn missed_goal(&self) -> Option<&MembersChange> {
        let Operators { wanted, last, .. } = &self.operators;
        let incomplete = wanted.iter().find(|wanted| !wanted.is_complete);
        let last = last.and_then(|last| wanted.get(last));
        let lost = last.filter(|last| !self.has_voters(&last.change.goal));
        incomplete.or(lost).map(|wanted| &wanted.change)
    }

    /// Returns the time and the messages that the changes took until now. `None` if no operator has
    /// asked.
    pub(crate) fn members_outcome(&mut self) -> Option<MembersOutcome> {
        let begun = self.operators.begun?;
        let ended = self.operators.ended;
        let until = ended.unwrap_or_else(|| self.figures());
        Some(MembersOutcome {
            took_ns: ended.map(|ended| ended.at_ns - begun.at_ns),
            leaderless_ns: until.leaderless_ns - begun.leaderless_ns,
            messages: until.messages - begun.messages,
        })
    }

    fn figures(&mut self) -> Figures {
        Figures {
            at_ns: self.now,
            leaderless_ns: self.times().leaderless_ns,
            messages: self.counts.kinds().iter().map(|kind| kind.sent).sum(),
        }
    }
}
