use std::{collections::BTreeMap, fmt, path::Path};

use elector_core::NodeId;
use serde::{Deserialize, Serialize};

use super::error::RecordError;
use crate::random::random;

/// The generation of the list of nodes that a cluster begins with.
pub(super) const FIRST_GENERATION: u64 = 1;

/// A number drawn when a record is made. It tells two disks of one node id apart: the disk of a
/// node that was replaced, or that of a node of another cluster.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DiskId([u8; 16]);

impl DiskId {
    /// What a node says whose storage has no disk id, such as one in memory.
    pub(crate) const NONE: Self = Self([0; 16]);

    /// These bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    fn draw() -> Self {
        let drawn = (u128::from(random()) << 64) | u128::from(random());
        // Zero has a meaning of its own.
        Self(drawn.max(1).to_be_bytes())
    }
}

impl fmt::Display for DiskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for DiskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a record says of the cluster, beside the state of the algorithm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Roster {
    /// The ids of all nodes, this one among them, in ascending order.
    pub nodes: Vec<NodeId>,
    /// How often that list was changed, counted from 1.
    pub generation: u64,
    /// Reserved: zero in all records so far. Two nodes with different ones refuse each other.
    pub lineage: [u8; 16],
    /// The id of this disk.
    pub disk: DiskId,
    /// The disk of each peer that has one, as it was when the peer was first admitted.
    pub peers: BTreeMap<NodeId, DiskId>,
}

impl Roster {
    /// That of a new disk, with the first list of a cluster.
    pub(super) fn first(nodes: impl IntoIterator<Item = NodeId>) -> Self {
        Self {
            nodes: sorted(nodes),
            generation: FIRST_GENERATION,
            lineage: [0; 16],
            disk: DiskId::draw(),
            peers: BTreeMap::new(),
        }
    }
}

/// Checks that a record was made for these nodes.
///
/// # Errors
/// If it was made for others.
pub(super) fn has_nodes(
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

/// In ascending order, each once.
pub(super) fn sorted(nodes: impl IntoIterator<Item = NodeId>) -> Vec<NodeId> {
    let mut nodes: Vec<NodeId> = nodes.into_iter().collect();
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}

/// Shows node ids as a list: `1, 2, 3`.
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
