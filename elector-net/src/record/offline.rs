//! Reads and changes the record of a stopped node.

use std::path::Path;

use elector_core::{
    Configuration as _, DiskId, ElectionAlgorithm, Epoch, MembersReport, Membership, NodeId,
    actor::now,
};

use super::{
    error::RecordError,
    format::NAME,
    handle::OpenRecord,
    identity::Identity,
    roster::{Roster, sorted},
    state_format::StateFormat,
    storage::{FileStorage, check_listed, decode, encode, open_as_found},
};

/// A change of the list of nodes. It must be made on the record of each node while all nodes of the
/// old list and of the new list are stopped. See [`FileStorage::change`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListChange {
    /// The ids of all nodes from now on.
    pub nodes: Vec<NodeId>,
    /// The generation of the new list, which counts the changes of the list. It must be one more
    /// than the highest generation in all records.
    pub generation: u64,
    /// The highest epoch in the records of all nodes. After the change, no node leads or votes in
    /// this epoch or an earlier one, so fencing tokens keep rising.
    pub floor: Epoch,
}

/// The contents of the record of a stopped node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoppedNode {
    /// The identity in the record.
    pub identity: Identity,
    /// What the record says about the cluster; `None` if the record has the oldest format, which
    /// has no roster.
    pub roster: Option<Roster>,
    /// The highest epoch that the node took part in.
    pub epoch: Epoch,
    /// The members of the cluster, as far as this node knows; `None` if they are fixed.
    pub members: Option<MembersReport>,
}

/// By how many epochs [`FileStorage::recover`] raises the epoch of a node.
pub const RECOVERY_EPOCHS: u64 = 1 << 32;

/// The result of [`FileStorage::recover`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovery {
    /// The node that is the only voter now.
    pub identity: Identity,
    /// The epoch of this node before the recovery.
    pub before: Epoch,
    /// The epoch of this node after the recovery.
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
        let (_, epoch, members) = state::<A>(&open, &identity, folder.as_ref())?;
        Ok(StoppedNode {
            identity,
            roster: open.slots.roster().cloned(),
            epoch,
            members,
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
    /// it. If the algorithm cannot raise its epochs above a floor, or if its members can change. If
    /// the save fails.
    pub fn change<A: ElectionAlgorithm>(
        folder: impl AsRef<Path>,
        change: &ListChange,
    ) -> Result<bool, RecordError> {
        let folder = folder.as_ref();
        let (mut open, identity) = open_as_found(folder)?;
        if A::CHANGES_MEMBERS {
            let path = folder.join(NAME);
            return Err(RecordError::ChangesMembers { path });
        }
        let nodes = sorted(change.nodes.iter().copied());
        check_listed(&identity, &nodes)?;
        let (durable, epoch, _) = state::<A>(&open, &identity, folder)?;
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
        // The floor must be the highest epoch in the records of all nodes. This check finds a
        // mistyped floor: a floor that is far too high would use up epochs, and epochs never go
        // back.
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

    /// Makes a stopped node that runs `A` the only voter of its cluster, and begins a new lineage
    /// of the cluster: a new random number in the record ([`Roster::lineage`]). Use this function
    /// only if a majority of the voters is lost permanently, and if no other node of the cluster
    /// runs. From then on, nodes with the old number are rejected. They join again with new records
    /// ([`format_to_join`](Self::format_to_join)).
    ///
    /// The epoch of the node rises by [`RECOVERY_EPOCHS`], so fencing tokens keep rising even if
    /// lost nodes had elected leaders that this node does not know.
    ///
    /// # Errors
    /// If the node runs, if the members of the algorithm are fixed, or if the save fails.
    pub fn recover<A: ElectionAlgorithm>(
        folder: impl AsRef<Path>,
    ) -> Result<Recovery, RecordError> {
        let folder = folder.as_ref();
        let (mut open, identity) = open_as_found(folder)?;
        let (durable, epoch, _) = state::<A>(&open, &identity, folder)?;
        let mut roster = match open.slots.roster() {
            Some(roster) => roster.clone(),
            None => Roster::first([identity.node]),
        };
        let floor = Epoch(epoch.0.saturating_add(RECOVERY_EPOCHS - 1));
        let recovered = A::recovered(&durable, identity.node, roster.disk, floor);
        let recovered = recovered.ok_or(RecordError::NoFloor { algorithm: A::NAME })?;
        roster.begin_lineage(identity.node);
        let state = encode(Some(&recovered))?;
        let recovery = Recovery {
            identity,
            before: epoch,
            epoch: Epoch(floor.0.saturating_add(1)),
        };
        open.slots.save(|slot| {
            slot.roster = Some(roster);
            slot.changes_members = true;
            slot.state = state;
        })?;
        Ok(recovery)
    }

    /// Makes a stopped node forget the id of the disk with which it first admitted a peer, and
    /// returns this disk id. After that, the node admits the peer with any disk, and stores the id
    /// of that disk.
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

/// Returns the state of the algorithm in an open record, the epoch of this state, and the members
/// in this state if the algorithm can change its members.
fn state<A: ElectionAlgorithm>(
    open: &OpenRecord,
    identity: &Identity,
    folder: &Path,
) -> Result<(A::Durable, Epoch, Option<MembersReport>), RecordError> {
    let path = folder.join(NAME);
    let wanted = Identity::of::<A>(identity.cluster.as_str(), identity.node);
    identity.check(&wanted, &path)?;
    let converted = StateFormat::of::<A>().state_of(&open.slots, &path)?;
    let state = converted.as_deref().unwrap_or(open.slots.state());
    let durable: Option<A::Durable> = decode(state, &path)?;
    let durable = durable.unwrap_or_default();
    // The epoch does not depend on the list of nodes, so a list of one node is enough.
    let alone = Membership::new(identity.node, [identity.node]);
    let alone = alone.map_err(|_| RecordError::NotListed {
        node: identity.node,
        nodes: Vec::new(),
    })?;
    let mut config = A::Config::default();
    if let Some(roster) = open.slots.roster() {
        // The algorithm recognizes a voter by its node id and its disk. Without the disk id, it
        // would take this node for an observer, and would return the epoch of an observer.
        config.set_disk(roster.disk, &roster.nodes);
    }
    let node = A::restore(&config, alone, durable.clone());
    let members = node.members_report(now());
    Ok((durable, node.view().epoch, members))
}
