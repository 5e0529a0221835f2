use alloc::{vec, vec::Vec};
use core::{ops::RangeInclusive, time::Duration};

use elector_core::{Comparable, Configuration, Membership, Timing, TimingError, Variant};
use serde::{Deserialize, Serialize};

use crate::Bully;

/// Timing and options of [`Bully`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BullyConfig {
    /// The durations that all algorithms share.
    pub timing: Timing,
    /// How long a candidate waits for an answer of a higher node before it takes all higher nodes
    /// for dead: the paper's T. In files this option is `answer_timeout_ms`, in milliseconds.
    /// Default: `timing.round_trip`.
    ///
    /// Safety depends on this timeout: if the answer of a live higher node arrives later, two nodes
    /// become coordinator.
    #[serde(
        rename = "answer_timeout_ms",
        with = "optional_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub answer_timeout: Option<Duration>,
    /// Whether a node takes over from a live coordinator with a lower id, as in the paper. If this
    /// option is off, a coordinator stays until it fails, and a recovering node waits for a
    /// heartbeat before it asks. Default: true.
    pub preempt: bool,
    /// Whether a candidate that suspects all higher nodes does not wait for their answers. (It
    /// never waits if all higher nodes are proved dead.) In any case, the candidate asks all higher
    /// nodes. This option saves the answer timeout, but **a wrong suspicion makes two
    /// coordinators** until they receive each other's messages. Default: false.
    pub skip_suspected: bool,
}

impl Default for BullyConfig {
    fn default() -> Self {
        Self {
            timing: Timing::default(),
            answer_timeout: None,
            preempt: true,
            skip_suspected: false,
        }
    }
}

impl BullyConfig {
    /// Returns how long a candidate waits for an answer: the paper's T.
    #[must_use]
    pub fn answer_timeout(&self) -> Duration {
        self.answer_timeout.unwrap_or(self.timing.round_trip)
    }
}

impl Comparable for Bully {
    const SUMMARY: &'static str = "The highest live node leads, with n-1 to n²-n-1 messages; \
        pauses, loss and partitions give several leaders until they can communicate again";

    fn variants() -> Vec<Variant<BullyConfig>> {
        let default = BullyConfig::default();
        vec![
            Variant {
                name: "preempt",
                summary: "as in the paper: a recovering node takes over from a lower coordinator",
                config: default.clone(),
            },
            Variant {
                name: "no-preempt",
                summary: "a live coordinator stays, even if a higher node is alive",
                config: BullyConfig {
                    preempt: false,
                    ..default
                },
            },
        ]
    }

    /// Returns the number of messages of one election, from best to worst. The leader, the highest
    /// of `nodes` members, has died, and one node detects the death: k² + n − 2 messages, with n =
    /// `nodes` and with k ids above the node that detects the death. The best case is k = 1, the
    /// worst k = n − 1.
    fn expected_messages(_: &BullyConfig, nodes: u64) -> Option<RangeInclusive<u64>> {
        let best = nodes.saturating_sub(1);
        Some(best..=nodes.saturating_mul(best).saturating_sub(1))
    }
}

impl Configuration for BullyConfig {
    fn timing(&self) -> &Timing {
        &self.timing
    }

    fn timing_mut(&mut self) -> &mut Timing {
        &mut self.timing
    }

    fn validate(&self, _members: &Membership) -> Result<(), TimingError> {
        self.timing.validate()?;
        let answer_timeout = self.answer_timeout();
        if answer_timeout.is_zero() {
            return Err(TimingError::Zero("answer_timeout"));
        }
        if answer_timeout >= self.timing.election_min {
            return Err(TimingError::Order {
                shorter: "answer_timeout",
                shorter_value: answer_timeout,
                longer: "election_min",
                longer_value: self.timing.election_min,
                because: "a winner must be able to announce itself before the other nodes time out",
            });
        }
        Ok(())
    }
}

/// Reads and writes an optional duration in milliseconds, like [`elector_core::millis`].
mod optional_millis {
    use super::{Deserialize, Duration, Serialize};
    use serde::{Deserializer, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Millis(#[serde(with = "elector_core::millis")] Duration);

    pub(super) fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        duration.map(Millis).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<Millis>::deserialize(from)?.map(|millis| millis.0))
    }
}
