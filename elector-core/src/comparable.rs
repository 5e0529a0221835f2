use alloc::{vec, vec::Vec};
use core::ops::RangeInclusive;

use crate::ElectionAlgorithm;

/// An algorithm that users can compare with others and select on a command line. It has one or more
/// variants, which are named configurations.
pub trait Comparable: ElectionAlgorithm {
    /// What the algorithm guarantees, and at what cost: one line of text.
    const SUMMARY: &'static str;

    /// Returns the configurations that are worth comparing. There is at least one, and the first
    /// one is the default. By default there is only `Config::default()`, under the name `default`.
    #[must_use]
    fn variants() -> Vec<Variant<Self::Config>> {
        vec![Variant {
            name: "default",
            summary: Self::SUMMARY,
            config: Self::Config::default(),
        }]
    }

    /// Returns how many messages one election takes in a cluster of `nodes` nodes, from the best
    /// case to the worst. In this election the leader has crashed and one node detects it. `nodes`
    /// includes the crashed leader, and messages to it count. The default is `None`: there is no
    /// formula for the number.
    #[must_use]
    fn expected_messages(_config: &Self::Config, _nodes: u64) -> Option<RangeInclusive<u64>> {
        None
    }
}

/// A named configuration of an algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant<C> {
    /// The name on the command line and in tables: lower case, words joined by `-`.
    pub name: &'static str,
    /// The special feature of this variant, in one line.
    pub summary: &'static str,
    /// The configuration of the algorithm in this variant.
    pub config: C,
}
