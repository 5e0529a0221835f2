//! How a node adopts a roster that another node has sent.

use elector_core::{Input, Moment, NodeId, Outbox, quorum::Reseat};

use crate::{Members, Roster, state::Seat};

impl<A: Reseat> Members<A> {
    pub(super) fn on_roster(&mut self, from: NodeId, roster: Roster, out: &mut Outbox<Self>) {
        if roster.version == 0 || !roster.is_valid() || roster.rank() == self.rank() {
            return; // Invalid, or this node has the same roster.
        }
        if roster.rank() < self.rank() {
            return self.answer_other_roster(from, out);
        }
        // Only this node makes rosters of the epoch that it leads. So a roster of this epoch that
        // another node makes is false.
        let office = self.office.as_ref();
        if office.is_some_and(|office| roster.term <= office.epoch) {
            return; // Invalid.
        }
        self.adopt(roster, out);
        self.send_holds(from, Moment::ZERO, out);
    }

    /// Replaces the roster of this node, which does not lead the term of the new roster. If this
    /// node leads an older epoch, its tenure ends.
    fn adopt(&mut self, roster: Roster, out: &mut Outbox<Self>) {
        let view = self.current_view();
        self.durable.roster = roster;
        let members = self.membership();
        match (members, self.seat.is_some()) {
            (Some(_), true) => self.reseat(out),
            (Some(_), false) => self.take_seat(out),
            (None, _) => {
                self.seat = None;
                self.leave_office(out);
                // If an operator recovers the cluster from this node (`elector recover`), the new
                // epoch must be above the epoch of this node's view and above the term of this
                // node's roster. So `seen` keeps the higher of the two.
                let seen = view.epoch.max(self.durable.roster.term);
                let leader = view.leader.filter(|&leader| leader != self.me());
                self.leader = leader.filter(|_| seen == view.epoch);
                self.durable.seen = self.durable.seen.max(seen);
                match self.leader {
                    Some(_) => self.wait_for_beat(out),
                    None => self.seek(out), // The leader may not know this node.
                }
            }
        }
    }

    fn membership(&self) -> Option<elector_core::Membership> {
        let disk = self.config().disk;
        self.durable.roster.membership(self.me(), disk)
    }

    /// Becomes a voter. The votes in the durable state from an earlier time as a voter still bind
    /// this node.
    fn take_seat(&mut self, out: &mut Outbox<Self>) {
        let Some(members) = self.membership() else {
            return; // Not a voter.
        };
        let durable = self.durable.algorithm.clone();
        let algorithm = A::restore(&self.config().algorithm, members.clone(), durable);
        self.seat = Some(Seat { algorithm, members });
        self.leader = None;
        out.cancel_timer(crate::MembersTimer::Seek);
        self.act(out, |algorithm, out| algorithm.step(Input::Started, out));
        self.reseat(out);
    }

    /// Passes the voters of the present roster to the algorithm. All elections up to the term of
    /// the roster are closed: the voters of this roster do not know what the voters of an earlier
    /// roster have chosen in these elections.
    pub(super) fn reseat(&mut self, out: &mut Outbox<Self>) {
        let Some(members) = self.membership() else {
            return; // Not a voter.
        };
        if let Some(seat) = &mut self.seat {
            seat.members = members.clone();
        }
        let closed = self.durable.roster.term.max(self.durable.seen);
        self.act(out, |algorithm, out| algorithm.reseat(members, closed, out));
    }
}
