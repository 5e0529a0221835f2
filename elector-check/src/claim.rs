use elector_core::{
    ElectionAlgorithm, Guarantee, GuaranteeKind, NodeId, View, invariants::Invariant,
};

use crate::{Time, cluster::Cluster, state::State};

/// Something that is claimed of the states of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// All states keep this promise.
    Kept(Invariant),
    /// Some state is an example of this.
    Reached(Goal),
}

/// What happens in some runs: without it, a clean report says little.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    LeaderElected,
    LeaseHeld,
    SecondEpochLed,
    AllAgree,
    TwoLeadAtOnce,
    EpochShared,
}

impl Claim {
    /// A step of a search is atomic, so that nothing is sent before it is durable.
    const ALL: [Self; 13] = [
        Self::Kept(Invariant::OneLeaderPerEpoch),
        Self::Kept(Invariant::OnePledgePerEpoch),
        Self::Kept(Invariant::OneValuePerBallot),
        Self::Kept(Invariant::NoTenureTwice),
        Self::Kept(Invariant::ExclusiveLease),
        Self::Kept(Invariant::EpochMonotonic),
        Self::Kept(Invariant::Contract),
        Self::Reached(Goal::LeaderElected),
        Self::Reached(Goal::LeaseHeld),
        Self::Reached(Goal::SecondEpochLed),
        Self::Reached(Goal::AllAgree),
        Self::Reached(Goal::TwoLeadAtOnce),
        Self::Reached(Goal::EpochShared),
    ];

    /// Those that make sense for a search of `A`: what a quorum guarantee rules out, an algorithm
    /// without one may do, and there are leases only where there is time.
    pub(crate) fn of<A: ElectionAlgorithm>(time: Option<Time>) -> impl Iterator<Item = Self> {
        let kind = A::Guarantee::KIND;
        Self::ALL.into_iter().filter(move |claim| match claim {
            Self::Kept(Invariant::ExclusiveLease) if time.is_none() => false,
            Self::Kept(promise) => promise.binds(kind),
            Self::Reached(Goal::LeaseHeld) => kind == GuaranteeKind::Quorum && time.is_some(),
            Self::Reached(Goal::EpochShared) => kind == GuaranteeKind::BestEffort,
            Self::Reached(_) => true,
        })
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Kept(promise) => promise.name(),
            Self::Reached(Goal::LeaderElected) => "leader-elected",
            Self::Reached(Goal::LeaseHeld) => "lease-held",
            Self::Reached(Goal::SecondEpochLed) => "second-epoch-led",
            Self::Reached(Goal::AllAgree) => "all-agree",
            Self::Reached(Goal::TwoLeadAtOnce) => "two-lead-at-once",
            Self::Reached(Goal::EpochShared) => "two-leaders-in-one-epoch",
        }
    }
}

impl Goal {
    /// Returns `true` if `state` is an example.
    pub(crate) fn is_shown_by<A: ElectionAlgorithm>(self, on: &Cluster<A>, state: &State) -> bool {
        let leaders = || on.views(state).filter(View::leads);
        let history = || on.histories.get(state.history);
        match self {
            Self::LeaderElected => leaders().next().is_some(),
            Self::LeaseHeld => on.holders(state).next().is_some(),
            Self::SecondEpochLed => history().epochs_led() > 1,
            Self::AllAgree => all_agree(on, state),
            Self::TwoLeadAtOnce => leaders().nth(1).is_some(),
            Self::EpochShared => history().has_shared_epoch(),
        }
    }
}

/// Returns `true` if all nodes run and know the same leader of the same epoch.
fn all_agree<A: ElectionAlgorithm>(on: &Cluster<A>, state: &State) -> bool {
    let mut views = on.views(state).map(|view| (view.epoch, view.leader));
    let first: Option<(_, Option<NodeId>)> = views.next();
    first.is_some_and(|first| first.1.is_some() && views.all(|view| view == first))
        && on.views(state).count() == state.nodes.len()
}
