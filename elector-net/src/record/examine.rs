use std::{io, path::Path};

use super::{
    disk::Medium,
    error::RecordError,
    slot::{BLOCK, FORMAT, NoSlot, RECORD, SLOT, SLOTS, Slot, pair},
};

/// The result of reading all slots of a record, which are the places of saved states in its file.
#[derive(Debug)]
pub(super) struct Examined {
    /// The newest valid state.
    pub(super) newest: Slot,
    pub(super) slots: [SlotState; SLOTS as usize],
}

/// The result of reading one slot of a record. A slot is the place of one saved state in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SlotState {
    /// The slot (a place for one saved state) holds the newest state.
    Newest,
    /// The slot (a place for one saved state) holds an older state.
    Older,
    /// The slot (a place for one saved state) holds no valid state: a crash cut the write short, or
    /// the slot is damaged.
    Invalid,
    /// The disk cannot read the slot, which is a place for one saved state.
    Unreadable,
}

enum Found {
    Valid(Slot),
    Invalid,
    Unreadable,
}

/// Reads a record, and returns its newest state. Returns an error if it is not certain which state
/// is the newest.
pub(super) fn examine(medium: &mut impl Medium, path: &Path) -> Result<Examined, RecordError> {
    let length = medium.length().map_err(|error| read_error(path, error))?;
    if length != RECORD {
        let what = format!("it has {length} bytes instead of {RECORD}");
        return Err(damaged(path, &what));
    }
    let [first, third] = read_pair(medium, pair(0), path)?;
    let [second, fourth] = read_pair(medium, pair(1), path)?;
    let found = [first, second, third, fourth];

    let valid = || found.iter().filter_map(Found::valid);
    let Some(newest) = valid().max_by_key(|slot| slot.sequence).cloned() else {
        return Err(damaged(path, "none of its slots is valid"));
    };
    if valid().any(|slot| slot.identity != newest.identity) {
        return Err(damaged(path, "its slots belong to different nodes"));
    }
    if valid().any(|slot| slot.sequence == newest.sequence && *slot != newest) {
        let what = "its slots hold different states with the same sequence number";
        return Err(damaged(path, what));
    }
    let slots = found.map(|found| match found {
        Found::Valid(slot) if slot.sequence == newest.sequence => SlotState::Newest,
        Found::Valid(_) => SlotState::Older,
        Found::Invalid => SlotState::Invalid,
        Found::Unreadable => SlotState::Unreadable,
    });
    Ok(Examined { newest, slots })
}

impl Found {
    fn valid(&self) -> Option<&Slot> {
        match self {
            Self::Valid(slot) => Some(slot),
            Self::Invalid | Self::Unreadable => None,
        }
    }
}

/// Reads a pair of slots, which are two places in the file for one state. An unreadable slot is no
/// error if the other slot of its pair is valid, because a save that was acknowledged has written
/// its state to both slots of a pair. If the other slot is not valid, a crash may have cut its
/// write short, or the disk may have lost both slots. Then this function returns an error and does
/// not take an older state, because the unreadable slot may become readable again.
fn read_pair(
    medium: &mut impl Medium,
    pair: [u64; 2],
    path: &Path,
) -> Result<[Found; 2], RecordError> {
    let mut unreadable = None;
    let mut read = |slot| {
        let bytes = read(medium, slot * SLOT as u64);
        match bytes.map(|bytes| Slot::decode(&bytes)) {
            Ok(Ok(slot)) => Ok(Found::Valid(slot)),
            Ok(Err(NoSlot::Invalid)) => Ok(Found::Invalid),
            Ok(Err(NoSlot::Format(found))) => Err(RecordError::Newer {
                path: path.to_path_buf(),
                found,
                known: FORMAT,
            }),
            Err(error) => {
                unreadable = Some(error);
                Ok(Found::Unreadable)
            }
        }
    };
    let [one, other] = pair;
    let found = [read(one)?, read(other)?];
    match unreadable {
        Some(error) if found.iter().all(|found| found.valid().is_none()) => {
            Err(read_error(path, error))
        }
        _ => Ok(found),
    }
}

fn read(medium: &mut impl Medium, offset: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; BLOCK];
    medium.read_at(offset, &mut bytes)?;
    if let Some(length) = Slot::length(&bytes)
        && length > BLOCK
    {
        bytes.resize(length, 0);
        medium.read_at(offset, &mut bytes)?;
    }
    Ok(bytes)
}

pub(super) fn damaged(path: &Path, what: &str) -> RecordError {
    RecordError::Damaged {
        path: path.to_path_buf(),
        what: what.into(),
    }
}

fn read_error(path: &Path, error: io::Error) -> RecordError {
    let path = path.to_path_buf();
    RecordError::Read { path, error }
}
