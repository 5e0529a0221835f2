use std::{fmt::Debug, hash::Hash, marker::PhantomData};

use elector_core::{ElectionAlgorithm, Input, Membership, Moment, Outbox, Quorum, View};
use elector_members::{Members, MembersConfig, MembersDurable, MembersMessage, MembersTimer, Rank};
use elector_raft::{Raft, RaftConfig, RaftDurable, RaftMessage, RaftTimer};

/// A fault of [`MembersMutant`].
pub(crate) trait MembersFault:
    Clone + Debug + Eq + Hash + Send + Sync + Unpin + 'static
{
    const KIND: FaultKind;
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// There is no fault.
    Sound,
    /// A leader takes the answer of one node for the answers of all voters, so all voters seem to
    /// have the roster (the list of voters) of the leader.
    OneAnswer,
    /// A leader also counts voters that are in another epoch than the leader, against rule Q2: a
    /// leader changes the roster only if a majority is in its epoch (see `docs/checked.md`).
    AnyEpoch,
}

/// Raft whose members can change, with a fault.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MembersMutant<F>(Members<Raft>, PhantomData<F>);

macro_rules! faults {
    ($($name:ident),*) => {$(
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub(crate) struct $name;

        impl MembersFault for $name {
            const KIND: FaultKind = FaultKind::$name;
        }
    )*};
}

faults!(Sound, OneAnswer, AnyEpoch);

impl<F: MembersFault> MembersMutant<F> {
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

impl<F: MembersFault> ElectionAlgorithm for MembersMutant<F> {
    const NAME: &'static str = "members-mutant";
    const CHANGES_MEMBERS: bool = true;
    type Guarantee = Quorum;
    type Config = MembersConfig<RaftConfig>;
    type Message = MembersMessage<RaftMessage>;
    type Timer = Timer;
    type Durable = MembersDurable<RaftDurable>;

    fn restore(config: &Self::Config, members: Membership, durable: Self::Durable) -> Self {
        Self(Members::restore(config, members, durable), PhantomData)
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
            if F::KIND == FaultKind::AnyEpoch {
                *epoch = self.0.view().epoch;
            }
        }
        self.pass_on(input, out);
        if let Some(sent) = answered.filter(|_| F::KIND == FaultKind::OneAnswer) {
            for answer in self.answers(sent) {
                self.pass_on(answer, out);
            }
        }
    }
}
