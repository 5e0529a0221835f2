use std::{fmt, str::FromStr};

use elector_core::{ElectionAlgorithm, NodeId};
use serde::{Deserialize, Serialize};

use crate::Simulation;

/// Selects nodes by their state at the moment of a step. "The leader" is the node that the cluster
/// agrees on; without agreement, it is the node with the newest epoch among those that believe that
/// they lead. If no node matches, the step does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Selector {
    /// `all`: every node.
    All,
    /// `leader`: the leader, as [`Selector`] defines it.
    Leader,
    /// `followers`: every node except the leader.
    Followers,
    /// `follower 1`: the first (second, ...) node in id order that is not the leader.
    Follower(usize),
    /// `node 3`: the node with this id.
    Node(NodeId),
    /// `random`: any one node.
    Random,
    /// `crashed`: all nodes that do not run.
    Crashed,
    /// `paused`: all nodes that are paused.
    Paused,
    /// `wiped`: all nodes whose disk was emptied.
    Wiped,
    /// `minority-with-leader`: the leader and the nodes with the lowest ids, in total ⌊(n−1)/2⌋ of
    /// the n nodes.
    MinorityWithLeader,
    /// `half-with-leader`: the leader and the nodes with the lowest ids, in total ⌊n/2⌋ of the n
    /// nodes.
    HalfWithLeader,
    /// `odd`: the first, third, ... node in id order.
    Odd,
    /// `even`: the second, fourth, ... node in id order.
    Even,
    /// `highest`: the node with the highest id.
    Highest,
    /// `lowest`: the node with the lowest id.
    Lowest,
}

const PLAIN: [(&str, Selector); 13] = [
    ("all", Selector::All),
    ("leader", Selector::Leader),
    ("followers", Selector::Followers),
    ("random", Selector::Random),
    ("crashed", Selector::Crashed),
    ("paused", Selector::Paused),
    ("wiped", Selector::Wiped),
    ("minority-with-leader", Selector::MinorityWithLeader),
    ("half-with-leader", Selector::HalfWithLeader),
    ("odd", Selector::Odd),
    ("even", Selector::Even),
    ("highest", Selector::Highest),
    ("lowest", Selector::Lowest),
];

impl FromStr for Selector {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((_, selector)) = PLAIN.iter().find(|(name, _)| *name == text) {
            return Ok(*selector);
        }
        let number = |prefix: &str| text.strip_prefix(prefix).map(str::trim);
        if let Some(Ok(place)) = number("follower ").map(str::parse::<usize>)
            && place > 0
        {
            return Ok(Self::Follower(place));
        }
        if let Some(Ok(id)) = number("node ").map(str::parse::<u64>) {
            return Ok(Self::Node(NodeId(id)));
        }
        let names: Vec<&str> = PLAIN.iter().map(|(name, _)| *name).collect();
        Err(format!(
            "\"{text}\" selects no nodes: use one of {}, \"follower 1\" (2, ...) or \"node ID\"",
            names.join(", ")
        ))
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Follower(place) => write!(f, "follower {place}"),
            Self::Node(id) => write!(f, "node {id}"),
            plain => {
                let name = PLAIN.iter().find(|(_, selector)| selector == plain);
                f.write_str(name.map_or("", |(name, _)| name))
            }
        }
    }
}

impl TryFrom<String> for Selector {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Selector> for String {
    fn from(selector: Selector) -> Self {
        selector.to_string()
    }
}

impl Selector {
    /// Returns the nodes that match at the current moment of the simulation.
    pub(crate) fn resolve<A: ElectionAlgorithm>(self, sim: &mut Simulation<A>) -> Vec<NodeId> {
        let nodes = sim.nodes();
        let leader = sim.leader();
        let followers = || {
            nodes
                .iter()
                .copied()
                .filter(move |&node| Some(node) != leader)
        };
        let with_leader = |size: usize| {
            leader
                .into_iter()
                .chain(followers())
                .take(size)
                .collect::<Vec<_>>()
        };
        let every_other = |first: usize| nodes.iter().copied().skip(first).step_by(2).collect();
        match self {
            Self::All => nodes,
            Self::Leader => leader.into_iter().collect(),
            Self::Followers => followers().collect(),
            Self::Follower(place) => followers().skip(place - 1).take(1).collect(),
            Self::Node(node) => vec![node],
            Self::Random => {
                let place = sim.rng.below(nodes.len() as u64) as usize;
                vec![nodes[place]]
            }
            Self::Crashed => sim.crashed(),
            Self::Paused => sim.paused(),
            Self::Wiped => sim.wiped(),
            Self::MinorityWithLeader => with_leader((nodes.len() - 1) / 2),
            Self::HalfWithLeader => with_leader(nodes.len() / 2),
            Self::Odd => every_other(0),
            Self::Even => every_other(1),
            Self::Highest => nodes.last().copied().into_iter().collect(),
            Self::Lowest => nodes.first().copied().into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // People write files by hand: the text of each selector must parse to that selector, and the
    // error for a wrong selector must list the choices.
    #[test]
    fn the_text_of_a_selector_parses_and_errors_list_the_choices() {
        let numbered = [Selector::Follower(2), Selector::Node(NodeId(7))];
        for selector in PLAIN.iter().map(|(_, selector)| *selector).chain(numbered) {
            assert_eq!(selector.to_string().parse(), Ok(selector));
        }
        for wrong in ["leeder", "follower 0", "node x", ""] {
            assert!(
                wrong
                    .parse::<Selector>()
                    .unwrap_err()
                    .contains("minority-with-leader")
            );
        }
    }
}
