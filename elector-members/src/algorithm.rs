mod adopt;
mod change;
mod command;
mod leader;
mod observer;
mod older;
mod report;

use elector_core::{
    Command, DiskId, ElectionAlgorithm, Epoch, Input, MembersReport, Membership, Moment, NodeId,
    OlderState, Outbox, RosterId, View, quorum::Reseat,
};

use crate::{
    Members, MembersConfig, MembersDurable, MembersMessage, MembersTimer, Voter,
    state::{Office, Seat},
};

impl<A: Reseat> ElectionAlgorithm for Members<A> {
    const NAME: &'static str = A::NAME;
    const CHANGES_MEMBERS: bool = true;

    type Guarantee = A::Guarantee;
    type Config = MembersConfig<A::Config>;
    type Message = MembersMessage<A::Message>;
    type Timer = MembersTimer<A::Timer>;
    type Durable = MembersDurable<A::Durable>;

    fn restore(config: &Self::Config, members: Membership, durable: Self::Durable) -> Self {
        Self::new(config, &members, durable)
    }

    fn durable(&self) -> &Self::Durable {
        &self.durable
    }

    fn view(&self) -> View {
        self.current_view()
    }

    /// After a change of the members, the majority of the earlier roster that acknowledged a round
    /// of heartbeats still owes the leader silence: it supports no other node. So a lease that the
    /// leader earned under the earlier roster holds to its deadline.
    fn lease(&self) -> Option<Moment> {
        let office = self.office.as_ref()?;
        let present = self.seat.as_ref()?.algorithm.lease();
        present.max(office.earned)
    }

    fn has_lease(config: &Self::Config) -> bool {
        A::has_lease(&config.algorithm)
    }

    fn votes(&self) -> bool {
        self.seat.is_some()
    }

    fn raised(durable: &Self::Durable, floor: Epoch) -> Option<Self::Durable> {
        older::raised::<A>(durable, floor)
    }

    fn from_older(older: impl OlderState) -> Option<Self::Durable> {
        older::from_fixed::<A>(older)
    }

    fn recovered(
        durable: &Self::Durable,
        me: NodeId,
        disk: DiskId,
        floor: Epoch,
    ) -> Option<Self::Durable> {
        older::recovered::<A>(durable, me, disk, floor)
    }

    fn roster_id(&self) -> Option<RosterId> {
        Some(self.durable.roster.id())
    }

    fn members_report(&self, now: Moment) -> Option<MembersReport> {
        Some(self.report(now))
    }

    fn check(&self) -> Result<(), &'static str> {
        let view = self.current_view();
        if view.leads() != self.office.is_some() {
            return Err("M1: a node has the state of a leader exactly while it leads");
        }
        if self.seat.is_some() && self.durable.roster.term > view.epoch {
            return Err("M2: the epoch of a voter is not below the term of its roster");
        }
        self.seat
            .as_ref()
            .map_or(Ok(()), |seat| seat.algorithm.check())
    }

    fn step(&mut self, input: Input<Self::Message, Self::Timer>, out: &mut Outbox<Self>) {
        match input {
            Input::Started => self.on_started(out),
            Input::Received { from, message } => self.on_message(from, message, out),
            Input::Elapsed(MembersTimer::Inner(timer)) => {
                self.pass_on(Input::Elapsed(timer), out);
            }
            Input::Elapsed(MembersTimer::Beat) => self.send_beats(out),
            Input::Elapsed(MembersTimer::Seek) => self.seek(out),
            Input::Suspected(peer) => self.pass_on_report(peer, Input::Suspected(peer), out),
            Input::Silent(peer) => self.pass_on_report(peer, Input::Silent(peer), out),
            Input::Died(peer) => self.pass_on_report(peer, Input::Died(peer), out),
            Input::Returned(peer) => {
                self.pass_on_report(peer, Input::Returned(peer), out);
                self.on_reachable(peer, out);
            }
            Input::Commanded(Command::ChangeMembers(change)) => {
                if let Err(refusal) = self.on_change(&change, out) {
                    out.refuse(refusal);
                }
            }
            Input::Commanded(command) => self.on_command(command, out),
        }
        self.report_witness(out);
        self.advance(out);
    }
}

impl<A: Reseat> Members<A> {
    fn on_started(&mut self, out: &mut Outbox<Self>) {
        if self.seat.is_none() {
            return self.seek(out);
        }
        self.pass_on(Input::Started, out);
        self.reseat(out);
    }

    /// Handles the report of the host (the program that runs the algorithm) that this node can
    /// reach `peer`, for the first time or again. An observer (a node that does not vote) without a
    /// leader asks the peer for its roster.
    fn on_reachable(&mut self, peer: NodeId, out: &mut Outbox<Self>) {
        self.meet(peer);
        if self.seat.is_none() && self.leader.is_none() {
            self.send_holds(peer, Moment::ZERO, out);
        }
    }

    fn meet(&mut self, peer: NodeId) {
        if peer != self.me {
            self.contacts.insert(peer);
        }
    }

    fn on_message(
        &mut self,
        from: NodeId,
        message: MembersMessage<A::Message>,
        out: &mut Outbox<Self>,
    ) {
        self.meet(from);
        match message {
            MembersMessage::Inner { roster, message } => {
                if !self.has_roster(from, roster) {
                    // If the roster of this node is older, the sender answers with its own roster.
                    return self.answer_other_roster(from, out);
                }
                self.pass_on_report(from, Input::Received { from, message }, out);
            }
            MembersMessage::Roster(roster) => self.on_roster(from, roster, out),
            MembersMessage::Beat { epoch, sent, .. } => self.on_beat(from, epoch, sent, out),
            MembersMessage::Holds {
                rank,
                epoch,
                disk,
                is_witness,
                sent,
            } => {
                if rank != self.rank() {
                    self.answer_other_roster(from, out);
                }
                let sender = Voter {
                    node: from,
                    disk,
                    is_witness,
                };
                self.on_holds(sender, (rank, epoch), sent, out);
            }
        }
    }

    /// Returns `true` if the sender of a message has the roster of this node. A node of an earlier
    /// release does not know rosters. It counts as a node with the first roster, which has version
    /// 1.
    fn has_roster(&mut self, from: NodeId, roster: RosterId) -> bool {
        let own = &self.durable.roster;
        if roster != RosterId::EARLIER_RELEASE {
            return roster == own.id();
        }
        if let Some(office) = &mut self.office {
            office.older.insert(from);
        }
        own.version == 1
    }

    fn answer_other_roster(&self, from: NodeId, out: &mut Outbox<Self>) {
        if self.durable.roster.version > 0 {
            self.send_roster(from, out);
        } else {
            self.send_holds(from, Moment::ZERO, out);
        }
    }

    /// Passes an input that comes from a peer, or is about a peer, to the election algorithm, if
    /// the peer is a voter.
    fn pass_on_report(
        &mut self,
        peer: NodeId,
        input: Input<A::Message, A::Timer>,
        out: &mut Outbox<Self>,
    ) {
        let seat = self.seat.as_ref();
        if seat.is_some_and(|seat| seat.members.has_peer(peer)) {
            self.pass_on(input, out);
        }
    }

    fn pass_on(&mut self, input: Input<A::Message, A::Timer>, out: &mut Outbox<Self>) {
        self.act(out, |algorithm, out| algorithm.step(input, out));
    }

    /// Runs a step of the election algorithm, if this node is a voter.
    fn act(&mut self, out: &mut Outbox<Self>, step: impl FnOnce(&mut A, &mut Outbox<A>)) {
        let Some(Seat { algorithm, members }) = &mut self.seat else {
            return; // Stale: an observer takes part in no election.
        };
        let roster = self.durable.roster.id();
        out.scoped_to(
            members.clone(),
            |message| MembersMessage::Inner { roster, message },
            MembersTimer::Inner,
            |out| step(algorithm, out),
        );
        if self.durable.algorithm != *algorithm.durable() {
            self.durable.algorithm.clone_from(algorithm.durable());
        }
        let view = algorithm.view();
        if !view.leads() {
            self.leave_office(out);
        } else if self
            .office
            .as_ref()
            .is_none_or(|office| office.epoch < view.epoch)
        {
            self.office = Some(Office::new(view.epoch));
        }
    }
}
