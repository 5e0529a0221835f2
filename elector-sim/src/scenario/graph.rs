use std::collections::BTreeSet;

use elector_core::{ElectionAlgorithm, NodeId};
use serde::{Deserialize, Serialize};

use crate::Simulation;

/// How often a graph is drawn again until exactly one node is connected to a quorum. In large
/// clusters such a graph is rare: after this many draws the result is a star, in which one random
/// node is connected to all other nodes.
const MAX_DRAWS: usize = 1_000;

/// A random graph of links: each pair of nodes is connected in both directions or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Graph {
    /// The probability that two nodes are connected.
    pub chance: f64,
    /// Whether exactly one node is connected to a quorum. The node itself counts as one of the
    /// quorum.
    #[serde(default)]
    pub lonely: bool,
}

type Pairs = BTreeSet<(NodeId, NodeId)>;

impl Graph {
    /// Draws a graph. Returns its connected pairs of nodes, each with the lower id first.
    pub(super) fn draw<A: ElectionAlgorithm>(self, sim: &mut Simulation<A>) -> Pairs {
        let nodes = sim.nodes();
        let mut pairs = self.draw_once(&nodes, sim);
        if !self.lonely || is_lonely(&nodes, &pairs) {
            return pairs;
        }
        for _ in 0..MAX_DRAWS {
            pairs = self.draw_once(&nodes, sim);
            if is_lonely(&nodes, &pairs) {
                return pairs;
            }
        }
        let hub = nodes[sim.rng.below(nodes.len() as u64) as usize];
        let rays = nodes.iter().filter(|&&node| node != hub);
        rays.map(|&node| (node.min(hub), node.max(hub))).collect()
    }

    fn draw_once<A: ElectionAlgorithm>(self, nodes: &[NodeId], sim: &mut Simulation<A>) -> Pairs {
        let mut pairs = Pairs::new();
        for (place, &a) in nodes.iter().enumerate() {
            for &b in &nodes[place + 1..] {
                if sim.rng.chance(self.chance) {
                    pairs.insert((a, b));
                }
            }
        }
        pairs
    }
}

fn is_lonely(nodes: &[NodeId], pairs: &Pairs) -> bool {
    let reached = |node| {
        1 + pairs
            .iter()
            .filter(|&&(a, b)| a == node || b == node)
            .count()
    };
    let reaches_quorum = |node: &&NodeId| reached(**node) > nodes.len() / 2;
    nodes.iter().filter(reaches_quorum).count() == 1
}
