use elector_core::{ElectionAlgorithm, Input, Membership, Moment, Outbox, Quorum, View};
use elector_members::{Members, MembersConfig, MembersDurable, MembersMessage, MembersTimer, Rank};
use elector_raft::{Raft, RaftConfig, RaftDurable, RaftMessage, RaftTimer};

/// Raft whose members can change, with one of the faults below, which `FAULT` names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MembersMutant<const FAULT: u8>(Members<Raft>);

/// There is no fault.
pub(crate) const SOUND: u8 = 0;
/// A leader takes the answer of one node for the answers of all voters, so all voters seem to have
/// the roster (the list of voters) of the leader.
pub(crate) const ONE_ANSWER: u8 = 1;
/// A leader also counts voters that are in another epoch than the leader, against rule Q2: a leader
/// changes the roster only if a majority is in its epoch (see `docs/checked.md`).
pub(crate) const ANY_EPOCH: u8 = 2;

impl<const FAULT: u8> MembersMutant<FAULT> {
    /// Returns the answers with which all voters would confirm that they have the present roster
    /// (the list of voters). With these answers, the leader may make the next roster.
    fn answers(&self, sent: Moment) -> Vec<Input<MembersMessage<RaftMessage>, Timer>> {
        let (roster, epoch) = (self.0.roster(), self.0.view().epoch);
        let rank = Rank {
            term: epoch,
            version: roster.version,
        };
        let answers = roster.voters.iter().map(|voter| Input::Received {
            from: voter.node,
            message: MembersMessage::Holds {
                rank,
                epoch,
                disk: voter.disk,
                is_witness: voter.is_witness,
                sent,
            },
        });
        answers.collect()
    }

    fn pass_on(
        &mut self,
        input: Input<MembersMessage<RaftMessage>, Timer>,
        out: &mut Outbox<Self>,
    ) {
        out.scoped(
            |message| message,
            |timer| timer,
            |out| self.0.step(input, out),
        );
    }
}

type Timer = MembersTimer<RaftTimer>;

impl<const FAULT: u8> ElectionAlgorithm for MembersMutant<FAULT> {
    const NAME: &'static str = "members-mutant";
    const CHANGES_MEMBERS: bool = true;
    type Guarantee = Quorum;
    type Config = MembersConfig<RaftConfig>;
    type Message = MembersMessage<RaftMessage>;
    type Timer = Timer;
    type Durable = MembersDurable<RaftDurable>;

    fn restore(config: &Self::Config, members: Membership, durable: Self::Durable) -> Self {
        Self(Members::restore(config, members, durable))
    }

    fn durable(&self) -> &Self::Durable {
        self.0.durable()
    }

    fn view(&self) -> View {
        self.0.view()
    }

    fn lease(&self) -> Option<Moment> {
        self.0.lease()
    }

    fn has_lease(config: &Self::Config) -> bool {
        Members::<Raft>::has_lease(config)
    }

    fn votes(&self) -> bool {
        self.0.votes()
    }

    fn step(&mut self, mut input: Input<Self::Message, Timer>, out: &mut Outbox<Self>) {
        let mut answered = None;
        if let Input::Received {
            message: MembersMessage::Holds { sent, epoch, .. },
            ..
        } = &mut input
        {
            answered = Some(*sent);
            if FAULT == ANY_EPOCH {
                *epoch = self.0.view().epoch;
            }
        }
        self.pass_on(input, out);
        if let Some(sent) = answered.filter(|_| FAULT == ONE_ANSWER) {
            for answer in self.answers(sent) {
                self.pass_on(answer, out);
            }
        }
    }
}
