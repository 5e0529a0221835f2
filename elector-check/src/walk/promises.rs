use std::{fmt, sync::Arc};

use elector_core::{ElectionAlgorithm, Epoch, Guarantee, GuaranteeKind, NodeId, Pledge, View};

use crate::{breach::Breach, claim::Claim, history::History};

/// A promise that did not hold in a walk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which. Those that the simulator checks too have the same names there.
    pub promise: &'static str,
    /// What was seen.
    pub detail: String,
}

impl Broken {
    /// The name of the promise that a leader is there some time after all faults have ended.
    pub(crate) const AGREEMENT: &'static str = "agreement";

    pub(crate) fn storm(events: usize) -> Self {
        Self {
            promise: "no-storm",
            detail: format!("{events} events, and there is no end"),
        }
    }

    pub(crate) fn no_leader(after: std::time::Duration) -> Self {
        let seconds = after.as_secs_f64();
        Self {
            promise: Self::AGREEMENT,
            detail: format!("{seconds:.1} s after all faults ended the nodes do not agree"),
        }
    }
}

impl From<Breach> for Broken {
    fn from(breach: Breach) -> Self {
        Self {
            promise: Claim::broken_by(breach).name(),
            detail: breach.to_string(),
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.promise, self.detail)
    }
}

/// What is held against all that is seen in one walk.
#[derive(Clone)]
pub(crate) struct Promises {
    /// Shared by copies of a world until one of them has news.
    history: Arc<History>,
    quorum: bool,
}

impl Promises {
    pub(crate) fn of<A: ElectionAlgorithm>() -> Self {
        Self {
            history: Arc::default(),
            quorum: A::Guarantee::KIND == GuaranteeKind::Quorum,
        }
    }

    /// `node` showed `view`, after it had shown the epoch `shown`.
    pub(crate) fn viewed(&mut self, node: NodeId, view: View, shown: Epoch) -> Option<Broken> {
        if view.epoch < shown {
            let (from, to) = (shown, view.epoch);
            return Some(Breach::EpochWentBack { node, from, to }.into());
        }
        let history = Arc::make_mut(&mut self.history);
        let twice = history.leads(node, view.epoch, view.leads());
        let shared = history.viewed(view);
        let broken = shared.or(twice).filter(|_| self.quorum);
        broken.map(Broken::from)
    }

    pub(crate) fn crashed(&mut self, node: NodeId) {
        Arc::make_mut(&mut self.history).leads(node, Epoch::ZERO, false);
    }

    pub(crate) fn pledged(&mut self, node: NodeId, pledge: Pledge) -> Option<Broken> {
        let history = Arc::make_mut(&mut self.history);
        history.pledged(node, pledge).map(Broken::from)
    }

    pub(crate) fn two_leases(&self, (first, second): (NodeId, NodeId)) -> Option<Broken> {
        let breach = Breach::TwoLeases { first, second };
        self.quorum.then(|| breach.into())
    }
}
