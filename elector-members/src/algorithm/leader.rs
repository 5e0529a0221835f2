//! The leader: which nodes answer it, and which rosters these nodes have.

use alloc::collections::BTreeSet;

use elector_core::{Configuration as _, Delay, Epoch, Moment, NodeId, Outbox, quorum::Reseat};

use crate::{
    Members, MembersMessage, MembersTimer, Rank, Voter,
    state::{Heard, STREAK},
};

/// A leader forgets an observer (a node that does not vote) that has not answered for this number
/// of maximum election timeouts (`election_max`).
const FORGOTTEN_AFTER: u32 = 20;

impl<A: Reseat> Members<A> {
    pub(super) fn leave_office(&mut self, out: &mut Outbox<Self>) {
        if let Some(office) = self.office.take()
            && office.beat.is_some()
        {
            out.cancel_timer(MembersTimer::Beat);
        }
    }

    /// Returns `true` if a change of the members is requested or in progress, if the roster does
    /// not name all disks although the leader knows them now, or if the roster has a wrong value of
    /// `is_witness` for a voter.
    pub(super) fn has_work(&self) -> bool {
        let Some(office) = &self.office else {
            return false;
        };
        let roster = &self.durable.roster;
        let is_heard = |voter: &Voter| {
            let heard = office.heard.get(&voter.node);
            voter.node == self.me() || heard.is_some_and(|heard| heard.disk.is_some())
        };
        let is_changing = !office.wanted.is_empty() || roster.is_changing();
        let can_bind = || self.is_unbound() && roster.voters.iter().all(is_heard);
        let is_wrong =
            |voter: &Voter| voter.node == self.me() && voter.is_witness || office.corrects(voter);
        is_changing || can_bind() || roster.voters.iter().any(is_wrong)
    }

    /// Returns `true` if the roster does not name the disks of all voters yet.
    fn is_unbound(&self) -> bool {
        let mut voters = self.durable.roster.voters.iter();
        self.config().disk.is_some() && voters.any(|voter| voter.disk.is_none())
    }

    /// Returns the nodes to which the leader sends beats ([`MembersMessage::Beat`]). If the members
    /// do not change, and all nodes vote, no node gets beats.
    fn audience(&self) -> BTreeSet<NodeId> {
        let Some(office) = &self.office else {
            return BTreeSet::new();
        };
        let roster = &self.durable.roster;
        let mut audience: BTreeSet<NodeId> = office.heard.keys().copied().collect();
        if self.has_work() || self.is_unbound() {
            let concerned = [&roster.voters, &roster.goal, &office.wanted];
            audience.extend(concerned.into_iter().flatten().map(|voter| voter.node));
        } else {
            audience.retain(|&node| {
                let voter = roster.voter(node);
                let disk = office.heard.get(&node).and_then(|heard| heard.disk);
                voter.is_none_or(|voter| !voter.is(node, disk))
            });
        }
        audience.remove(&self.me());
        audience
    }

    /// Starts to send beats ([`MembersMessage::Beat`]), if there are nodes that need beats. A new
    /// leader whose roster does not name all disks sends its first beat after one heartbeat
    /// interval: nodes may have to write before they answer a beat, and such a write must not delay
    /// the leader's first lease.
    pub(super) fn start_beats(&mut self, out: &mut Outbox<Self>) {
        let stopped = self.office.as_ref().is_some_and(|o| o.beat.is_none());
        if !stopped || self.audience().is_empty() {
            return;
        }
        let has_work = self.has_work();
        match &mut self.office {
            Some(office) if !has_work && office.heard.is_empty() => {
                office.beat = Some(out.now());
                let heartbeat = Delay::exactly(self.heartbeat());
                out.set_timer(MembersTimer::Beat, heartbeat);
            }
            _ => self.send_beats(out),
        }
    }

    /// Forgets observers (nodes that do not vote) that do not answer any more, and that no change
    /// is about to add.
    fn forget_observers(&mut self, now: Moment) {
        let span = self
            .config()
            .timing()
            .election_max
            .saturating_mul(FORGOTTEN_AFTER);
        let roster = &self.durable.roster;
        let Some(office) = &mut self.office else {
            return; // Only a leader remembers observers.
        };
        let wanted = &office.wanted;
        office.heard.retain(|&node, heard| {
            let concerned = roster.voter(node).is_some() || roster.wanted(node).is_some();
            let concerned = concerned || wanted.iter().any(|voter| voter.node == node);
            concerned || now.saturating_since(heard.at) <= span
        });
    }

    pub(super) fn send_beats(&mut self, out: &mut Outbox<Self>) {
        self.forget_observers(out.now());
        let (audience, rank) = (self.audience(), self.rank());
        let heartbeat = Delay::exactly(self.heartbeat());
        let Some(office) = &mut self.office else {
            return; // Stale: this tenure has ended.
        };
        if audience.is_empty() {
            office.beat = None;
            office.heard.clear();
            return;
        }
        for heard in office.heard.values_mut() {
            if Some(heard.answered) != office.beat {
                heard.streak = 0;
            }
        }
        let (epoch, sent) = (office.epoch, out.now());
        office.beat = Some(sent);
        for node in audience {
            out.send(node, MembersMessage::Beat { epoch, rank, sent });
        }
        out.set_timer(MembersTimer::Beat, heartbeat);
    }

    pub(super) fn on_holds(
        &mut self,
        sender: Voter,
        (rank, epoch): (Rank, Epoch),
        sent: Moment,
        out: &mut Outbox<Self>,
    ) {
        let Voter {
            node: from,
            disk,
            is_witness,
        } = sender;
        let (now, own) = (out.now(), self.rank());
        let limit = self.config().timing().lease / 2;
        let Some(office) = &mut self.office else {
            return; // Only a leader counts answers.
        };
        let heard = office.heard.entry(from).or_insert(Heard {
            at: now,
            disk,
            is_witness,
            holds: false,
            streak: 0,
            answered: Moment::ZERO,
        });
        office.older.remove(from);
        if heard.disk != disk {
            (heard.disk, heard.streak) = (disk, 0);
        }
        (heard.at, heard.is_witness) = (now, is_witness);
        heard.holds = rank == own && epoch == office.epoch;
        if Some(sent) == office.beat && heard.answered != sent {
            let in_time = now.saturating_since(sent) <= limit;
            heard.streak = if in_time {
                heard.streak.saturating_add(1).min(STREAK)
            } else {
                0
            };
            heard.answered = sent;
        }
    }
}
