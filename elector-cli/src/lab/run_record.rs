use elector_core::{Epoch, NodeId, invariants::Invariant};
use elector_sim::{Election, KindCount, MembersOutcome, Outcome, Times, invariants::Violation};
use serde::{Deserialize, Serialize};

/// The outcome of one run, as it is stored in the file `runs.bin` of a shard (one of several parts
/// of a comparison). The record has all values of the outcome that figures and the report use, as
/// exact numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunRecord {
    pub(crate) seed: u64,
    elected: bool,
    elections: Vec<ElectionRecord>,
    leaderless_ns: u64,
    split_brain_ns: u64,
    election_messages: u64,
    election_bytes: u64,
    leader_changes: u64,
    persists: u64,
    leaders_per_epoch: u64,
    steady_messages_per_s: f64,
    converged_ns: Option<u64>,
    /// The number of messages that were sent to nodes without a process or over cut links, summed
    /// over all kinds of messages. Figures use only this sum.
    dead: u64,
    violations: Vec<ViolationRecord>,
    members: Option<MembersOutcome>,
    events: u64,
    fingerprint: u64,
}

/// The maximum number of messages, and of bytes, of an election in a record. With this limit, the
/// sum over all runs of a cell (all runs of one variant in one scenario at one size) fits into 64
/// bits.
const MAX_COUNT: u64 = 1 << 40;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ElectionRecord {
    opened_ns: u64,
    winner_ns: u64,
    settled_ns: u64,
    leader: u64,
    epoch: u64,
    messages: u64,
    bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ViolationRecord {
    invariant: String,
    at_ns: u64,
    detail: String,
}

impl RunRecord {
    /// Returns the outcome of the run. The record has no counts of single kinds of messages, so the
    /// outcome has one entry for all kinds together. Returns `None` if an invariant is unknown, or
    /// a number is impossible.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        let elections = self.elections.iter().map(ElectionRecord::election);
        let violations = self.violations.iter().map(ViolationRecord::violation);
        if !self.steady_messages_per_s.is_finite() {
            return None;
        }
        Some(Outcome {
            seed: self.seed,
            elected: self.elected,
            elections: elections.collect::<Option<_>>()?,
            times: Times {
                leaderless_ns: self.leaderless_ns,
                split_brain_ns: self.split_brain_ns,
            },
            election_messages: self.election_messages,
            election_bytes: self.election_bytes,
            leader_changes: self.leader_changes,
            persists: self.persists,
            most_leaders_of_an_epoch: usize::try_from(self.leaders_per_epoch).ok()?,
            steady_messages_per_s: self.steady_messages_per_s,
            converged_ns: self.converged_ns,
            kinds: vec![KindCount {
                dead: self.dead,
                ..KindCount::default()
            }],
            violations: violations.collect::<Option<_>>()?,
            events: self.events,
            digest: self.fingerprint,
            members: self.members,
        })
    }
}

impl From<&Outcome> for RunRecord {
    fn from(run: &Outcome) -> Self {
        let dead = run.kinds.iter().map(|kind| kind.dead + kind.cut);
        Self {
            seed: run.seed,
            elected: run.elected,
            elections: run.elections.iter().map(ElectionRecord::from).collect(),
            leaderless_ns: run.times.leaderless_ns,
            split_brain_ns: run.times.split_brain_ns,
            election_messages: run.election_messages,
            election_bytes: run.election_bytes,
            leader_changes: run.leader_changes,
            persists: run.persists,
            leaders_per_epoch: run.most_leaders_of_an_epoch as u64,
            steady_messages_per_s: run.steady_messages_per_s,
            converged_ns: run.converged_ns,
            dead: dead.sum(),
            violations: run.violations.iter().map(ViolationRecord::from).collect(),
            events: run.events,
            fingerprint: run.digest,
            members: run.members,
        }
    }
}

impl ElectionRecord {
    fn election(&self) -> Option<Election> {
        let is_ordered = self.opened_ns <= self.winner_ns && self.opened_ns <= self.settled_ns;
        let is_counted = self.messages <= MAX_COUNT && self.bytes <= MAX_COUNT;
        (is_ordered && is_counted).then_some(Election {
            opened_ns: self.opened_ns,
            winner_ns: self.winner_ns,
            settled_ns: self.settled_ns,
            leader: NodeId(self.leader),
            epoch: Epoch(self.epoch),
            messages: self.messages,
            bytes: self.bytes,
        })
    }
}

impl From<&Election> for ElectionRecord {
    fn from(election: &Election) -> Self {
        Self {
            opened_ns: election.opened_ns,
            winner_ns: election.winner_ns,
            settled_ns: election.settled_ns,
            leader: election.leader.0,
            epoch: election.epoch.0,
            messages: election.messages,
            bytes: election.bytes,
        }
    }
}

impl ViolationRecord {
    fn violation(&self) -> Option<Violation> {
        Some(Violation {
            invariant: Invariant::named(&self.invariant)?.name(),
            at_ns: self.at_ns,
            detail: self.detail.clone(),
        })
    }
}

impl From<&Violation> for ViolationRecord {
    fn from(violation: &Violation) -> Self {
        Self {
            invariant: violation.invariant.to_owned(),
            at_ns: violation.at_ns,
            detail: violation.detail.clone(),
        }
    }
}
