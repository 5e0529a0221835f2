use alloc::{vec, vec::Vec};
use core::ops::RangeInclusive;

use crate::ElectionAlgorithm;

/// An algorithm that comparisons and command lines offer, with its variants.
pub trait Comparable: ElectionAlgorithm {
    /// What the algorithm promises, and at what cost, in one line.
    const SUMMARY: &'static str;

    /// The configurations that are worth comparing. The first one is the default, and there is at
    /// least one. By default the only one is `Config::default()`, under the name `default`.
    #[must_use]
    fn variants() -> Vec<Variant<Self::Config>> {
        vec![Variant {
            name: "default",
            summary: Self::SUMMARY,
            config: Self::Config::default(),
        }]
    }

    /// How many messages one election takes in a cluster of `nodes` nodes, from the best case to
    /// the worst, when the leader has crashed and one node detects it. The dead leader counts as a
    /// node, and messages to it count. By default `None`: there is no closed form.
    #[must_use]
    fn expected_messages(_config: &Self::Config, _nodes: u64) -> Option<RangeInclusive<u64>> {
        None
    }
}

/// A named configuration of an algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant<C> {
    /// Its name on the command line and in tables: lower case, words joined by `-`.
    pub name: &'static str,
    /// What is special about it, in one line.
    pub summary: &'static str,
    /// The configuration.
    pub config: C,
}
