use elector_core::{
    ElectionAlgorithm, Guarantee, GuaranteeKind, NodeId, View, invariants::Invariant,
};

use crate::{Time, cluster::Cluster, state::State};

/// A claim about the states of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The claim that this invariant holds in all states.
    Always(Invariant),
    /// The claim that this goal is met in some state.
    Sometimes(Goal),
}

/// A situation that must be possible. If no run of a search reaches this situation, a report
/// without violations means little.
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
    /// All claims. The list does not contain the invariants that a search cannot violate or does
    /// not check. One example is `durable-before-sent`: a step of a search is atomic, so no message
    /// is sent before the state behind it is durable.
    const ALL: [Self; 13] = [
        Self::Always(Invariant::OneLeaderPerEpoch),
        Self::Always(Invariant::OnePledgePerEpoch),
        Self::Always(Invariant::OneValuePerBallot),
        Self::Always(Invariant::NoTenureTwice),
        Self::Always(Invariant::ExclusiveLease),
        Self::Always(Invariant::EpochMonotonic),
        Self::Always(Invariant::Contract),
        Self::Sometimes(Goal::LeaderElected),
        Self::Sometimes(Goal::LeaseHeld),
        Self::Sometimes(Goal::SecondEpochLed),
        Self::Sometimes(Goal::AllAgree),
        Self::Sometimes(Goal::TwoLeadAtOnce),
        Self::Sometimes(Goal::EpochShared),
    ];

    /// Returns the claims that apply to a search of `A`. An invariant of the quorum guarantee
    /// applies only to an algorithm with this guarantee, and `EpochShared` only to an algorithm
    /// without it. Claims about leases apply only to a search with time.
    pub(crate) fn of<A: ElectionAlgorithm>(time: Option<Time>) -> impl Iterator<Item = Self> {
        let kind = A::Guarantee::KIND;
        Self::ALL.into_iter().filter(move |claim| match claim {
            Self::Always(Invariant::ExclusiveLease) if time.is_none() => false,
            Self::Always(invariant) => invariant.binds(kind),
            Self::Sometimes(Goal::LeaseHeld) => kind == GuaranteeKind::Quorum && time.is_some(),
            Self::Sometimes(Goal::EpochShared) => kind == GuaranteeKind::BestEffort,
            Self::Sometimes(_) => true,
        })
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Always(invariant) => invariant.name(),
            Self::Sometimes(Goal::LeaderElected) => "leader-elected",
            Self::Sometimes(Goal::LeaseHeld) => "lease-held",
            Self::Sometimes(Goal::SecondEpochLed) => "second-epoch-led",
            Self::Sometimes(Goal::AllAgree) => "all-agree",
            Self::Sometimes(Goal::TwoLeadAtOnce) => "two-lead-at-once",
            Self::Sometimes(Goal::EpochShared) => "two-leaders-in-one-epoch",
        }
    }
}

impl Goal {
    /// Returns `true` if this goal is met in `state`.
    pub(crate) fn is_met<A: ElectionAlgorithm>(self, cluster: &Cluster<A>, state: &State) -> bool {
        let leaders = || cluster.views(state).filter(View::leads);
        let history = || cluster.histories.get(state.history);
        match self {
            Self::LeaderElected => leaders().next().is_some(),
            Self::LeaseHeld => cluster.holders(state).next().is_some(),
            Self::SecondEpochLed => history().epochs_led() > 1,
            Self::AllAgree => all_agree(cluster, state),
            Self::TwoLeadAtOnce => leaders().nth(1).is_some(),
            Self::EpochShared => history().has_shared_epoch(),
        }
    }
}

/// Returns `true` if all nodes run and know the same leader of the same epoch.
fn all_agree<A: ElectionAlgorithm>(cluster: &Cluster<A>, state: &State) -> bool {
    let mut views = cluster.views(state).map(|view| (view.epoch, view.leader));
    let first: Option<(_, Option<NodeId>)> = views.next();
    first.is_some_and(|first| first.1.is_some() && views.all(|view| view == first))
        && cluster.views(state).count() == state.nodes.len()
}
