use alloc::{collections::BTreeMap, vec, vec::Vec};
use core::ops::RangeInclusive;

use elector_core::{
    Comparable, Configuration, Membership, NodeId, Timing, TimingError, Variant, by_node,
};
use serde::{Deserialize, Serialize};

use crate::Paxos;

/// Timing and options of the Paxos election.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PaxosConfig {
    /// The durations that all algorithms share. `round_trip` is the base of a proposer's patience.
    pub timing: Timing,
    /// How nodes find out that a leader has been chosen. Default: distinguished.
    pub learning: Learning,
    /// Whether a proposer's first try sends `Accept` only to so many of those that promised that
    /// all of them make a bare majority. It saves messages while nothing is lost, and costs a
    /// retry, then to all, when one is. Default off.
    pub thrifty: bool,
    /// The counter of the first ballot of a node, 1 for those not named: what the article with the
    /// three cases calls unique ids. The higher one of two simultaneous first tries goes through.
    /// Default empty.
    #[serde(deserialize_with = "by_node::deserialize")]
    pub first_ballot: BTreeMap<NodeId, u64>,
}

/// How nodes find out that a leader has been chosen ("Paxos Made Simple", section 2.3).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Learning {
    /// Acceptors tell the proposer, and the proposer tells all: the fewest messages.
    #[default]
    Distinguished,
    /// Acceptors tell all: one delay less, and a number of messages quadratic in n.
    Broadcast,
}

impl Configuration for PaxosConfig {
    fn timing(&self) -> &Timing {
        &self.timing
    }

    fn timing_mut(&mut self) -> &mut Timing {
        &mut self.timing
    }

    fn validate(&self, members: &Membership) -> Result<(), TimingError> {
        self.timing.validate()?;
        if !self.first_ballot.keys().all(|&node| members.contains(node)) {
            return Err(TimingError::Option(
                "first_ballot names a node that is not in the cluster: name members only",
            ));
        }
        if self.first_ballot.values().any(|&counter| counter == 0) {
            return Err(TimingError::Option(
                "first_ballot has a zero: ballots count from 1",
            ));
        }
        Ok(())
    }
}

impl Comparable for Paxos {
    const SUMMARY: &'static str = "At most one leader per epoch, ever, while a majority keeps its \
        disks; no leader without a majority; two round trips and one write an election.";

    fn variants() -> Vec<Variant<PaxosConfig>> {
        vec![
            Variant {
                name: "distinguished",
                summary: "the proposer counts and tells all: few messages, one delay more for \
                          the others",
                config: PaxosConfig::default(),
            },
            Variant {
                name: "broadcast",
                summary: "acceptors tell everybody: all know as soon as the leader does, for n² \
                          messages",
                config: PaxosConfig {
                    learning: Learning::Broadcast,
                    ..PaxosConfig::default()
                },
            },
            Variant {
                name: "thrifty",
                summary: "asks a bare majority to accept: fewest messages, a retry if one of it \
                          is gone",
                config: PaxosConfig {
                    thrifty: true,
                    ..PaxosConfig::default()
                },
            },
        ]
    }

    /// How many messages one election takes that no other proposer disturbs: `nodes` configured
    /// (three or more), the leader dead, all others alive and not just restarted, until all of
    /// these know. Those sent to the dead leader count.
    ///
    /// `n − 1` `Prepare`, `n − 2` `Promise`, `n − 1` `Accept`; then `n − 2` `Accepted` and `n − 1`
    /// `Learn`, or, with broadcast learning, `(n − 1)²` `Accepted`. A thrifty proposer sends
    /// `q − 1` `Accept`, q being the majority, and as many acceptors and itself answer them.
    fn expected_messages(config: &PaxosConfig, nodes: u64) -> Option<RangeInclusive<u64>> {
        let others = nodes.saturating_sub(1);
        let alive = nodes.saturating_sub(2);
        let (asked, answering) = if config.thrifty {
            (nodes / 2, nodes / 2)
        } else {
            (others, alive)
        };
        let learning = match config.learning {
            Learning::Distinguished => answering.saturating_add(others),
            Learning::Broadcast => answering.saturating_add(1).saturating_mul(others),
        };
        let all = [others, alive, asked, learning];
        let all = all.into_iter().fold(0, u64::saturating_add);
        Some(all..=all)
    }
}
