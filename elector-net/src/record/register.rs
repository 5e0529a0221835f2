use std::{
    fs::File,
    sync::{Arc, Mutex},
};

use elector_core::NodeId;
use thiserror::Error;

use super::{
    error::RecordError,
    lock::Lock,
    roster::{DiskId, Roster},
    slots::Slots,
};
use crate::link::lock;

/// The roster of a [`FileStorage`](super::FileStorage), for the transport of the same node: it
/// tells peers which list and which disk this node has, and remembers their disks. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Register(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// The record, while the storage has it open.
    open: Mutex<Option<Open>>,
    /// A copy of its roster, which is read without waiting for the disk.
    roster: Mutex<Option<Roster>>,
}

/// A record that is open.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) slots: Slots<File>,
    // Dropped last: no other process may open the record before it is closed.
    pub(super) _lock: Lock,
}

/// Why the disk of a peer was not admitted.
#[derive(Debug, Error)]
pub(crate) enum AdmitError {
    #[error("the peer was first admitted with the disk {0}")]
    Other(DiskId),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error("the record is not open")]
    Closed,
}

impl Register {
    /// The roster of the record; `None` before it was loaded.
    pub(crate) fn roster(&self) -> Option<Roster> {
        lock(&self.0.roster).clone()
    }

    pub(super) fn open(&self, open: Open) {
        *lock(&self.0.roster) = open.slots.roster().cloned();
        *lock(&self.0.open) = Some(open);
    }

    pub(super) fn close(&self) {
        *lock(&self.0.open) = None;
    }

    /// Works with the record, if it is open.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Open) -> T) -> Option<T> {
        lock(&self.0.open).as_mut().map(work)
    }

    /// The disk with which the peer was first admitted.
    pub(crate) fn disk_of(&self, peer: NodeId) -> Option<DiskId> {
        let roster = lock(&self.0.roster);
        roster.as_ref()?.peers.get(&peer).copied()
    }

    /// Checks the disk of a peer, or remembers it if the peer was never admitted before. Then it
    /// waits for this node's own disk.
    ///
    /// # Errors
    /// If the peer was first admitted with another disk; if the record cannot be written.
    pub(crate) fn admit(&self, peer: NodeId, disk: DiskId) -> Result<(), AdmitError> {
        self.with(|open| {
            let mut roster = open.slots.roster().ok_or(AdmitError::Closed)?.clone();
            match roster.peers.get(&peer) {
                Some(known) if *known != disk => return Err(AdmitError::Other(*known)),
                Some(_) => return Ok(()),
                None => {}
            }
            roster.peers.insert(peer, disk);
            open.slots.save_roster(roster.clone())?;
            *lock(&self.0.roster) = Some(roster);
            Ok(())
        })
        .unwrap_or(Err(AdmitError::Closed))
    }
}
