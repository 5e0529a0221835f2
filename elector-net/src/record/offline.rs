//! Reads and changes the record of a stopped node.

use std::path::Path;

use elector_core::{ElectionAlgorithm, Epoch, Membership, NodeId};

use super::{
    error::RecordError,
    format::NAME,
    handle::OpenRecord,
    identity::Identity,
    roster::{DiskId, Roster, sorted},
    storage::{FileStorage, check_listed, decode, encode, open_as_found},
};

/// A change of the list of nodes. It must be made on the record of each node while all nodes of the
/// old list and of the new list are stopped. See [`FileStorage::change`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListChange {
    /// The ids of all nodes from now on.
    pub nodes: Vec<NodeId>,
    /// The generation of the new list. It must be one more than the highest generation in all
    /// records.
    pub generation: u64,
    /// The highest epoch in the records of all nodes. No node leads or votes again in this epoch or
    /// an earlier one, so fencing tokens keep rising.
    pub floor: Epoch,
}

/// The contents of the record of a stopped node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoppedNode {
    /// The identity in the record.
    pub identity: Identity,
    /// What the record says about the cluster; `None` if the record has the format from before
    /// rosters.
    pub roster: Option<Roster>,
    /// The highest epoch that the node took part in.
    pub epoch: Epoch,
}

impl FileStorage {
    /// Reads the record of a stopped node that runs `A`.
    ///
    /// # Errors
    /// If the node runs, if the record is damaged, or if the record belongs to another algorithm.
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

    /// Gives a stopped node that runs `A` another list of nodes and a floor for its epochs, in one
    /// save. Returns `false` if the record already has the list and the floor.
    ///
    /// This change is safe only if all nodes of the old list and of the new list stay stopped until
    /// the records of all nodes in the new list are changed. Nodes with different lists reject each
    /// other.
    ///
    /// # Errors
    /// If the node runs, or is not in the new list. If the new generation is not higher than the
    /// generation in the record. If the epoch of the record is above the floor, or too far below
    /// it. If the algorithm has no floor. If the save fails.
    pub fn change<A: ElectionAlgorithm>(
        folder: impl AsRef<Path>,
        change: &ListChange,
    ) -> Result<bool, RecordError> {
        let folder = folder.as_ref();
        let (mut open, identity) = open_as_found(folder)?;
        let nodes = sorted(change.nodes.iter().copied());
        check_listed(&identity, &nodes)?;
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
        // A floor with a typing error would use up epochs, and epochs cannot be taken back.
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
        let state = encode(Some(&raised))?;
        open.slots.save(|slot| {
            slot.roster = Some(roster);
            slot.state = state;
        })?;
        Ok(true)
    }

    /// Makes a stopped node forget the disk with which a peer was first admitted, and returns that
    /// disk. After that, the node admits the next disk with the id of that peer.
    ///
    /// Never use this function to admit a node that has lost its disk: that node has forgotten its
    /// votes.
    ///
    /// # Errors
    /// If the node runs, or if the save fails.
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
        open.slots.save(|slot| slot.roster = Some(roster))?;
        Ok(Some(disk))
    }
}

/// Returns the state of the algorithm in an open record, and the epoch of this state.
fn state<A: ElectionAlgorithm>(
    open: &OpenRecord,
    identity: &Identity,
    folder: &Path,
) -> Result<(A::Durable, Epoch), RecordError> {
    let path = folder.join(NAME);
    let wanted = Identity::of::<A>(identity.cluster.as_str(), identity.node);
    identity.check(&wanted, &path)?;
    let durable: Option<A::Durable> = decode(open.slots.state(), &path)?;
    let durable = durable.unwrap_or_default();
    // The epoch does not depend on the list of nodes, so a list of one node is enough.
    let alone = Membership::new(identity.node, [identity.node]);
    let alone = alone.map_err(|_| RecordError::NotListed {
        node: identity.node,
        nodes: Vec::new(),
    })?;
    let node = A::restore(&A::Config::default(), alone, durable.clone());
    Ok((durable, node.view().epoch))
}
