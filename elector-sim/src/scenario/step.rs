use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Action;

/// One step of a scenario: an action, and when and how often it is done.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The time from the previous step until this step begins.
    pub after: Duration,
    /// How often the action is done in total.
    pub times: Repeat,
    /// The time between two repetitions.
    pub every: Duration,
    /// What the step does.
    pub action: Action,
}

/// How often a step is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a number, or \"minority\" for ⌊(n−1)/2⌋ times")]
pub enum Repeat {
    /// This number of times.
    Times(u64),
    /// A number that depends on the size of the cluster.
    Named(Spare),
}

/// A number of repetitions that depends on the size of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Spare {
    /// ⌊(n−1)/2⌋ in a cluster of n nodes: as many nodes as may fail while a majority stays.
    Minority,
}

impl Repeat {
    /// Returns how often the step is done in a cluster of this size.
    #[must_use]
    pub fn count(self, nodes: usize) -> u64 {
        match self {
            Self::Times(times) => times,
            Self::Named(Spare::Minority) => (nodes as u64).saturating_sub(1) / 2,
        }
    }
}

impl Step {
    /// Creates a step that does this action once, without waiting.
    #[must_use]
    pub fn once(action: Action) -> Self {
        Self {
            after: Duration::ZERO,
            times: Repeat::Times(1),
            every: Duration::ZERO,
            action,
        }
    }
}
