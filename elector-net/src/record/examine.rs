use std::{io, path::Path};

use super::{
    disk::Medium,
    error::RecordError,
    slot::{BLOCK, FORMAT, NoSlot, RECORD, SLOT, SLOTS, Slot, pair},
};

/// What the slots of a record say together.
#[derive(Debug)]
pub(super) struct Examined {
    /// The newest state that is whole.
    pub(super) newest: Slot,
    pub(super) slots: [SlotState; SLOTS as usize],
}

/// What one slot of a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SlotState {
    /// The newest state.
    Newest,
    /// An older state, whole.
    Older,
    /// Nothing: a write was cut short by a crash, or it was damaged.
    Invalid,
    /// The disk does not give it.
    Unreadable,
}

enum Found {
    Valid(Slot),
    Invalid,
    Unreadable,
}

/// Reads a record, and decides what it says, if it says anything for certain.
pub(super) fn examine(medium: &mut impl Medium, path: &Path) -> Result<Examined, RecordError> {
    let length = medium.length().map_err(|source| unread(path, source))?;
    if length != RECORD {
        let what = format!("it has {length} bytes instead of {RECORD}");
        return Err(damaged(path, &what));
    }
    let [first, third] = read_pair(medium, pair(0), path)?;
    let [second, fourth] = read_pair(medium, pair(1), path)?;
    let found = [first, second, third, fourth];

    let valid = || found.iter().filter_map(Found::valid);
    let Some(newest) = valid().max_by_key(|slot| slot.sequence).cloned() else {
        return Err(damaged(path, "none of its slots is whole"));
    };
    if valid().any(|slot| slot.identity != newest.identity) {
        return Err(damaged(path, "its slots are of different nodes"));
    }
    if valid().any(|slot| slot.sequence == newest.sequence && *slot != newest) {
        let what = "its slots say different things of the same save";
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

/// A slot that the disk does not give is forgiven if the other one of its pair is whole: what was
/// acknowledged is in both. If it is not whole, a crash may have cut it short, or the disk may have
/// lost both; and while the disk gives nothing, that need not be the last word.
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
        Some(source) if found.iter().all(|found| found.valid().is_none()) => {
            Err(unread(path, source))
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

fn unread(path: &Path, source: io::Error) -> RecordError {
    let path = path.to_path_buf();
    RecordError::Read { path, source }
}
