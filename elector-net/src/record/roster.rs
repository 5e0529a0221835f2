use std::{collections::BTreeMap, fmt, path::Path};

use elector_core::{DiskId, NodeId};
use serde::{Deserialize, Serialize};

use super::error::RecordError;
use crate::random::random;

/// The generation of the first list of nodes of a cluster.
pub(super) const FIRST_GENERATION: u64 = 1;

/// Draws the id of a new disk.
fn draw_disk() -> DiskId {
    let drawn = (u128::from(random()) << 64) | u128::from(random());
    // Zero is not used, because it means `NONE`.
    DiskId::from(drawn.max(1))
}

/// What a record says about the cluster, apart from the state of the algorithm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Roster {
    /// The ids of all nodes, including this one, in ascending order. If the members can change,
    /// these are the nodes of the first start, and the list of a node that joins a running cluster
    /// is empty.
    pub nodes: Vec<NodeId>,
    /// The number of this list of nodes, counted from 1. Each change of the list adds one.
    pub generation: u64,
    /// Zero, or the random number of a recovery. Two nodes with different values reject each other.
    pub lineage: [u8; 16],
    /// The id of this disk.
    pub disk: DiskId,
    /// The disk with which each peer was first admitted, as long as no other list names the disk of
    /// the peer. A peer that had no disk id is not in this map.
    pub peers: BTreeMap<NodeId, DiskId>,
}

impl Roster {
    /// Creates the roster of a new disk, with the first list of nodes of a cluster.
    pub(super) fn first(nodes: impl IntoIterator<Item = NodeId>) -> Self {
        Self {
            nodes: sorted(nodes),
            generation: FIRST_GENERATION,
            lineage: [0; 16],
            disk: draw_disk(),
            peers: BTreeMap::new(),
        }
    }
}

/// The maximum number of founders that are compared. A few disks are enough.
const MAX_FOUNDERS: usize = 8;

impl Roster {
    /// Returns the first nodes of the cluster with the disks that they had first, as far as the
    /// node `me` knows, in ascending order. A node that joined has stored those of the
    /// node that it connected to.
    pub(crate) fn founders(&self, me: NodeId) -> Vec<(NodeId, DiskId)> {
        let is_first = |node: &NodeId| self.nodes.is_empty() || self.nodes.contains(node);
        let mut founders = self.peers.clone();
        founders.retain(|node, _| is_first(node));
        // A node with a new disk has stored the disk that it had first.
        if self.nodes.contains(&me) {
            founders.entry(me).or_insert(self.disk);
        }
        founders.into_iter().take(MAX_FOUNDERS).collect()
    }

    /// Begins a new lineage of the cluster, with this node alone.
    pub(super) fn begin_lineage(&mut self, node: NodeId) {
        let drawn = (u128::from(random()) << 64) | u128::from(random());
        self.lineage = drawn.max(1).to_be_bytes();
        self.nodes = vec![node];
        self.generation = self.generation.saturating_add(1);
        self.peers.clear();
    }
}

/// Checks that a record was made for these nodes.
///
/// # Errors
/// If the record was made for other nodes.
pub(super) fn check_nodes(
    roster: &Roster,
    wanted: &[NodeId],
    path: &Path,
) -> Result<(), RecordError> {
    if roster.nodes == wanted {
        return Ok(());
    }
    Err(RecordError::OtherNodes {
        path: path.to_path_buf(),
        found: roster.nodes.clone(),
        generation: roster.generation,
        wanted: wanted.to_vec(),
    })
}

/// Returns the nodes in ascending order, each once.
pub(super) fn sorted(nodes: impl IntoIterator<Item = NodeId>) -> Vec<NodeId> {
    let mut nodes: Vec<NodeId> = nodes.into_iter().collect();
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}

/// Formats node ids as a list: `1, 2, 3`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ids<'a>(pub(crate) &'a [NodeId]);

impl fmt::Display for Ids<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, node) in self.0.iter().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            write!(f, "{comma}{node}")?;
        }
        Ok(())
    }
}
