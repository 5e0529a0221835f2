//! The changes of the members. Each change is a series of rosters, and each roster differs from the
//! one before it by at most one voter.

use alloc::vec::Vec;

use elector_core::{
    ChangeWait, Configuration as _, ElectionAlgorithm as _, MembersChange, Moment, NodeId, Outbox,
    Refusal, quorum::Reseat,
};

use crate::{
    Members, MembersMessage, Roster, Voter,
    roster::MAX_VOTERS,
    state::{Office, STREAK},
};

/// What a leader does next in a change of the members.
pub(super) enum Next {
    Nothing,
    /// Wait: a condition for the next step of the change is not fulfilled.
    Wait(ChangeWait),
    /// Make this roster, which is the next one of the change.
    Make(Roster),
    /// Resign: the goal does not name this leader, and all other steps are done. Another leader
    /// then removes this node.
    HandOver,
}

impl<A: Reseat> Members<A> {
    pub(super) fn on_change(
        &mut self,
        change: &MembersChange,
        out: &mut Outbox<Self>,
    ) -> Result<(), Refusal> {
        let goal = self.goal_of(change)?;
        let roster = &self.durable.roster;
        let Some(office) = &mut self.office else {
            return Err(Refusal::NotTheLeader);
        };
        if change.if_roster.is_some_and(|id| id != roster.id()) {
            return Err(Refusal::OtherRoster);
        }
        // If the command names the present roster, its sender knows of a change in progress, and
        // the new goal replaces the goal of that change.
        let replaces = change.if_roster.is_some();
        if (!office.wanted.is_empty() || roster.is_changing()) && !replaces {
            return Err(Refusal::ChangeInProgress);
        }
        if roster
            .voters
            .iter()
            .any(|voter| office.older.contains(voter.node))
        {
            return Err(Refusal::OlderRelease);
        }
        if goal != roster.voters || roster.is_changing() {
            office.wanted = goal;
            self.start_beats(out);
        }
        Ok(())
    }

    /// Returns the voters after this change. A node that stays in the roster keeps its disk id
    /// there. A node that comes back with a new disk must have sent a message to this leader,
    /// because the new roster names the new disk.
    fn goal_of(&self, change: &MembersChange) -> Result<Vec<Voter>, Refusal> {
        let Some(office) = &self.office else {
            return Err(Refusal::NotTheLeader);
        };
        if change.goal.is_empty() {
            return Err(Refusal::NoVoters);
        }
        if change.goal.len() > MAX_VOTERS {
            return Err(Refusal::TooManyVoters);
        }
        let voter_of = |node: NodeId| {
            let present = self.durable.roster.voter(node);
            if !change.readmit.contains(node) {
                return Ok(present.unwrap_or(Voter::unbound(node)));
            }
            let disk = office.heard.get(&node).and_then(|heard| heard.disk);
            if disk.is_none() || present.is_some_and(|voter| voter.is(node, disk)) {
                return Err(Refusal::NoOtherDisk);
            }
            Ok(Voter {
                disk,
                ..Voter::unbound(node)
            })
        };
        let goal: Vec<Voter> = change.goal.iter().map(voter_of).collect::<Result<_, _>>()?;
        let is_witness = |voter: &Voter| {
            let heard = office.heard.get(&voter.node);
            voter.is_witness || heard.is_some_and(|heard| heard.is_witness)
        };
        match goal.iter().all(is_witness) {
            true => Err(Refusal::OnlyWitnesses),
            false => Ok(goal),
        }
    }

    /// Takes the next step of a change, if there is one and [`may_change`](Self::may_change)
    /// permits it.
    pub(super) fn advance(&mut self, out: &mut Outbox<Self>) {
        if self.office.is_none() {
            return; // Only a leader makes rosters.
        }
        self.start_beats(out);
        if !self.has_work() {
            return;
        }
        let rank = self.rank();
        if self.durable.roster.term != rank.term {
            self.durable.roster.term = rank.term;
        }
        if self.may_change().is_err() {
            return;
        }
        match self.next(out.now()) {
            Next::Nothing | Next::Wait(_) => {}
            Next::Make(roster) => self.make(roster, out),
            Next::HandOver => self.resign(out),
        }
    }

    /// Checks that a majority of the voters holds the present roster in this epoch, and that the
    /// lease rests on the present voters. Otherwise returns what the change waits for. Without the
    /// second condition, when the leader makes the next roster, its lease could still rest on a
    /// majority of the previous roster. Such a majority need not meet a majority of the next
    /// roster.
    pub(super) fn may_change(&self) -> Result<(), ChangeWait> {
        let (Some(office), Some(seat)) = (&self.office, &self.seat) else {
            return Err(ChangeWait::Stored);
        };
        let roster = &self.durable.roster;
        let others = roster.voters.iter().filter(|voter| {
            let node = voter.node;
            node != self.me() && office.is_held_by(**voter)
        });
        let holders = others.count() + 1;
        let lease = seat.algorithm.lease();
        let rests = lease.is_some() && lease >= office.changed;
        if holders < roster.majority() {
            return Err(ChangeWait::Stored);
        }
        if !rests && A::has_lease(&self.config().algorithm) {
            return Err(ChangeWait::Lease);
        }
        Ok(())
    }

    pub(super) fn next(&self, now: Moment) -> Next {
        let (Some(office), roster) = (&self.office, &self.durable.roster) else {
            return Next::Nothing;
        };
        if !office.wanted.is_empty() {
            let mut next = roster.clone();
            next.goal.clone_from(&office.wanted);
            return Next::Make(next);
        }
        if roster.is_changing() {
            return self.next_step(office, now);
        }
        self.bind_disks(office)
    }

    /// Returns the next step towards the goal. Voters that do not answer leave first. Then new
    /// voters join. Voters that answer leave last, so that the cluster is not smaller than
    /// necessary, and the leader is the last of them. A voter leaves only if a majority of the
    /// remaining voters answers: otherwise, after this step, no leader could have a lease or change
    /// the members.
    fn next_step(&self, office: &Office, now: Moment) -> Next {
        let span = self.config().timing().election_min;
        let roster = &self.durable.roster;
        let me = self.me();
        let is_alive = |voter: &Voter| voter.node == me || office.hears(*voter, now, span);
        let stays = |voter: &Voter| {
            let wanted = roster.wanted(voter.node);
            wanted.is_some_and(|wanted| voter.is_kept_by(&wanted))
        };
        let leaving: Vec<&Voter> = roster.voters.iter().filter(|&v| !stays(v)).collect();
        let without = |voter: &Voter| {
            let next = roster.without(voter.node);
            let alive = next.voters.iter().filter(|&voter| is_alive(voter)).count();
            (alive >= next.majority()).then_some(next)
        };
        let dead = leaving.iter().filter(|voter| !is_alive(voter));
        if let Some(next) = dead.clone().find_map(|voter| without(voter)) {
            return Next::Make(next);
        }
        let mut joining = roster.goal.iter().filter(|wanted| {
            let voter = roster.voter(wanted.node);
            voter.is_none_or(|voter| !stays(&voter))
        });
        if let Some(ready) = joining.clone().find_map(|wanted| ready(office, *wanted))
            && roster.voter(ready.node).is_none()
        {
            return Next::Make(roster.with(ready));
        }
        if let Some(joiner) = joining.next() {
            return Next::Wait(ChangeWait::Joiner(joiner.node)); // The joiner has not caught up yet.
        }
        match leaving.iter().find(|voter| voter.node != me) {
            Some(other) => {
                let wait = Next::Wait(ChangeWait::Majority(other.node));
                without(other).map_or(wait, Next::Make)
            }
            None if leaving.is_empty() => Next::Make(roster.clone()),
            None if roster
                .voters
                .iter()
                .any(|v| v.node != me && !v.is_witness && is_alive(v)) =>
            {
                Next::HandOver
            }
            None => Next::Wait(ChangeWait::HandOver),
        }
    }

    /// When all voters have answered this leader, returns a roster that names the disk of each
    /// voter and marks the witnesses, which never lead. A voter that runs an earlier release sends
    /// no answer, so the leader does not make the roster: that voter could not adopt it.
    fn bind_disks(&self, office: &Office) -> Next {
        let mut bound = self.durable.roster.clone();
        for voter in &mut bound.voters {
            if let Some(heard) = office.heard.get(&voter.node)
                && voter.is(voter.node, heard.disk)
            {
                (voter.disk, voter.is_witness) = (heard.disk, heard.is_witness);
            }
            if voter.node == self.me() {
                voter.disk = voter.disk.or(self.config().disk);
                voter.is_witness = self.config().never_leads();
            }
        }
        let has_disks = self.config().disk.is_some();
        let all_bound = bound
            .voters
            .iter()
            .all(|voter| voter.disk.is_some() || !has_disks);
        if !all_bound || bound == self.durable.roster {
            return Next::Nothing;
        }
        Next::Make(bound)
    }

    /// Makes `next` the roster of this node, which is in force at once, and sends it to all nodes
    /// that it concerns.
    fn make(&mut self, mut next: Roster, out: &mut Outbox<Self>) {
        let lease = self.lease();
        let Some(office) = &mut self.office else {
            return;
        };
        let reached = next.goal.iter().all(|wanted| {
            let voter = next.voter(wanted.node);
            voter.is_some_and(|voter| voter.is_kept_by(wanted))
        });
        if reached && next.goal.len() == next.voters.len() {
            next.goal.clear();
        }
        next.version = next.version.saturating_add(1);
        (next.created, next.term) = (office.epoch, office.epoch);
        office.wanted.clear();
        office.earned = lease;
        office.changed = Some(out.now());
        for heard in office.heard.values_mut() {
            heard.holds = false;
        }
        let mut concerned: Vec<NodeId> = office.heard.keys().copied().collect();
        let voters = [&self.durable.roster.voters, &next.voters, &next.goal];
        concerned.extend(voters.into_iter().flatten().map(|voter| voter.node));
        concerned.sort_unstable();
        concerned.dedup();
        self.durable.roster = next;
        for node in concerned.into_iter().filter(|&node| node != self.me()) {
            out.send(node, MembersMessage::Roster(self.durable.roster.clone()));
        }
        self.reseat(out);
        self.start_beats(out);
    }
}

/// Returns the voter that `wanted` describes, with its disk, if the node has answered [`STREAK`]
/// beats ([`MembersMessage::Beat`]) in a row in time.
fn ready(office: &Office, wanted: Voter) -> Option<Voter> {
    let heard = office.heard.get(&wanted.node)?;
    let disk = wanted.disk.or(heard.disk);
    let voter = Voter {
        disk,
        is_witness: heard.is_witness,
        ..wanted
    };
    (heard.streak >= STREAK && voter.is(wanted.node, heard.disk)).then_some(voter)
}
