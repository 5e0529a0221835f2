//! What is done to the record of a node that is stopped.

use std::path::Path;

use elector_core::{ElectionAlgorithm, Epoch, Membership, NodeId};

use super::{
    error::RecordError,
    format::NAME,
    handle::Open,
    identity::Identity,
    roster::{DiskId, Roster, sorted},
    storage::{FileStorage, among, decode, encode, open_as_found},
};

/// A change of the list of nodes, to be made on the record of each node while all nodes, of the old
/// list and of the new one, are stopped: see [`FileStorage::change`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListChange {
    /// The ids of all nodes from now on.
    pub nodes: Vec<NodeId>,
    /// The number of the new list: one more than the highest generation of all records.
    pub generation: u64,
    /// The highest epoch of the records of all nodes. No node leads, or helps to elect, in an epoch
    /// up to this one any more, so that fencing tokens go on rising.
    pub floor: Epoch,
}

/// What a record says of a node that is stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoppedNode {
    /// Whose record it is.
    pub identity: Identity,
    /// What it says of the cluster; `None` in a record that was made before that was in it.
    pub roster: Option<Roster>,
    /// The highest epoch that the node has taken part in.
    pub epoch: Epoch,
}

impl FileStorage {
    /// Reads the record of a node that is stopped and runs `A`.
    ///
    /// # Errors
    /// If the node runs; if the record is damaged, or another algorithm's.
    pub fn stopped<A: ElectionAlgorithm>(
        folder: impl AsRef<Path>,
    ) -> Result<StoppedNode, RecordError> {
        let (open, identity) = open_as_found(folder.as_ref())?;
        let (_, epoch) = state::<A>(&open, &identity, folder.as_ref())?;
        Ok(StoppedNode {
            identity,
            roster: open.slots.roster().cloned(),
            epoch,
        })
    }

    /// Gives a node that is stopped and runs `A` another list of nodes, and a floor for its epochs,
    /// both in one save. Returns `false` if the record said so already.
    ///
    /// It is safe only if all nodes of the old list and of the new one are stopped until all of the
    /// new list are changed. The nodes of the two lists refuse each other.
    ///
    /// # Errors
    /// If the node runs, or is not on the new list; if the generation is not above its own; if its
    /// epoch is above the floor; if the algorithm has no floor; as a save.
    pub fn change<A: ElectionAlgorithm>(
        folder: impl AsRef<Path>,
        change: &ListChange,
    ) -> Result<bool, RecordError> {
        let folder = folder.as_ref();
        let (mut open, identity) = open_as_found(folder)?;
        let nodes = sorted(change.nodes.iter().copied());
        among(&identity, &nodes)?;
        let (durable, epoch) = state::<A>(&open, &identity, folder)?;
        let known = open.slots.roster();
        let generation = known.map_or(0, |roster| roster.generation);
        let is_done = known.is_some_and(|roster| {
            roster.nodes == nodes && generation == change.generation && epoch > change.floor
        });
        if is_done {
            return Ok(false);
        }
        if change.generation <= generation {
            return Err(RecordError::OldGeneration {
                folder: folder.to_path_buf(),
                generation,
            });
        }
        // A typing error would use up epochs for good.
        if epoch > change.floor || !epoch.accepts(change.floor) {
            return Err(RecordError::Floor {
                folder: folder.to_path_buf(),
                epoch: epoch.0,
                floor: change.floor.0,
            });
        }
        let raised =
            A::raised(&durable, change.floor).ok_or(RecordError::NoFloor { algorithm: A::NAME })?;
        let mut roster = match known {
            Some(roster) => roster.clone(),
            None => Roster::first([]),
        };
        roster.peers.retain(|peer, _| nodes.contains(peer));
        roster.nodes = nodes;
        roster.generation = change.generation;
        open.slots.save_both(roster, encode(Some(&raised))?)?;
        Ok(true)
    }

    /// Makes a node that is stopped forget with which disk a peer was first admitted, and returns
    /// that disk. The next disk under the id of that peer is admitted.
    ///
    /// Never do it to admit a node that has lost its disk: it has forgotten its votes.
    ///
    /// # Errors
    /// If the node runs; as a save.
    pub fn forget(
        folder: impl AsRef<Path>,
        peer: impl Into<NodeId>,
    ) -> Result<Option<DiskId>, RecordError> {
        let (mut open, _) = open_as_found(folder.as_ref())?;
        let Some(mut roster) = open.slots.roster().cloned() else {
            return Ok(None);
        };
        let Some(disk) = roster.peers.remove(&peer.into()) else {
            return Ok(None);
        };
        open.slots.save_roster(roster)?;
        Ok(Some(disk))
    }
}

/// The state of the algorithm in an open record, and its epoch.
fn state<A: ElectionAlgorithm>(
    open: &Open,
    identity: &Identity,
    folder: &Path,
) -> Result<(A::Durable, Epoch), RecordError> {
    let path = folder.join(NAME);
    if identity.algorithm != A::NAME {
        return Err(RecordError::Foreign {
            path,
            found: Box::new(identity.clone()),
            wanted: Box::new(Identity::of::<A>(identity.cluster.as_str(), identity.node)),
        });
    }
    let durable: Option<A::Durable> = decode(open.slots.state(), &path)?;
    let durable = durable.unwrap_or_default();
    // The epoch does not depend on the list.
    let alone = Membership::new(identity.node, [identity.node]);
    let alone = alone.map_err(|_| RecordError::NotListed {
        node: identity.node,
        nodes: Vec::new(),
    })?;
    let node = A::restore(&A::Config::default(), alone, durable.clone());
    Ok((durable, node.view().epoch))
}
