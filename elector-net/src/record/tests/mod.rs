//! Tests of a record on a disk that fails. The checks also run with a flaw: a rule of saves and
//! loads that is broken on purpose ([`fake::Flaw`]). Then they must report an error.

mod crash;
mod damage;
mod fake;
mod format;
mod random;
mod refusals;

use fake::{FakeFile, FakeFolder, Flaw, Phase, SECTOR, Tear};

use elector_core::DiskId;

use super::{
    error::RecordError,
    format::{NAME, format},
    identity::Identity,
    roster::Roster,
    slots::Slots,
};

/// The lengths of the tested states, in bytes. A slot, the place of one state in the file, needs
/// one sector of 512 bytes for the first length, several sectors of one block of 4096 bytes for the
/// second, and several blocks for the third.
const LENGTHS: [usize; 3] = [9, 1200, 5000];

fn identity() -> Identity {
    Identity {
        cluster: "c".into(),
        node: 1.into(),
        algorithm: "raft".into(),
    }
}

fn roster() -> Roster {
    Roster {
        nodes: vec![1.into(), 2.into()],
        generation: 3,
        lineage: [4; 16],
        disk: DiskId::from_bytes([5; 16]),
        peers: [(2.into(), DiskId::from_bytes([6; 16]))].into(),
    }
}

/// The number of bytes before the state in a slot (the place of a saved state) of these tests:
/// header, identity, roster.
const BEFORE_STATE: usize = 28 + 8 + 54;

/// Returns a state of this length, in which every byte depends on `value`, the number of its save.
fn state(value: u64, length: usize) -> Vec<u8> {
    let mut state = value.to_le_bytes().to_vec();
    state.resize(length, value as u8);
    state
}

/// Replaces the checksum in the first block of a slot (one saved state) by the correct checksum of
/// the present bytes.
fn forge(block: &mut [u8]) {
    let length = 20 + u32::from_le_bytes(block[12..16].try_into().unwrap()) as usize;
    let covered = [&block[..16], &block[20..length]].concat();
    block[16..20].copy_from_slice(&crc32fast::hash(&covered).to_le_bytes());
}

/// Returns the number of the save to which a state belongs. Panics on a mixture of two states.
fn value(state: &[u8]) -> u64 {
    let value = u64::from_le_bytes(state[..8].try_into().unwrap());
    assert!(state[8..].iter().all(|byte| *byte == value as u8));
    value
}

/// Creates a record on a fake disk with this [`Flaw`]. The creation of the record counts as save 0.
fn made(flaw: Flaw, length: usize) -> FakeFile {
    let mut folder = FakeFolder::new(flaw);
    let (identity, state) = (identity(), state(0, length));
    format(&mut folder, "".as_ref(), &identity, roster(), state).unwrap();
    let file = folder.file(NAME).unwrap().fork();
    file.write_back();
    file
}

fn load(file: &FakeFile) -> Result<(Slots<FakeFile>, u64), RecordError> {
    file.begin(Phase::Load);
    let slots = Slots::open(file.clone(), "record".into(), &identity())?;
    let value = value(slots.state());
    Ok((slots, value))
}

fn save(
    file: &FakeFile,
    slots: &mut Slots<FakeFile>,
    value: u64,
    length: usize,
) -> Result<(), RecordError> {
    file.begin(Phase::Save);
    slots.save(|slot| slot.state = state(value, length))
}

/// Creates a record on a fake disk with this [`Flaw`], opens the record, and makes this many saves.
fn saved(flaw: Flaw, saves: u64, length: usize) -> (FakeFile, Slots<FakeFile>) {
    let file = made(flaw, length);
    let (mut slots, _) = load(&file).unwrap();
    for value in 1..=saves {
        save(&file, &mut slots, value, length).unwrap();
    }
    (file, slots)
}

/// Loads the record. Checks that the result is the save number `acknowledged`, or a later save up
/// to the number `begun`, which is the last save that had begun.
fn check(file: &FakeFile, acknowledged: u64, begun: u64) -> Result<u64, String> {
    match load(file) {
        Ok((_, value)) if (acknowledged..=begun).contains(&value) => Ok(value),
        Ok((_, value)) => Err(format!(
            "save {value} was loaded, but {acknowledged} was acknowledged and {begun} begun"
        )),
        Err(error) => Err(format!("refused; {acknowledged} was acknowledged: {error}")),
    }
}

/// A few ways in which a power cut can tear a write.
const COARSE: [Tear; 4] = [Tear::Lost, Tear::Whole, Tear::Prefix(23), Tear::Garbage(0)];

/// Returns many ways to tear the write of a state of this length: after every byte of the first 64
/// and of the last 16, and after some other bytes; in mixtures of old and new sectors; and with one
/// sector of garbage.
fn fine(length: usize) -> Vec<Tear> {
    let end = length + 64;
    let bytes = (0..end).filter(|at| *at < 64 || end - at < 16 || at % 251 == 0);
    let sectors = end.div_ceil(SECTOR);
    let mixtures = (0..1 << sectors.min(4)).chain([0x155, 0x2aa, 0x0f0, 0x30f]);
    bytes
        .map(Tear::Prefix)
        .chain(mixtures.map(Tear::Sectors))
        .chain((0..sectors).map(Tear::Garbage))
        .collect()
}

/// Returns all combinations of these tears for this number of writes.
fn choices(of: &[Tear], writes: usize) -> Vec<Vec<Tear>> {
    (0..writes).fold(vec![vec![]], |all, _| {
        let longer = |tears: &Vec<Tear>| -> Vec<_> {
            let with = |tear: &Tear| [&tears[..], &[*tear]].concat();
            of.iter().map(with).collect()
        };
        all.iter().flat_map(longer).collect()
    })
}

fn coarse(writes: usize) -> Vec<Vec<Tear>> {
    choices(&COARSE, writes)
}

/// Returns all combinations of [`COARSE`] for this number of writes. Also returns combinations in
/// which one write is torn in each of the ways of [`fine`], and the other writes are lost or whole.
fn tears(writes: usize, length: usize) -> Vec<Vec<Tear>> {
    let mut all = coarse(writes);
    for at in 0..writes {
        for others in choices(&[Tear::Lost, Tear::Whole], writes - 1) {
            all.extend(fine(length).into_iter().map(|tear| {
                let mut tears = others.clone();
                tears.insert(at, tear);
                tears
            }));
        }
    }
    all
}
