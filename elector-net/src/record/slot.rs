use std::ops::Range;

use super::{error::RecordError, identity::Identity, roster::Roster};

/// How many slots a record has: two pairs.
pub(super) const SLOTS: u64 = 4;

/// The slots that a save writes, and waits for. The other pair holds the save before, durably.
/// Their slots alternate, so that what lies side by side says different things.
pub(super) fn pair(sequence: u64) -> [u64; 2] {
    [sequence % 2, sequence % 2 + 2]
}

pub(super) fn other_pair(sequence: u64) -> [u64; 2] {
    pair(sequence.wrapping_add(1))
}

/// The length of a slot in bytes. A write takes no more of it than it needs, so room is free.
pub(super) const SLOT: usize = 64 * 1024;

/// The length of a whole record in bytes.
pub(super) const RECORD: u64 = SLOTS * SLOT as u64;

/// What is read and written at once, in bytes. A part of a page would have to be read before it
/// could be written.
pub(super) const BLOCK: usize = 4096;

/// The newest format.
pub(super) const FORMAT: u32 = 2;

/// The format before there were rosters. It can be read; the first start after that adds one.
const FORMAT_WITHOUT_ROSTER: u32 = 1;

// The first twenty bytes are the same in every format, so that a format that is not known can be
// told from damage. Numbers are little-endian.
const MAGIC: [u8; 8] = *b"elector\0";
const FORMAT_AT: Range<usize> = 8..12;
/// The length of all that follows the checksum.
const LENGTH_AT: Range<usize> = 12..16;
/// Of all that is before and all that is after.
const CHECKSUM_AT: Range<usize> = 16..20;
const SEQUENCE_AT: Range<usize> = 20..28;
const BODY: usize = 28;

/// What a slot holds: one state of the node, complete by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// Counts saves. Of two states the one with the higher number is the newer.
    pub(super) sequence: u64,
    pub(super) identity: Identity,
    /// `None` in a record that was made before there were rosters.
    pub(super) roster: Option<Roster>,
    pub(super) state: Vec<u8>,
}

/// Why bytes are no slot of a known format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoSlot {
    /// Cut short, damaged, or never written.
    Invalid,
    /// Sound, and of a format that is not known.
    Format(u32),
}

impl Slot {
    /// Its bytes, in whole blocks.
    pub(super) fn encode(&self) -> Result<Vec<u8>, RecordError> {
        let mut bytes = Vec::with_capacity(BLOCK);
        bytes.resize(BODY, 0);
        bytes[..MAGIC.len()].copy_from_slice(&MAGIC);
        let format = match self.roster {
            Some(_) => FORMAT,
            None => FORMAT_WITHOUT_ROSTER,
        };
        bytes[FORMAT_AT].copy_from_slice(&format.to_le_bytes());
        bytes[SEQUENCE_AT].copy_from_slice(&self.sequence.to_le_bytes());
        bytes = postcard::to_extend(&self.identity, bytes).map_err(RecordError::Unencodable)?;
        if let Some(roster) = &self.roster {
            bytes = postcard::to_extend(roster, bytes).map_err(RecordError::Unencodable)?;
        }
        let most = SLOT.saturating_sub(bytes.len());
        bytes.extend_from_slice(&self.state);
        let length = u32::try_from(bytes.len() - CHECKSUM_AT.end);
        let (true, Ok(length)) = (bytes.len() <= SLOT, length) else {
            let bytes = self.state.len();
            return Err(RecordError::TooLong { bytes, most });
        };
        bytes[LENGTH_AT].copy_from_slice(&length.to_le_bytes());
        let checksum = checksum(&bytes);
        bytes[CHECKSUM_AT].copy_from_slice(&checksum.to_le_bytes());
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        Ok(bytes)
    }

    /// How many bytes of the slot matter, as its first block says; `None` if that is no first
    /// block.
    pub(super) fn length(block: &[u8]) -> Option<usize> {
        if !block.starts_with(&MAGIC) {
            return None;
        }
        let length = usize::try_from(number(block, LENGTH_AT)?).ok()?;
        let length = length.checked_add(CHECKSUM_AT.end)?;
        (BODY..=SLOT).contains(&length).then_some(length)
    }

    /// Reads a slot from its bytes; what follows them does not matter.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, NoSlot> {
        Self::length(bytes)
            .and_then(|length| Self::sound(bytes.get(..length)?))
            .unwrap_or(Err(NoSlot::Invalid))
    }

    fn sound(bytes: &[u8]) -> Option<Result<Self, NoSlot>> {
        if number(bytes, CHECKSUM_AT)? != checksum(bytes) {
            return None;
        }
        let format = number(bytes, FORMAT_AT)?;
        if ![FORMAT_WITHOUT_ROSTER, FORMAT].contains(&format) {
            return Some(Err(NoSlot::Format(format)));
        }
        let sequence = bytes.get(SEQUENCE_AT)?.try_into().ok()?;
        let (identity, rest) = postcard::take_from_bytes(bytes.get(BODY..)?).ok()?;
        let (roster, state) = match format {
            FORMAT_WITHOUT_ROSTER => (None, rest),
            _ => {
                let (roster, state) = postcard::take_from_bytes(rest).ok()?;
                (Some(roster), state)
            }
        };
        Some(Ok(Self {
            sequence: u64::from_le_bytes(sequence),
            identity,
            roster,
            state: state.to_vec(),
        }))
    }
}

fn number(bytes: &[u8], at: Range<usize>) -> Option<u32> {
    let bytes = bytes.get(at)?.try_into().ok()?;
    Some(u32::from_le_bytes(bytes))
}

fn checksum(bytes: &[u8]) -> u32 {
    let (before, after) = bytes.split_at(CHECKSUM_AT.start.min(bytes.len()));
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(before);
    hasher.update(after.get(CHECKSUM_AT.len()..).unwrap_or_default());
    hasher.finalize()
}
