//! Tests with errors of the operating system, and with records that belong to another node.

use std::io::ErrorKind;

use super::{
    LENGTHS, NAME, Tear, check,
    fake::{FakeFolder, Fault, Flaw, Phase},
    forge, format, identity, load, made, roster, save, saved, state,
};
use crate::record::{
    RecordError,
    identity::Identity,
    slot::{RECORD, SLOT, SLOTS, Slot},
    slots::Slots,
};

const LENGTH: usize = LENGTHS[0];

fn kind_of(error: &RecordError) -> ErrorKind {
    match error {
        RecordError::Io { error, .. }
        | RecordError::Read { error, .. }
        | RecordError::Write { error, .. } => error.kind(),
        other => panic!("{other}"),
    }
}

// After a failed write, the contents of the disk are unknown. If a second save seemed to succeed,
// the node would rely on a state that may not be durable. The next start must load the acknowledged
// state, or the state whose save failed.
#[test]
fn no_save_follows_a_failed_one() {
    for kind in [ErrorKind::StorageFull, ErrorKind::Other] {
        for operation in 0..5 {
            let (file, mut slots) = saved(Flaw::None, 2, LENGTH);
            file.fail_at(operation, Fault::Fails(kind, Tear::Prefix(23)));
            let error = save(&file, &mut slots, 3, LENGTH).unwrap_err();
            assert!(matches!(error, RecordError::Write { .. }));
            assert_eq!(kind_of(&error), kind);
            for _ in 0..2 {
                let error = save(&file, &mut slots, 4, LENGTH).unwrap_err();
                assert!(matches!(error, RecordError::Failed { .. }));
            }
            check(&file.fork(), 2, 3).unwrap();
        }
    }
}

// A node whose disk cannot be read or written must notice this at the load, before the node votes.
// But one unreadable slot must not make a record unusable: the two slots of a pair, which are two
// places in the file, hold the same state.
#[test]
fn a_failure_while_loading_is_reported() {
    let (mut reported, mut forgiven) = (0, 0);
    for operation in 0..12 {
        let file = saved(Flaw::None, 2, LENGTH).0.fork();
        file.fail_at(operation, Fault::Fails(ErrorKind::Other, Tear::Lost));
        match load(&file) {
            Ok((_, value)) => {
                assert_eq!(value, 2);
                forgiven += 1;
            }
            Err(error) => {
                assert_eq!(kind_of(&error), ErrorKind::Other);
                reported += 1;
            }
        }
        assert!(file.failure().is_some());
        check(&file.fork(), 2, 2).unwrap();
    }
    assert_eq!((reported, forgiven), (8, 4), "only a read is forgiven");
}

// A save writes a state first to a pair of slots, which are two places in the file. If both cannot
// be read, they may hold the newest vote, and the disk may be able to read it later. So the load
// must report an error, and must not use the older state in the other pair.
#[test]
fn an_unreadable_pair_is_reported() {
    for pair in 0..2 {
        let file = made(Flaw::None, LENGTH);
        for slot in [pair, pair + 2] {
            file.make_unreadable(slot * SLOT as u64);
        }
        let error = load(&file).map(|(_, value)| value).unwrap_err();
        assert!(matches!(error, RecordError::Read { .. }));
    }
}

// A record of another node, cluster or algorithm holds the votes of that node, and not of this one.
// The message must name both identities, because the reason is a mistake in a configuration.
#[test]
fn a_foreign_record_is_refused_and_named() {
    let others: [fn(&mut Identity); 3] = [
        |identity| identity.cluster = "d".into(),
        |identity| identity.node = 2.into(),
        |identity| identity.algorithm = "paxos".into(),
    ];
    for change in others {
        let mut other = identity();
        change(&mut other);
        let file = made(Flaw::None, LENGTH);
        let error = Slots::open(file.clone(), "record".into(), &other).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, RecordError::Foreign { .. }));
        assert!(text.contains(&identity().to_string()) && text.contains(&other.to_string()));
        assert_eq!(file.dirty(), 0, "it was not changed");
    }
}

// Slots (the places of saved states) of two records are in one file only if a person copied them,
// or if the disk is broken. The sequence numbers of two records cannot be compared, so it is not
// certain which state is newer, and the node must not start.
#[test]
fn slots_of_two_records_are_refused() {
    let mut other = identity();
    other.node = 2.into();
    let mut folder = FakeFolder::new(Flaw::None);
    format(&mut folder, "".as_ref(), &other, roster(), state(0, LENGTH)).unwrap();
    let foreign = folder.file(NAME).unwrap();
    let (diverged, _) = saved(Flaw::None, 1, LENGTH + 1);
    for (from, reason) in [
        (foreign, "different nodes"),
        (&diverged, "different states"),
    ] {
        let (file, _) = saved(Flaw::None, 1, LENGTH);
        file.take_from(from, SLOT as u64);
        let error = load(&file).map(|(_, value)| value).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
        assert!(matches!(error, RecordError::Damaged { .. }));
    }
}

// All formats of a saved state have the same first twenty bytes, with the number of the format. If
// an unknown format counted as damage, the error would advise the operator to replace a node whose
// record is intact.
#[test]
fn a_newer_format_is_named() {
    let file = made(Flaw::None, LENGTH);
    for slot in 0..SLOTS {
        file.damage(slot * SLOT as u64, |block| {
            block[8] = 4;
            forge(block);
        });
    }
    let error = load(&file).map(|(_, value)| value).unwrap_err();
    assert!(matches!(
        error,
        RecordError::Newer {
            found: 4,
            known: 3,
            ..
        }
    ));
}

// A state that is longer than a slot, which is its place in the file, must not overwrite the next
// slot. The longest allowed state must fit.
#[test]
fn the_length_of_a_state_is_limited() {
    let (file, mut slots) = saved(Flaw::None, 1, LENGTH);
    let error = save(&file, &mut slots, 2, SLOT).unwrap_err();
    let RecordError::TooLong { bytes, most } = error else {
        panic!("{error}");
    };
    assert_eq!((bytes, file.fork().dirty()), (SLOT, file.dirty()));
    save(&file, &mut slots, 2, most + 1).unwrap_err();
    save(&file, &mut slots, 2, most).unwrap();
    assert_eq!(check(&file.fork(), 2, 2), Ok(2));
    let longest = Slots::open(file.fork(), "record".into(), &identity()).unwrap();
    assert_eq!(longest.state(), state(2, most));
}

// An earlier release may have written the record that this release reads. So the bytes of a format
// may never change: other bytes need another format number.
#[test]
fn the_bytes_of_the_format_do_not_change() {
    let slot = |roster, changes_members| Slot {
        sequence: 5,
        identity: identity(),
        roster,
        changes_members,
        state: vec![7, 8, 9],
    };
    let fixed: [&[u8]; 12] = [
        b"elector\0",
        &[2, 0, 0, 0],
        &[73, 0, 0, 0],
        &[181, 127, 39, 48],
        &[5, 0, 0, 0, 0, 0, 0, 0],
        b"\x01c\x01\x04raft",
        &[2, 1, 2, 3],
        &[4; 16],
        &[5; 16],
        &[1, 2],
        &[6; 16],
        &[7, 8, 9],
    ];
    let without_roster: [&[u8]; 7] = [
        b"elector\0",
        &[1, 0, 0, 0],
        &[19, 0, 0, 0],
        &[252, 93, 253, 175],
        &[5, 0, 0, 0, 0, 0, 0, 0],
        b"\x01c\x01\x04raft",
        &[7, 8, 9],
    ];
    let mut changing = fixed;
    (changing[1], changing[3]) = (&[3, 0, 0, 0], &[198, 188, 230, 93]);
    for (golden, roster, changes_members) in [
        (changing.concat(), Some(roster()), true),
        (fixed.concat(), Some(roster()), false),
        (without_roster.concat(), None, false),
    ] {
        let slot = slot(roster, changes_members);
        let bytes = slot.encode().unwrap();
        assert_eq!(bytes[..golden.len()], golden[..]);
        assert_eq!((bytes.len(), RECORD), (4096, 262_144));
        assert_eq!(Slot::decode(&bytes), Ok(slot));
    }
}

// A record in the oldest format, which has no roster (data about the cluster), must keep its votes
// when a save adds a roster. After a crash in that save, the record must have the old format or the
// new one.
#[test]
fn a_record_without_a_roster_gets_one() {
    let old = Slot {
        sequence: 5,
        identity: identity(),
        roster: None,
        changes_members: false,
        state: state(2, LENGTH),
    };
    for operation in 0..=5 {
        let file = made(Flaw::None, LENGTH);
        for slot in 0..SLOTS {
            let bytes = old.encode().unwrap();
            file.damage(slot * SLOT as u64, |block| block.copy_from_slice(&bytes));
        }
        let (mut slots, value) = load(&file).unwrap();
        assert_eq!((value, slots.roster()), (2, None));
        file.begin(Phase::Save);
        file.fail_at(operation, Fault::Cut);
        let done = slots.save(|slot| slot.roster = Some(roster())).is_ok();
        let file = file.fork();
        file.cut_power(&vec![Tear::Lost; file.dirty()]);
        let (slots, value) = load(&file).unwrap();
        assert_eq!(value, 2, "the votes are kept");
        assert!(!done || slots.roster() == Some(&roster()));
    }
}
