use std::{collections::BTreeMap, fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{Latency, rng::Rng};

/// The network between the nodes. Each message has its own latency, as a datagram has. So a message
/// can overtake an earlier message on the same link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Network {
    /// The one-way delay of a message. Default: uniformly distributed from 0.5 to 1.5 ms.
    pub latency: Latency,
    /// The probability that a message is lost.
    pub loss: f64,
    /// The probability that a message is delivered twice. The copy has its own delay.
    pub duplicate: f64,
    /// The probability that a message is held back for the duration `reorder_by`.
    pub reorder: f64,
    /// How long a message that is held back takes in addition to its latency.
    pub reorder_by: Latency,
    /// The latency of single links, in place of `latency`. A link is a pair of positions (sender,
    /// receiver) in id order, from 0. Scenario files cannot set this field.
    #[serde(skip)]
    pub links: BTreeMap<(usize, usize), Latency>,
}

impl Default for Network {
    fn default() -> Self {
        let half = Duration::from_micros(500);
        Self {
            latency: Latency::uniform(half, 3 * half),
            loss: 0.0,
            duplicate: 0.0,
            reorder: 0.0,
            reorder_by: Latency::uniform(Duration::ZERO, Duration::from_millis(20)),
            links: BTreeMap::new(),
        }
    }
}

impl Network {
    /// Creates a network that loses no message, and in which each message takes `delay` one way.
    #[must_use]
    pub fn constant(delay: Duration) -> Self {
        Self {
            latency: Latency::Constant(delay),
            ..Self::default()
        }
    }

    /// Returns a text about the first latency that is not valid, if there is one.
    pub(crate) fn latency_problem(&self) -> Option<&'static str> {
        let own = [&self.latency, &self.reorder_by];
        own.into_iter()
            .chain(self.links.values())
            .find_map(Latency::problem)
    }

    /// Returns the name of the first probability outside `0..=1`, if there is one.
    pub(crate) fn probability_problem(&self) -> Option<&'static str> {
        [
            ("loss", self.loss),
            ("duplicate", self.duplicate),
            ("reorder", self.reorder),
        ]
        .into_iter()
        .find(|(_, value)| !(0.0..=1.0).contains(value))
        .map(|(name, _)| name)
    }

    pub(crate) fn flight_ns(&self, from: usize, to: usize, rng: &mut Rng) -> u64 {
        let latency = if self.links.is_empty() {
            None
        } else {
            self.links.get(&(from, to))
        };
        let mut flight = latency.unwrap_or(&self.latency).draw(rng);
        if rng.chance(self.reorder) {
            flight = flight.saturating_add(self.reorder_by.draw(rng));
        }
        flight
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one way {}", self.latency)?;
        let faults = [
            ("lost", self.loss),
            ("duplicated", self.duplicate),
            ("held back", self.reorder),
        ];
        for (name, share) in faults.into_iter().filter(|(_, share)| *share > 0.0) {
            write!(f, ", {:.0} % {name}", share * 100.0)?;
        }
        Ok(())
    }
}
