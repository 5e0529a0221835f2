use std::sync::atomic::Ordering;

use elector_core::{ElectionAlgorithm, Guarantee, GuaranteeKind, NodeId, Role};
use stateright::Property;

use crate::{breach::Breach, cluster::Cluster, state::State};

/// Something that is claimed of all runs, or of some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    OneLeaderPerEpoch,
    OnePledgePerEpoch,
    EpochMonotonic,
    Contract,
    LeaderElected,
    SecondEpochLed,
    AllAgree,
    TwoLeadAtOnce,
    EpochShared,
}

impl Claim {
    pub(crate) const ALL: [Self; 9] = [
        Self::OneLeaderPerEpoch,
        Self::OnePledgePerEpoch,
        Self::EpochMonotonic,
        Self::Contract,
        Self::LeaderElected,
        Self::SecondEpochLed,
        Self::AllAgree,
        Self::TwoLeadAtOnce,
        Self::EpochShared,
    ];

    /// Those that make sense for `A`: what a quorum guarantee rules out, an algorithm without one
    /// may do.
    pub(crate) fn of<A: ElectionAlgorithm>() -> impl Iterator<Item = Self> {
        let not = match A::Guarantee::KIND {
            GuaranteeKind::Quorum => Self::EpochShared,
            GuaranteeKind::BestEffort => Self::OneLeaderPerEpoch,
        };
        Self::ALL.into_iter().filter(move |&claim| claim != not)
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::OneLeaderPerEpoch => "one-leader-per-epoch",
            Self::OnePledgePerEpoch => "one-pledge-per-epoch",
            Self::EpochMonotonic => "epoch-monotonic",
            Self::Contract => "contract",
            Self::LeaderElected => "leader-elected",
            Self::SecondEpochLed => "second-epoch-led",
            Self::AllAgree => "all-agree",
            Self::TwoLeadAtOnce => "two-lead-at-once",
            Self::EpochShared => "two-leaders-in-one-epoch",
        }
    }

    /// Whether it must hold in all states; otherwise in some.
    pub(crate) const fn is_always(self) -> bool {
        match self {
            Self::OneLeaderPerEpoch
            | Self::OnePledgePerEpoch
            | Self::EpochMonotonic
            | Self::Contract => true,
            Self::LeaderElected
            | Self::SecondEpochLed
            | Self::AllAgree
            | Self::TwoLeadAtOnce
            | Self::EpochShared => false,
        }
    }

    /// Whether `state` refutes a claim about all states, or bears out one about some.
    fn is_decided_by<A: ElectionAlgorithm>(self, state: &State<A>) -> bool {
        let broken = |matches: fn(Breach) -> bool| state.breach.is_some_and(matches);
        let leaders = || state.views().filter(|view| view.role == Role::Leader);
        match self {
            Self::OneLeaderPerEpoch => broken(|it| matches!(it, Breach::TwoLeaders { .. })),
            Self::OnePledgePerEpoch => broken(|it| matches!(it, Breach::PledgedTwice { .. })),
            Self::EpochMonotonic => broken(|it| matches!(it, Breach::EpochWentBack { .. })),
            Self::Contract => broken(|it| {
                matches!(
                    it,
                    Breach::NotAPeer { .. }
                        | Breach::RoleDisagrees { .. }
                        | Breach::StrangerLeads { .. }
                        | Breach::Panicked { .. }
                )
            }),
            Self::LeaderElected => leaders().next().is_some(),
            Self::SecondEpochLed => state.history.epochs_led() > 1,
            Self::AllAgree => all_agree(state),
            Self::TwoLeadAtOnce => leaders().nth(1).is_some(),
            Self::EpochShared => state.history.has_shared_epoch(),
        }
    }

    /// The same for stateright. It keeps the last state that decides a claim, in a breadth-first
    /// search one of the longest runs; only the first is decisive here, which is a shortest.
    fn is_first_decided<A: ElectionAlgorithm>(self, on: &Cluster<A>, state: &State<A>) -> bool {
        let met = &on.met[self as usize];
        !met.load(Ordering::Relaxed)
            && self.is_decided_by(state)
            && !met.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn property<A: ElectionAlgorithm>(self) -> Property<Cluster<A>> {
        // Conditions are plain functions, so each claim needs one of its own.
        match self {
            Self::OneLeaderPerEpoch => always::<A, { Self::OneLeaderPerEpoch as usize }>(),
            Self::OnePledgePerEpoch => always::<A, { Self::OnePledgePerEpoch as usize }>(),
            Self::EpochMonotonic => always::<A, { Self::EpochMonotonic as usize }>(),
            Self::Contract => always::<A, { Self::Contract as usize }>(),
            Self::LeaderElected => sometimes::<A, { Self::LeaderElected as usize }>(),
            Self::SecondEpochLed => sometimes::<A, { Self::SecondEpochLed as usize }>(),
            Self::AllAgree => sometimes::<A, { Self::AllAgree as usize }>(),
            Self::TwoLeadAtOnce => sometimes::<A, { Self::TwoLeadAtOnce as usize }>(),
            Self::EpochShared => sometimes::<A, { Self::EpochShared as usize }>(),
        }
    }
}

fn always<A: ElectionAlgorithm, const CLAIM: usize>() -> Property<Cluster<A>> {
    Property::always(Claim::ALL[CLAIM].name(), |on, state| {
        !Claim::ALL[CLAIM].is_first_decided(on, state)
    })
}

fn sometimes<A: ElectionAlgorithm, const CLAIM: usize>() -> Property<Cluster<A>> {
    Property::sometimes(Claim::ALL[CLAIM].name(), |on, state| {
        Claim::ALL[CLAIM].is_first_decided(on, state)
    })
}

/// Whether all nodes run and hold the same node for the leader of the same epoch.
fn all_agree<A: ElectionAlgorithm>(state: &State<A>) -> bool {
    let mut views = state.views().map(|view| (view.epoch, view.leader));
    let first: Option<(_, Option<NodeId>)> = views.next();
    first.is_some_and(|first| first.1.is_some() && views.all(|view| view == first))
        && state.views().count() == state.nodes.len()
}
