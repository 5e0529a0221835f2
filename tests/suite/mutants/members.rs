use elector_core::{ElectionAlgorithm, Input, Membership, Moment, Outbox, Quorum, View};
use elector_members::{Members, MembersConfig, MembersDurable, MembersMessage, MembersTimer, Rank};
use elector_raft::{Raft, RaftConfig, RaftDurable, RaftMessage, RaftTimer};

/// Raft whose members can change. If `BROKEN`, a leader takes the answer of one node for the
/// answers of all voters, so each of them seems to have its roster.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MembersMutant<const BROKEN: bool>(Members<Raft>);

impl<const BROKEN: bool> MembersMutant<BROKEN> {
    /// Returns the answers of all voters that would make the present roster safe to leave.
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

impl<const BROKEN: bool> ElectionAlgorithm for MembersMutant<BROKEN> {
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

    fn step(&mut self, input: Input<Self::Message, Timer>, out: &mut Outbox<Self>) {
        let sent = match &input {
            Input::Received {
                message: MembersMessage::Holds { sent, .. },
                ..
            } => Some(*sent),
            _ => None,
        };
        self.pass_on(input, out);
        if let Some(sent) = sent.filter(|_| BROKEN) {
            for answer in self.answers(sent) {
                self.pass_on(answer, out);
            }
        }
    }
}
