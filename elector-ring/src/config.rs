use alloc::{vec, vec::Vec};
use core::ops::RangeInclusive;

use elector_core::{
    Comparable, Configuration, Membership, NodeId, NodeSet, Timing, TimingError, Variant,
};
use serde::{Deserialize, Serialize};

use crate::Ring;

/// Which of the three ring elections is held.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum RingVariant {
    /// The token gathers the ids of all live nodes; its initiator picks the highest and sends a
    /// COORDINATOR token round (Silberschatz, Galvin and Gagne; Tanenbaum).
    #[default]
    Collect,
    /// A token carries one id and is passed on only by lower nodes; the id that comes home is
    /// elected (Chang and Roberts 1979).
    ChangRoberts,
    /// Probes go out both ways over distances that double, and must be answered before the next
    /// (Hirschberg and Sinclair 1980).
    HirschbergSinclair,
}

/// Configuration of [`Ring`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RingConfig {
    /// The shared durations. `round_trip` is how long a hop may stay unacknowledged, and the unit
    /// that patience with a whole lap is counted in.
    pub timing: Timing,
    /// Which election is held. All nodes must agree: tokens of another variant are dropped.
    pub variant: RingVariant,
    /// The nodes in the order in which tokens meet them; empty for ascending id order. All nodes
    /// must agree.
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
            "ring must list every node of the cluster exactly once, or be left empty",
        ))
    }
}

impl Comparable for Ring {
    const SUMMARY: &'static str = "The highest node alive leads, at 2m to 8m(1+log2 m) messages and \
        a delay that grows with the ring; pauses, loss and partitions give several leaders at once \
        until they hear each other";

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
                "small tokens, at most 3m-1 messages if one node notices, m(m+3)/2 if all do",
            ),
            variant(
                "hirschberg-sinclair",
                RingVariant::HirschbergSinclair,
                "both ways over doubling distances: 8m(1+log2 m) at most, whoever notices",
            ),
        ]
    }

    /// How many messages an election takes after a leader crash that one node detects, from best
    /// to worst: what elects and announces, without hop acknowledgements and without hops that
    /// find a dead node. `nodes` counts the dead leader.
    ///
    /// With m = `nodes` - 1: Collect 2m; Chang–Roberts from 2m (the detector wins) to 3m-1 (it
    /// stands right behind the winner); Hirschberg–Sinclair from the winner's own probes to the
    /// paper's bound 8m(1+⌈log₂ m⌉).
    fn expected_messages(config: &RingConfig, nodes: u64) -> Option<RangeInclusive<u64>> {
        let m = nodes.saturating_sub(1);
        if m <= 1 {
            // A last survivor needs nobody.
            return Some(0..=0);
        }
        let twice = m.saturating_mul(2);
        let thrice = twice.saturating_add(m);
        Some(match config.variant {
            RingVariant::Collect => twice..=twice,
            RingVariant::ChangRoberts => twice..=twice.saturating_add(m - 1),
            RingVariant::HirschbergSinclair => {
                // ⌈log₂ m⌉ levels whose probes turn back: out and home, both ways; then two whole
                // laps and the announcement.
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
    /// Whether `ring` is an order of exactly these members.
    pub(crate) fn orders(&self, members: &Membership) -> bool {
        let distinct: NodeSet = self.ring.iter().copied().collect();
        self.ring.len() == members.len() && distinct.iter().eq(members.nodes().iter().copied())
    }
}
