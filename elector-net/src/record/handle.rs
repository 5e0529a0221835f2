use std::{
    fs::File,
    sync::{Arc, Mutex},
};

use elector_core::NodeId;
use thiserror::Error;

#[cfg(feature = "http")]
use super::took::Took;
use super::{
    error::RecordError,
    lock::Lock,
    place::Place,
    roster::{DiskId, Roster},
    slots::Slots,
};
use crate::link::lock;

/// The record of a [`FileStorage`](super::FileStorage), for other parts of the same node. Its
/// transport tells peers which list and which disk this node has, and remembers their disks; the
/// HTTP service tells how long saves take; and [`check`](Self::check) is for the program. Cheap to
/// clone.
#[derive(Clone, Debug, Default)]
pub struct RecordHandle(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// The record, while the storage has it open.
    open: Mutex<Option<Open>>,
    /// A copy of its roster, which is read without waiting for the disk.
    roster: Mutex<Option<Roster>>,
    #[cfg(feature = "http")]
    took: Took,
}

impl Shared {
    /// Saves, if the record is still in its place, and notes how long that took.
    fn save(
        &self,
        open: &mut Open,
        save: impl FnOnce(&mut Slots<File>) -> Result<(), RecordError>,
    ) -> Result<(), RecordError> {
        open.place.check()?;
        #[cfg(feature = "http")]
        let begun = std::time::Instant::now();
        save(&mut open.slots)?;
        #[cfg(feature = "http")]
        self.took.observe(begun.elapsed());
        Ok(())
    }
}

/// A record that is open.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) slots: Slots<File>,
    pub(super) place: Place,
    // Dropped last: no other process may open the record before it is closed.
    pub(super) _locks: [Lock; 2],
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

impl RecordHandle {
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

    /// Checks that the record is still where it was opened, if it is open. A node whose record was
    /// deleted, moved or replaced must not go on: the next start would find it has forgotten.
    ///
    /// Every save begins with this check. But a node may save nothing for months, so a program
    /// should check from time to time, and end the node; the command `elector` does. It asks the
    /// file system, and waits for a save that is under way: not for a thread that must not wait.
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
    /// If it is not there, or if that cannot be found out.
    pub fn check(&self) -> Result<(), RecordError> {
        // The lock is not held meanwhile: the file system may hang, and the node saves under it.
        let place = lock(&self.0.open).as_ref().map(|open| open.place.clone());
        place.map_or(Ok(()), |place| place.check())
    }

    /// Saves, if the record is open.
    pub(super) fn save(
        &self,
        save: impl FnOnce(&mut Slots<File>) -> Result<(), RecordError>,
    ) -> Option<Result<(), RecordError>> {
        let mut open = lock(&self.0.open);
        open.as_mut().map(|open| self.0.save(open, save))
    }

    /// How long saves take.
    #[cfg(feature = "http")]
    pub(crate) fn took(&self) -> &Took {
        &self.0.took
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
        self.0.save(open, |slots| slots.save_roster(saved))?;
        *lock(&self.0.roster) = Some(roster);
        Ok(())
    }
}
