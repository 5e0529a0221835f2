use std::ops::Range;

use super::{error::RecordError, identity::Identity, roster::Roster};

/// The number of slots in a record: two pairs. A [`Slot`] is the place of one saved state.
pub(super) const SLOTS: u64 = 4;

/// Returns the numbers of the two [slots](Slot) that the save with this sequence number writes
/// first, and whose bytes it makes durable. Meanwhile the other two slots durably hold the previous
/// save. The slots of the two pairs alternate in the file, so the two slots of a pair are not
/// neighbours on the disk.
pub(super) fn pair(sequence: u64) -> [u64; 2] {
    [sequence % 2, sequence % 2 + 2]
}

pub(super) fn other_pair(sequence: u64) -> [u64; 2] {
    pair(sequence.wrapping_add(1))
}

/// The length in bytes of a slot, which is the place of one saved state in the file. A save writes
/// only the [blocks](BLOCK) that its state needs, so the length of the slots does not make a save
/// slower.
pub(super) const SLOT: usize = 64 * 1024;

/// The length of the file of a record in bytes: the length of all [slots](Slot) together.
pub(super) const RECORD: u64 = SLOTS * SLOT as u64;

/// The unit of reads and writes, in bytes. Smaller writes are not useful: the kernel would have to
/// read a page before it could write a part of it.
pub(super) const BLOCK: usize = 4096;

/// The newest format of a [slot](Slot), for algorithms whose members can change while the nodes
/// run. In this format, the list of the present members is not in the [`Roster`], but is a part of
/// the state of the algorithm.
pub(super) const FORMAT: u32 = 3;

/// The format of a [slot](Slot) for algorithms whose members are fixed: they are the nodes in the
/// [`Roster`], which change only while all nodes are stopped.
const FORMAT_WITH_FIXED_MEMBERS: u32 = 2;

/// The format of records that were written before records had a [`Roster`], which is data about the
/// cluster. This release can still read these records. The first start with such a record adds a
/// roster.
const FORMAT_WITHOUT_ROSTER: u32 = 1;

// The first twenty bytes of a slot (a saved state in the file) have the same meaning in every
// format, so that a slot of an unknown format does not look damaged. Numbers are little-endian.
const MAGIC: [u8; 8] = *b"elector\0";
const FORMAT_AT: Range<usize> = 8..12;
/// The place of the length in a [slot](Slot). The length is the number of bytes in use after the
/// checksum.
const LENGTH_AT: Range<usize> = 12..16;
/// The place of the checksum in a [slot](Slot). The checksum covers all bytes in use that are
/// before the checksum or after it.
const CHECKSUM_AT: Range<usize> = 16..20;
const SEQUENCE_AT: Range<usize> = 20..28;
const BODY: usize = 28;

/// The contents of a slot: one complete state of the node. A slot is a place for one saved state in
/// the file of a record, which has four slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// The number of the save. Of two states, the one with the higher number is newer.
    pub(super) sequence: u64,
    pub(super) identity: Identity,
    /// What the record says about the cluster; `None` in the oldest format, which has no roster.
    pub(super) roster: Option<Roster>,
    /// Whether the state is that of an algorithm whose members can change.
    pub(super) changes_members: bool,
    pub(super) state: Vec<u8>,
}

/// The reason why bytes are not a [slot](Slot) of a known format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoSlot {
    /// The [slot](Slot) is truncated, damaged, or was never written.
    Invalid,
    /// The [slot](Slot) is valid, but its format is unknown.
    Format(u32),
}

impl Slot {
    /// Encodes the slot, and fills the rest of its last [block](BLOCK) with zeros.
    pub(super) fn encode(&self) -> Result<Vec<u8>, RecordError> {
        let mut bytes = Vec::with_capacity(BLOCK);
        bytes.resize(BODY, 0);
        bytes[..MAGIC.len()].copy_from_slice(&MAGIC);
        let format = match self.roster {
            Some(_) if self.changes_members => FORMAT,
            Some(_) => FORMAT_WITH_FIXED_MEMBERS,
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

    /// Reads from the first block of a slot how many bytes of the slot are in use. Returns `None`
    /// if the bytes are not the first block of a slot.
    pub(super) fn length(block: &[u8]) -> Option<usize> {
        if !block.starts_with(&MAGIC) {
            return None;
        }
        let length = usize::try_from(number(block, LENGTH_AT)?).ok()?;
        let length = length.checked_add(CHECKSUM_AT.end)?;
        (BODY..=SLOT).contains(&length).then_some(length)
    }

    /// Decodes a slot. Bytes after the end of the slot are ignored.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, NoSlot> {
        Self::length(bytes)
            .and_then(|length| Self::decode_valid(bytes.get(..length)?))
            .unwrap_or(Err(NoSlot::Invalid))
    }

    fn decode_valid(bytes: &[u8]) -> Option<Result<Self, NoSlot>> {
        if number(bytes, CHECKSUM_AT)? != checksum(bytes) {
            return None;
        }
        let format = number(bytes, FORMAT_AT)?;
        if ![FORMAT_WITHOUT_ROSTER, FORMAT_WITH_FIXED_MEMBERS, FORMAT].contains(&format) {
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
            changes_members: format == FORMAT,
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
