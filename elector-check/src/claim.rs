use elector_core::{ElectionAlgorithm, Guarantee, GuaranteeKind, NodeId, View};

use crate::{breach::Breach, cluster::Cluster, state::State};

/// Something that is claimed of all runs, or of some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    OneLeaderPerEpoch,
    OnePledgePerEpoch,
    OneValuePerBallot,
    NoTenureTwice,
    ExclusiveLease,
    EpochMonotonic,
    Contract,
    LeaderElected,
    LeaseHeld,
    SecondEpochLed,
    AllAgree,
    TwoLeadAtOnce,
    EpochShared,
}

impl Claim {
    const ALL: [Self; 13] = [
        Self::OneLeaderPerEpoch,
        Self::OnePledgePerEpoch,
        Self::OneValuePerBallot,
        Self::NoTenureTwice,
        Self::ExclusiveLease,
        Self::EpochMonotonic,
        Self::Contract,
        Self::LeaderElected,
        Self::LeaseHeld,
        Self::SecondEpochLed,
        Self::AllAgree,
        Self::TwoLeadAtOnce,
        Self::EpochShared,
    ];

    /// Those that make sense for a search of `A`: what a quorum guarantee rules out, an algorithm
    /// without one may do, and there are leases only where there is time.
    pub(crate) fn of<A: ElectionAlgorithm>(has_time: bool) -> impl Iterator<Item = Self> {
        let is_quorum = A::Guarantee::KIND == GuaranteeKind::Quorum;
        Self::ALL.into_iter().filter(move |claim| match claim {
            Self::OneLeaderPerEpoch | Self::NoTenureTwice => is_quorum,
            Self::ExclusiveLease | Self::LeaseHeld => is_quorum && has_time,
            Self::EpochShared => !is_quorum,
            _ => true,
        })
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::OneLeaderPerEpoch => "one-leader-per-epoch",
            Self::OnePledgePerEpoch => "one-pledge-per-epoch",
            Self::OneValuePerBallot => "one-value-per-ballot",
            Self::NoTenureTwice => "no-tenure-twice",
            Self::ExclusiveLease => "exclusive-lease",
            Self::EpochMonotonic => "epoch-monotonic",
            Self::Contract => "contract",
            Self::LeaderElected => "leader-elected",
            Self::LeaseHeld => "lease-held",
            Self::SecondEpochLed => "second-epoch-led",
            Self::AllAgree => "all-agree",
            Self::TwoLeadAtOnce => "two-lead-at-once",
            Self::EpochShared => "two-leaders-in-one-epoch",
        }
    }

    /// What a breach refutes.
    pub(crate) const fn broken_by(breach: Breach) -> Self {
        match breach {
            Breach::TwoLeaders { .. } => Self::OneLeaderPerEpoch,
            Breach::PledgedTwice { .. } => Self::OnePledgePerEpoch,
            Breach::TwoValues { .. } => Self::OneValuePerBallot,
            Breach::LedTwice { .. } => Self::NoTenureTwice,
            Breach::TwoLeases { .. } => Self::ExclusiveLease,
            Breach::EpochWentBack { .. } => Self::EpochMonotonic,
            Breach::Contract { .. } | Breach::Panicked { .. } => Self::Contract,
        }
    }

    /// Whether it must hold in all states; otherwise in some.
    pub(crate) const fn is_always(self) -> bool {
        match self {
            Self::OneLeaderPerEpoch
            | Self::OnePledgePerEpoch
            | Self::OneValuePerBallot
            | Self::NoTenureTwice
            | Self::ExclusiveLease
            | Self::EpochMonotonic
            | Self::Contract => true,
            Self::LeaderElected
            | Self::LeaseHeld
            | Self::SecondEpochLed
            | Self::AllAgree
            | Self::TwoLeadAtOnce
            | Self::EpochShared => false,
        }
    }

    /// Whether `state` is an example of a claim about some states.
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
            _ => false,
        }
    }
}

/// Whether all nodes run and hold the same node for the leader of the same epoch.
fn all_agree<A: ElectionAlgorithm>(on: &Cluster<A>, state: &State) -> bool {
    let mut views = on.views(state).map(|view| (view.epoch, view.leader));
    let first: Option<(_, Option<NodeId>)> = views.next();
    first.is_some_and(|first| first.1.is_some() && views.all(|view| view == first))
        && on.views(state).count() == state.nodes.len()
}
