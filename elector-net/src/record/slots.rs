use std::{io, path::PathBuf};

use super::{
    disk::Medium,
    error::RecordError,
    examine::{Examined, SlotState, damaged, examine},
    identity::Identity,
    roster::Roster,
    slot::{SLOT, Slot, other_pair, pair},
};

/// An open record, and the rules for writing it. The documentation of the module `record` explains
/// the rules.
#[derive(Debug)]
pub(super) struct Slots<M> {
    medium: M,
    path: PathBuf,
    /// The newest state: the state that was loaded, or the state that was saved last.
    newest: Slot,
    /// `true` if a write to the record has failed, or if a panic has interrupted a write. Then it
    /// is unknown what the disk holds.
    is_poisoned: bool,
}

impl<M: Medium> Slots<M> {
    /// Opens a record. When this function returns, the newest state in the record is durable.
    pub(super) fn open(
        mut medium: M,
        path: PathBuf,
        identity: &Identity,
    ) -> Result<Self, RecordError> {
        let Examined { newest, slots } = examine(&mut medium, &path)?;
        newest.identity.check(identity, &path)?;
        if slots.iter().any(|slot| *slot != SlotState::Newest) {
            tracing::warn!(
                record = %path.display(), ?slots, sequence = newest.sequence,
                "newest state is not in every slot of the record: normal after a crash, else check \
                 the disk"
            );
        }
        let bytes = newest.encode()?;
        let mut record = Self {
            medium,
            path,
            newest,
            is_poisoned: false,
        };
        record.make_durable(&slots, &bytes)?;
        Ok(record)
    }

    /// Returns the newest state.
    pub(super) fn state(&self) -> &[u8] {
        &self.newest.state
    }

    /// Returns `true` if the state is that of an algorithm whose members can change.
    pub(super) fn changes_members(&self) -> bool {
        self.newest.changes_members
    }

    /// Returns `true` if there was a save after the creation of the record, which is save 1.
    pub(super) fn has_run(&self) -> bool {
        self.newest.sequence > 1
    }

    /// Returns what the newest state in the record says about the cluster; `None` if the record has
    /// the oldest format, which has no roster.
    pub(super) fn roster(&self) -> Option<&Roster> {
        self.newest.roster.as_ref()
    }

    /// Makes the loaded state durable. The state may be only in the kernel's cache: perhaps a
    /// process was killed before it could wait for the disk, or a write failed and the kernel
    /// marked its page as clean. So this method writes the state again, first into the pair of
    /// slots in which it was found, one slot at a time. If only one slot of this pair holds the
    /// state, this method writes that slot last. The other pair, which holds the previous save, may
    /// be the only durable copy of a state. So this method writes the other pair only after the
    /// loaded state is durable.
    fn make_durable(&mut self, slots: &[SlotState], bytes: &[u8]) -> Result<(), RecordError> {
        let mut pair = pair(self.newest.sequence);
        pair.sort_by_key(|slot| {
            let state = usize::try_from(*slot).ok().and_then(|at| slots.get(at));
            state == Some(&SlotState::Newest)
        });
        let [first, second] = pair;
        for together in [&[first][..], &[second], &other_pair(self.newest.sequence)] {
            self.poisoning(|record| {
                record.write(together, bytes)?;
                record.medium.sync()
            })?;
        }
        Ok(())
    }

    /// Changes a copy of the newest state, and saves this copy. When this method returns, the state
    /// is durable in two of the four slots, which are its places in the file, and is written to the
    /// other two.
    pub(super) fn save(&mut self, change: impl FnOnce(&mut Slot)) -> Result<(), RecordError> {
        let mut newer = self.newest.clone();
        change(&mut newer);
        let Some(sequence) = self.newest.sequence.checked_add(1) else {
            return Err(damaged(&self.path, "it has no number for another save"));
        };
        newer.sequence = sequence;
        let bytes = newer.encode()?;
        self.poisoning(|record| {
            record.write(&pair(sequence), &bytes)?;
            record.medium.sync()?;
            // This write becomes durable with the next save, or when the kernel writes it to the
            // disk.
            record.write(&other_pair(sequence), &bytes)
        })?;
        self.newest = newer;
        Ok(())
    }

    /// Runs `work`, which writes to the record. If `work` fails or panics, the record is poisoned:
    /// all later writes fail.
    fn poisoning(
        &mut self,
        work: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> Result<(), RecordError> {
        if self.is_poisoned {
            let path = self.path.clone();
            return Err(RecordError::Failed { path });
        }
        self.is_poisoned = true;
        work(self).map_err(|error| RecordError::Write {
            path: self.path.clone(),
            error,
        })?;
        self.is_poisoned = false;
        Ok(())
    }

    fn write(&mut self, slots: &[u64], bytes: &[u8]) -> io::Result<()> {
        slots
            .iter()
            .try_for_each(|slot| self.medium.write_at(slot * SLOT as u64, bytes))
    }
}
