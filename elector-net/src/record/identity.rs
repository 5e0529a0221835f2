use std::{fmt, path::Path};

use elector_core::{ElectionAlgorithm, NodeId};
use serde::{Deserialize, Serialize};

use super::error::RecordError;

/// The longest name of a cluster or of an algorithm, in bytes.
pub(super) const LONGEST_NAME: usize = 255;

/// The node that a record belongs to. Only this node may use the record. A node pledges support to
/// other nodes, for example with its vote. If it used the record of another node, another cluster
/// or another algorithm, it would break its own pledges.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// The name of the cluster; 1 to 255 bytes.
    pub cluster: String,
    /// The id of the node.
    pub node: NodeId,
    /// The name of the algorithm; 1 to 255 bytes. The name also identifies the format of the saved
    /// state: an encoded state does not describe its format, and two formats can look alike. An
    /// algorithm that changes the format of its durable state needs another name.
    pub algorithm: String,
}

impl Identity {
    /// Creates the identity of a node of this cluster, under the algorithm `A`.
    pub fn of<A: ElectionAlgorithm>(cluster: impl Into<String>, node: impl Into<NodeId>) -> Self {
        Self {
            cluster: cluster.into(),
            node: node.into(),
            algorithm: A::NAME.into(),
        }
    }

    /// Checks the lengths of the names.
    pub(super) fn validate(&self) -> Result<(), RecordError> {
        let is_valid = |name: &String| (1..=LONGEST_NAME).contains(&name.len());
        match is_valid(&self.cluster) && is_valid(&self.algorithm) {
            true => Ok(()),
            false => Err(RecordError::Name(Box::new(self.clone()))),
        }
    }

    /// Checks that a record with this identity belongs to `wanted`.
    pub(super) fn check(&self, wanted: &Self, path: &Path) -> Result<(), RecordError> {
        if self == wanted {
            return Ok(());
        }
        Err(RecordError::Foreign {
            path: path.to_path_buf(),
            found: Box::new(self.clone()),
            wanted: Box::new(wanted.clone()),
        })
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            cluster,
            node,
            algorithm,
        } = self;
        write!(f, "node {node} of cluster {cluster:?} under {algorithm}")
    }
}
