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
    /// Whether a node asks, before it starts a new term, if it could win that term (dissertation,
    /// section 9.6). This costs a round trip. In return, a node that could not reach its peers for
    /// a time does not depose the leader when it can reach them again. Default: on.
    pub pre_vote: bool,
    /// Whether a leader steps down if no majority has answered it for `election_min`, and whether a
    /// node refuses its vote if it has received a heartbeat within `election_min` (dissertation,
    /// sections 6.2 and 4.2.3). Without `check_quorum` there is no lease. Default: on.
    pub check_quorum: bool,
    /// Which nodes are preferred as leader: a higher number is better, and a node that this map
    /// does not name has 0. For each different number above its own, a node waits longer by
    /// `election_max - election_min` (at least `round_trip`) before it campaigns. This is a
    /// preference: any node can still be elected, and no node deposes a leader because of a higher
    /// number. The priorities must be the same on all nodes. Default: empty, so that all nodes are
    /// equal.
    #[serde(deserialize_with = "by_node::deserialize")]
    pub priorities: BTreeMap<NodeId, u32>,
    /// Whether this node never leads. It votes, and does not campaign. Unlike the other options,
    /// this option can differ from node to node. Default: off.
    #[serde(skip)]
    pub never_leads: bool,
}

impl Default for RaftConfig {
    fn default() -> Self {
        Self {
            timing: Timing::default(),
            pre_vote: true,
            check_quorum: true,
            priorities: BTreeMap::new(),
            never_leads: false,
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

    fn never_leads(&self) -> bool {
        self.never_leads
    }

    fn set_never_leads(&mut self, never: bool) -> bool {
        self.never_leads = never;
        true
    }

    fn validate(&self, members: &Membership) -> Result<(), TimingError> {
        self.timing.validate()?;
        if self.priorities.keys().all(|&node| members.contains(node)) {
            return Ok(());
        }
        Err(TimingError::NoMember("priorities"))
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
                summary: "starts a term at once: faster, but a node that comes back can depose \
                          the leader",
                config: plain,
            },
            Variant {
                name: "paper",
                summary: "figure 2 of the paper only: no lease, and a leader that is cut off \
                          does not step down",
                config: paper,
            },
        ]
    }

    /// Returns the number of messages of one election without rivals. The cluster has `nodes`
    /// members (three or more), the leader is dead, and all other members are alive. The count
    /// includes the winner's first heartbeats, and messages to the dead leader.
    ///
    /// These are `n − 1` requests, `n − 2` votes and `n − 1` heartbeats; with pre-vote, also
    /// `n − 1` requests for pre-votes and `n − 2` pre-votes.
    fn expected_messages(config: &RaftConfig, nodes: u64) -> Option<RangeInclusive<u64>> {
        let asked = nodes.saturating_sub(1);
        let round = asked.saturating_add(nodes.saturating_sub(2));
        let rounds = if config.pre_vote { 2 } else { 1 };
        let all = round.saturating_mul(rounds).saturating_add(asked);
        Some(all..=all)
    }
}
