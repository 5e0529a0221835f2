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
    /// The durations that all algorithms share. A proposer waits for a decision for twice
    /// `round_trip`, plus a random time.
    pub timing: Timing,
    /// How nodes learn that a leader has been chosen. Default: distinguished.
    pub learning: Learning,
    /// Whether a proposer's first attempt sends `Accept` only to as many nodes that promised as a
    /// bare majority needs. This saves messages while no message is lost. If one of these messages
    /// is lost, the proposer must make another attempt, which asks all nodes. Default: off.
    pub thrifty: bool,
    /// For each node that this map names, the counter of the node's first ballot. Other nodes start
    /// with 1. The article with the three cases (see the [crate documentation](crate)) calls this
    /// number the unique id. If two nodes make their first attempts at the same time, the higher
    /// ballot succeeds. Default: empty.
    #[serde(deserialize_with = "by_node::deserialize")]
    pub first_ballot: BTreeMap<NodeId, u64>,
    /// Whether this node never leads. It votes, and does not campaign. Unlike the other options,
    /// this option can differ from node to node. Default: off.
    #[serde(skip)]
    pub never_leads: bool,
}

/// How nodes learn that a leader has been chosen ("Paxos Made Simple", section 2.3).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Learning {
    /// Acceptors notify the proposer of what they accept, and the proposer notifies all nodes of
    /// the decision. This takes the fewest messages.
    #[default]
    Distinguished,
    /// Acceptors notify all nodes of what they accept. This takes one delay less until all nodes
    /// know the leader, but the number of messages is quadratic in n.
    Broadcast,
}

impl Configuration for PaxosConfig {
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
        if !self.first_ballot.keys().all(|&node| members.contains(node)) {
            return Err(TimingError::NoMember("first_ballot"));
        }
        if self.first_ballot.values().any(|&counter| counter == 0) {
            return Err(TimingError::Option(
                "first_ballot has a zero: count ballots from 1",
            ));
        }
        Ok(())
    }
}

impl Comparable for Paxos {
    const SUMMARY: &'static str = "At most one leader per epoch, ever, while a majority keeps its \
        disks; no leader without a majority; two round trips and one write per election";

    fn variants() -> Vec<Variant<PaxosConfig>> {
        vec![
            Variant {
                name: "distinguished",
                summary: "the proposer counts and notifies all nodes: few messages, one delay \
                          more for the other nodes",
                config: PaxosConfig::default(),
            },
            Variant {
                name: "broadcast",
                summary: "acceptors notify all nodes: all know as soon as the leader knows, with \
                          n² messages",
                config: PaxosConfig {
                    learning: Learning::Broadcast,
                    ..PaxosConfig::default()
                },
            },
            Variant {
                name: "thrifty",
                summary: "asks a bare majority to accept: fewest messages, but a retry if one of \
                          these nodes fails",
                config: PaxosConfig {
                    thrifty: true,
                    ..PaxosConfig::default()
                },
            },
        ]
    }

    /// Returns the number of messages of one election without rivals. The cluster has `nodes`
    /// members (three or more), the leader is dead, all other members are alive, and none of them
    /// has restarted since the last election. The count includes all messages until these members
    /// know the new leader, also the messages to the dead leader.
    ///
    /// These are `n − 1` `Prepare`, `n − 2` `Promise`, `n − 1` `Accept`; then `n − 2` `Accepted`
    /// and `n − 1` `Learn`, or, with broadcast learning, `(n − 1)²` `Accepted`. A thrifty proposer
    /// sends `q − 1` `Accept`, where q is the majority. Only the receivers of these messages and
    /// the proposer itself accept.
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
