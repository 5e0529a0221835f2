use std::{io, path::PathBuf};

use super::{
    disk::Medium,
    error::RecordError,
    examine::{Examined, SlotState, damaged, examine},
    identity::Identity,
    roster::Roster,
    slot::{SLOT, Slot, other_pair, pair},
};

/// An open record, and the rules by which it is written. See the module's documentation for why
/// they are these.
#[derive(Debug)]
pub(super) struct Slots<M> {
    medium: M,
    path: PathBuf,
    /// The newest save.
    newest: Slot,
    /// Whether a write failed, or may have.
    failed: bool,
}

impl<M: Medium> Slots<M> {
    /// Opens a record. The newest state in it is durable from then on.
    pub(super) fn open(
        mut medium: M,
        path: PathBuf,
        identity: &Identity,
    ) -> Result<Self, RecordError> {
        let Examined { newest, slots } = examine(&mut medium, &path)?;
        if newest.identity != *identity {
            return Err(RecordError::Foreign {
                path,
                found: Box::new(newest.identity),
                wanted: Box::new(identity.clone()),
            });
        }
        if slots.iter().any(|slot| *slot != SlotState::Newest) {
            tracing::warn!(
                record = %path.display(), ?slots, sequence = newest.sequence,
                "the newest state is not in every slot; a crash does that, and so does a bad disk"
            );
        }
        let bytes = newest.encode()?;
        let mut record = Self {
            medium,
            path,
            newest,
            failed: false,
        };
        record.settle(&slots, &bytes)?;
        Ok(record)
    }

    /// The newest state.
    pub(super) fn state(&self) -> &[u8] {
        &self.newest.state
    }

    /// The newest roster; `None` in a record that was made before there were rosters.
    pub(super) fn roster(&self) -> Option<&Roster> {
        self.newest.roster.as_ref()
    }

    /// Makes durable what was read. It may be in the kernel's cache only: written by a process that
    /// was killed before it could wait for the disk, or, after a write that failed, in a page that
    /// the kernel takes for clean. So it is written again, and by itself into each slot of its
    /// pair: at no point does the only slot that holds it change, nor the pair of the save before
    /// while that may be all there is.
    fn settle(&mut self, slots: &[SlotState], bytes: &[u8]) -> Result<(), RecordError> {
        let mut pair = pair(self.newest.sequence);
        pair.sort_by_key(|slot| {
            let state = usize::try_from(*slot).ok().and_then(|at| slots.get(at));
            state == Some(&SlotState::Newest)
        });
        let [first, second] = pair;
        for together in [&[first][..], &[second], &other_pair(self.newest.sequence)] {
            self.guarded(|record| {
                record.write(together, bytes)?;
                record.medium.sync()
            })?;
        }
        Ok(())
    }

    /// Saves a state, and returns when it is durable in a pair of slots and written to the other.
    pub(super) fn save(&mut self, state: Vec<u8>) -> Result<(), RecordError> {
        let newer = Slot {
            state,
            ..self.newest.clone()
        };
        self.write_down(newer)
    }

    /// The same for a roster, with the state as it is.
    pub(super) fn save_roster(&mut self, roster: Roster) -> Result<(), RecordError> {
        let newer = Slot {
            roster: Some(roster),
            ..self.newest.clone()
        };
        self.write_down(newer)
    }

    /// The same for both at once.
    pub(super) fn save_both(&mut self, roster: Roster, state: Vec<u8>) -> Result<(), RecordError> {
        let newer = Slot {
            roster: Some(roster),
            state,
            ..self.newest.clone()
        };
        self.write_down(newer)
    }

    fn write_down(&mut self, mut newer: Slot) -> Result<(), RecordError> {
        let Some(sequence) = self.newest.sequence.checked_add(1) else {
            return Err(damaged(&self.path, "it has no number for another save"));
        };
        newer.sequence = sequence;
        let bytes = newer.encode()?;
        self.guarded(|record| {
            record.write(&pair(sequence), &bytes)?;
            record.medium.sync()?;
            // It becomes durable with the next save, or when the kernel sees fit.
            record.write(&other_pair(sequence), &bytes)
        })?;
        self.newest = newer;
        Ok(())
    }

    /// Does something that leaves the record unusable if it fails, or panics.
    fn guarded(
        &mut self,
        work: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> Result<(), RecordError> {
        if self.failed {
            let path = self.path.clone();
            return Err(RecordError::Failed { path });
        }
        self.failed = true;
        work(self).map_err(|source| RecordError::Write {
            path: self.path.clone(),
            source,
        })?;
        self.failed = false;
        Ok(())
    }

    fn write(&mut self, slots: &[u64], bytes: &[u8]) -> io::Result<()> {
        slots
            .iter()
            .try_for_each(|slot| self.medium.write_at(slot * SLOT as u64, bytes))
    }
}
