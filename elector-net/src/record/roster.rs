use std::{collections::BTreeMap, fmt, path::Path};

use elector_core::{DiskId, NodeId};
use serde::{Deserialize, Serialize};

use super::error::RecordError;
use crate::random::random;

/// The generation of the first list of nodes of a cluster. Each change of the list raises the
/// generation by one.
pub(super) const FIRST_GENERATION: u64 = 1;

/// Draws the id of a new disk: a random number.
fn draw_disk() -> DiskId {
    let drawn = (u128::from(random()) << 64) | u128::from(random());
    // Zero is not used, because it means `DiskId::NONE`: no disk id.
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
    /// Zero, or the random number that the last recovery of the cluster has drawn
    /// ([`FileStorage::recover`](crate::FileStorage::recover)). Two nodes with different values
    /// reject each other.
    pub lineage: [u8; 16],
    /// The id of this disk: a random number that was drawn when the record was created.
    pub disk: DiskId,
    /// The id of the disk with which this node first admitted each peer. If the members can change,
    /// the list of members in the state of the algorithm names the disk id of each voter. Then this
    /// node adds a peer here only while it does not know this list, or if the list names no disk id
    /// for the peer. A node that joins a running cluster takes its first entries from a peer. A
    /// peer that had no disk id is not in this map.
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

/// The maximum number of founders that a node sends and compares. A founder is a node of the first
/// start with its first disk. A few founders are enough to distinguish two clusters.
const MAX_FOUNDERS: usize = 8;

impl Roster {
    /// Returns the founders of the cluster, as far as the node `me` knows them: the nodes of the
    /// first start, each with the id of its first disk, in ascending order. A node that joined has
    /// stored the founders that a peer named when the peer connected to it.
    pub(crate) fn founders(&self, me: NodeId) -> Vec<(NodeId, DiskId)> {
        let is_first = |node: &NodeId| self.nodes.is_empty() || self.nodes.contains(node);
        let mut founders = self.peers.clone();
        founders.retain(|node, _| is_first(node));
        // If `me` has a new disk, the map already has the first disk of `me`, and this entry of the
        // map does not change.
        if self.nodes.contains(&me) {
            founders.entry(me).or_insert(self.disk);
        }
        founders.into_iter().take(MAX_FOUNDERS).collect()
    }

    /// Begins a new lineage of the cluster: draws a new random number for
    /// [`lineage`](Self::lineage), and makes this node the only one in the list of nodes. From then
    /// on, this node and nodes with the old number reject each other.
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
