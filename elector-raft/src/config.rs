use alloc::{collections::BTreeMap, vec, vec::Vec};
use core::ops::RangeInclusive;

use elector_core::{
    Comparable, Configuration, Membership, NodeId, Timing, TimingError, Variant, by_node,
};
use serde::{Deserialize, Serialize};

use crate::Raft;

/// Timing and options of Raft's election.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RaftConfig {
    /// The durations that all algorithms share.
    pub timing: Timing,
    /// Whether a node asks, before it starts a new term, if it could win it (dissertation, section
    /// 9.6). It costs a round trip, and it keeps a node that was cut off from deposing the leader
    /// when it comes back. Default on.
    pub pre_vote: bool,
    /// Whether a leader that has not heard from a majority for `election_min` steps down, and a
    /// node that has heard from a leader within `election_min` refuses its vote (dissertation,
    /// sections 6.2 and 4.2.3). Without it there is no lease. Default on.
    pub check_quorum: bool,
    /// Who should rather lead: the higher the number, the better; nodes that are not named have 0.
    /// For each number above its own that some node has, a node waits longer by the spread of the
    /// election timeout. It is a preference: any node can still be elected, and a leader is not
    /// deposed for a better one. Must be the same on all nodes. Default empty: all equal.
    #[serde(deserialize_with = "by_node::deserialize")]
    pub priorities: BTreeMap<NodeId, u32>,
}

impl Default for RaftConfig {
    fn default() -> Self {
        Self {
            timing: Timing::default(),
            pre_vote: true,
            check_quorum: true,
            priorities: BTreeMap::new(),
        }
    }
}

impl Configuration for RaftConfig {
    fn timing(&self) -> &Timing {
        &self.timing
    }

    fn timing_mut(&mut self) -> &mut Timing {
        &mut self.timing
    }

    fn validate(&self, members: &Membership) -> Result<(), TimingError> {
        self.timing.validate()?;
        if self.priorities.keys().all(|&node| members.contains(node)) {
            return Ok(());
        }
        Err(TimingError::Option(
            "priorities names a node that is not in the cluster: name members only",
        ))
    }
}

impl Comparable for Raft {
    const SUMMARY: &'static str = "At most one leader per term, ever, as long as disks are kept; \
        no leader without a majority; pre-vote and check-quorum keep it stable";

    fn variants() -> Vec<Variant<RaftConfig>> {
        let plain = RaftConfig {
            pre_vote: false,
            ..RaftConfig::default()
        };
        let paper = RaftConfig {
            check_quorum: false,
            ..plain.clone()
        };
        vec![
            Variant {
                name: "pre-vote",
                summary: "asks before it starts a term: one round trip more, no needless terms",
                config: RaftConfig::default(),
            },
            Variant {
                name: "plain",
                summary: "starts a term at once: faster, but a node that returns can depose the \
                          leader",
                config: plain,
            },
            Variant {
                name: "paper",
                summary: "the paper's figure 2 alone: no lease, and a leader that is cut off goes \
                          on believing",
                config: paper,
            },
        ]
    }

    /// How many messages one election takes that no other candidate disturbs: `nodes` configured
    /// (three or more), the leader dead, all others alive, up to and with the winner's first
    /// heartbeats. Those sent to the dead leader count.
    ///
    /// `n − 1` requests, `n − 2` votes and `n − 1` heartbeats; with pre-vote, `n − 1` and `n − 2`
    /// more.
    fn expected_messages(config: &RaftConfig, nodes: u64) -> Option<RangeInclusive<u64>> {
        let asked = nodes.saturating_sub(1);
        let round = asked.saturating_add(nodes.saturating_sub(2));
        let rounds = if config.pre_vote { 2 } else { 1 };
        let all = round.saturating_mul(rounds).saturating_add(asked);
        Some(all..=all)
    }
}
