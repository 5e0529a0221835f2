use std::{
    fs::File,
    sync::{Arc, Mutex},
};

use elector_core::{DiskId, NodeId};
use thiserror::Error;

#[cfg(feature = "http")]
use super::save_times::SaveTimes;
use super::{
    error::RecordError, location::Location, lock::Lock, roster::Roster, slot::Slot, slots::Slots,
};
use crate::link::lock;

/// A handle of the record of a [`FileStorage`](super::FileStorage), for other parts of the same
/// node. The transport reads the list of nodes and the disk id, which it sends to peers, and stores
/// the disk ids of peers. The HTTP service reads how long saves take. The program calls
/// [`check`](Self::check). A clone is cheap.
#[derive(Clone, Debug, Default)]
pub struct RecordHandle(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// The record; `None` while the storage does not have it open.
    open: Mutex<Option<OpenRecord>>,
    /// A copy of the [`Roster`] in the record, which can be read without waiting for the disk.
    roster: Mutex<Option<Roster>>,
    #[cfg(feature = "http")]
    save_times: SaveTimes,
}

impl Shared {
    /// Checks that the record is still in its place, saves the newest state with this change, and
    /// measures how long the save takes.
    fn save(
        &self,
        open: &mut OpenRecord,
        change: impl FnOnce(&mut Slot),
    ) -> Result<(), RecordError> {
        open.location.check()?;
        #[cfg(feature = "http")]
        let begun = std::time::Instant::now();
        open.slots.save(change)?;
        #[cfg(feature = "http")]
        self.save_times.observe(begun.elapsed());
        Ok(())
    }
}

/// An open record.
#[derive(Debug)]
pub(super) struct OpenRecord {
    pub(super) slots: Slots<File>,
    pub(super) location: Location,
    // The fields are dropped in this order, so the locks are released last: no other process may
    // open the record before this process has closed it.
    pub(super) _locks: [Lock; 2],
}

/// The reason why the disk of a peer was not admitted, or why data about the cluster was not
/// stored.
#[derive(Debug, Error)]
pub(crate) enum AdmitError {
    #[error("the peer was first admitted with the disk {0}")]
    Other(DiskId),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error("the record is not open")]
    Closed,
}

impl RecordHandle {
    /// Returns the encoded state of the algorithm; `None` if the record is closed.
    pub(super) fn state(&self) -> Option<Vec<u8>> {
        let open = lock(&self.0.open);
        open.as_ref().map(|open| open.slots.state().to_vec())
    }

    /// Returns the [`Roster`], which is what the record says about the cluster; `None` before the
    /// first load.
    pub(crate) fn roster(&self) -> Option<Roster> {
        lock(&self.0.roster).clone()
    }

    pub(super) fn open(&self, open: OpenRecord) {
        *lock(&self.0.roster) = open.slots.roster().cloned();
        *lock(&self.0.open) = Some(open);
    }

    pub(super) fn close(&self) {
        *lock(&self.0.open) = None;
    }

    /// Checks that an open record is still where it was opened. A node whose record was deleted,
    /// moved or replaced must stop: after the next start, the node would have forgotten its votes.
    ///
    /// Every save begins with this check. But a node may save nothing for months. So a program
    /// should also call this method from time to time, and stop the node on an error. The command
    /// `elector` does this. The method asks the file system, and waits for a save in progress: call
    /// it on a thread that may block.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use elector_core::actor::NodeHandle;
    /// use elector_net::RecordHandle;
    ///
    /// async fn end_without_record(node: NodeHandle, record: RecordHandle) {
    ///     loop {
    ///         tokio::time::sleep(Duration::from_secs(10)).await;
    ///         let record = record.clone();
    ///         let checked = tokio::task::spawn_blocking(move || record.check()).await;
    ///         if let Ok(Err(error)) = checked {
    ///             eprintln!("{error}");
    ///             let _ = node.leave(Duration::from_secs(10)).await;
    ///             return;
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// If the record is not in its place any more, or if the file system cannot be asked.
    pub fn check(&self) -> Result<(), RecordError> {
        // The lock is not held while the file system is asked: the file system may hang, and saves
        // need the lock.
        let location = lock(&self.0.open)
            .as_ref()
            .map(|open| open.location.clone());
        location.map_or(Ok(()), |location| location.check())
    }

    /// Changes a copy of the newest state, and saves this copy, if the record is open. Returns
    /// `None` if the record is closed.
    pub(super) fn save(&self, change: impl FnOnce(&mut Slot)) -> Option<Result<(), RecordError>> {
        let mut open = lock(&self.0.open);
        open.as_mut().map(|open| self.0.save(open, change))
    }

    /// Returns how long saves take.
    #[cfg(feature = "http")]
    pub(crate) fn save_times(&self) -> &SaveTimes {
        &self.0.save_times
    }

    /// Returns the id of the disk with which this node first admitted the peer; `None` if the
    /// record has no disk id of the peer.
    pub(crate) fn disk_of(&self, peer: NodeId) -> Option<DiskId> {
        let roster = lock(&self.0.roster);
        roster.as_ref()?.peers.get(&peer).copied()
    }

    /// Stores the lineage of the cluster, which is zero or the random number of its last recovery.
    /// If founders are given, also stores them: the nodes of the first start, each with its first
    /// disk. Returns when both are durable.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub(crate) fn join(
        &self,
        lineage: [u8; 16],
        founders: Option<Vec<(NodeId, DiskId)>>,
    ) -> Result<(), AdmitError> {
        let mut open = lock(&self.0.open);
        let open = open.as_mut().ok_or(AdmitError::Closed)?;
        let mut roster = open.slots.roster().ok_or(AdmitError::Closed)?.clone();
        roster.lineage = lineage;
        if let Some(founders) = founders {
            roster.peers = founders.into_iter().collect();
        }
        let saved = roster.clone();
        self.0.save(open, |slot| slot.roster = Some(saved))?;
        *lock(&self.0.roster) = Some(roster);
        Ok(())
    }

    /// Checks the disk of a peer. If no disk of this peer was admitted before, stores this disk and
    /// waits until it is durable.
    ///
    /// # Errors
    /// If the peer was first admitted with another disk, or if the record cannot be written.
    pub(crate) fn admit(&self, peer: NodeId, disk: DiskId) -> Result<(), AdmitError> {
        let mut open = lock(&self.0.open);
        let open = open.as_mut().ok_or(AdmitError::Closed)?;
        let mut roster = open.slots.roster().ok_or(AdmitError::Closed)?.clone();
        match roster.peers.get(&peer) {
            Some(known) if *known != disk => return Err(AdmitError::Other(*known)),
            Some(_) => return Ok(()),
            None => {}
        }
        roster.peers.insert(peer, disk);
        let saved = roster.clone();
        self.0.save(open, |slot| slot.roster = Some(saved))?;
        *lock(&self.0.roster) = Some(roster);
        Ok(())
    }
}
