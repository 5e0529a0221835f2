use alloc::{vec, vec::Vec};
use core::ops::RangeInclusive;

use elector_core::{
    Comparable, Configuration, Membership, NodeId, NodeSet, Timing, TimingError, Variant,
};
use serde::{Deserialize, Serialize};

use crate::Ring;

/// The three ring elections.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum RingVariant {
    /// A token collects the ids of all live nodes. Its origin, which is the node that created it,
    /// selects the highest id and sends a COORDINATOR token round the ring (Silberschatz, Galvin
    /// and Gagne; Tanenbaum).
    #[default]
    Collect,
    /// A token carries the id of its origin (the node that created it), and only nodes with lower
    /// ids forward it. The origin is elected when its token comes back (Chang and Roberts 1979).
    ChangRoberts,
    /// Probes go in both directions, over distances that double. The candidate needs replies to
    /// both probes of a distance before it sends probes over the next distance (Hirschberg and
    /// Sinclair 1980).
    HirschbergSinclair,
}

/// Timing and options of the ring election.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RingConfig {
    /// The durations that all algorithms share. `round_trip` is the timeout of one hop. The timeout
    /// of a lap, which is the way of a token round the ring, is `round_trip` times the number of
    /// nodes.
    pub timing: Timing,
    /// The kind of election that the nodes hold. It must be the same on all nodes: a node drops the
    /// tokens of other variants.
    pub variant: RingVariant,
    /// The order in which tokens visit the nodes. It must be the same on all nodes. An empty list
    /// is the ascending order of ids. Default: empty.
    pub ring: Vec<NodeId>,
}

impl Configuration for RingConfig {
    fn timing(&self) -> &Timing {
        &self.timing
    }

    fn timing_mut(&mut self) -> &mut Timing {
        &mut self.timing
    }

    fn validate(&self, members: &Membership) -> Result<(), TimingError> {
        self.timing.validate()?;
        if self.ring.is_empty() || self.orders(members) {
            return Ok(());
        }
        Err(TimingError::Option(
            "ring must list every node of the cluster exactly once, or be empty",
        ))
    }
}

impl Comparable for Ring {
    const SUMMARY: &'static str = "The highest live node leads, with 2m to 8m(1+log2 m) messages \
        and a delay that grows with the ring; pauses, loss and partitions give several leaders \
        until they can communicate again";

    fn variants() -> Vec<Variant<RingConfig>> {
        let variant = |name, variant, summary| Variant {
            name,
            summary,
            config: RingConfig {
                variant,
                ..RingConfig::default()
            },
        };
        vec![
            variant(
                "collect",
                RingVariant::Collect,
                "two laps, 2m messages: the fewest, but the token grows with the ring",
            ),
            variant(
                "chang-roberts",
                RingVariant::ChangRoberts,
                "small tokens, at most 3m-1 messages if one node starts, m(m+3)/2 if all start",
            ),
            variant(
                "hirschberg-sinclair",
                RingVariant::HirschbergSinclair,
                "both directions, doubling distances: 8m(1+log2 m) messages at most",
            ),
        ]
    }

    /// Returns the number of messages of one election, from best to worst. The leader, one of
    /// `nodes` members, has died, and one node detects it. The count includes tokens only, without
    /// hop acknowledgements and without hops to a dead node.
    ///
    /// With m = `nodes` - 1: Collect 2m. Chang–Roberts from 2m (the node that detects the death
    /// wins) to 3m-1 (the node that detects the death is the next node after the winner).
    /// Hirschberg–Sinclair from the winner's own probes, their replies and the COORDINATOR lap, to
    /// the paper's bound 8m(1+⌈log₂ m⌉).
    fn expected_messages(config: &RingConfig, nodes: u64) -> Option<RangeInclusive<u64>> {
        let m = nodes.saturating_sub(1);
        if m <= 1 {
            // The last live node needs no message.
            return Some(0..=0);
        }
        let twice = m.saturating_mul(2);
        let thrice = twice.saturating_add(m);
        Some(match config.variant {
            RingVariant::Collect => twice..=twice,
            RingVariant::ChangRoberts => twice..=twice.saturating_add(m - 1),
            RingVariant::HirschbergSinclair => {
                // The hops of ⌈log₂ m⌉ levels with probes and replies in both directions; then one
                // lap of each of the two last probes, and the lap of the COORDINATOR token.
                let levels = u64::from(u64::BITS - (m - 1).leading_zeros());
                let turned = (1..=levels).fold(0_u64, |sum, level| {
                    sum.saturating_add(2_u64.saturating_pow(u32::try_from(level).unwrap_or(64)))
                });
                let least = turned.saturating_mul(2).saturating_add(thrice);
                least..=m.saturating_mul(8).saturating_mul(1 + levels)
            }
        })
    }
}

impl RingConfig {
    /// Returns `true` if `ring` lists each of these members once, and no other node.
    pub(crate) fn orders(&self, members: &Membership) -> bool {
        let distinct: NodeSet = self.ring.iter().copied().collect();
        self.ring.len() == members.len() && distinct.iter().eq(members.nodes().iter().copied())
    }
}
