//! Errors of the operating system, and records that are not this node's.

use std::{error::Error as _, io, io::ErrorKind};

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

fn source(error: &RecordError) -> ErrorKind {
    let source = error.source().unwrap().downcast_ref::<io::Error>();
    source.unwrap().kind()
}

// After a failed write nobody knows what the disk holds: a second save that seemed to work would
// be a promise on nothing. The next life starts from what was acknowledged, or from what failed.
#[test]
fn no_save_follows_a_failed_one() {
    for kind in [ErrorKind::StorageFull, ErrorKind::Other] {
        for operation in 0..5 {
            let (file, mut slots) = saved(Flaw::None, 2, LENGTH);
            file.fail_at(operation, Fault::Fails(kind, Tear::Prefix(23)));
            let error = save(&file, &mut slots, 3, LENGTH).unwrap_err();
            assert!(matches!(error, RecordError::Write { .. }));
            assert_eq!(source(&error), kind);
            for _ in 0..2 {
                let error = save(&file, &mut slots, 4, LENGTH).unwrap_err();
                assert!(matches!(error, RecordError::Failed { .. }));
            }
            check(&file.fork(), 2, 3).unwrap();
        }
    }
}

// A node whose disk cannot be read, or not be written, finds out before it promises anything. One
// unreadable slot is no reason to give a node up: each pair has two.
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
                assert_eq!(source(&error), ErrorKind::Other);
                reported += 1;
            }
        }
        assert!(file.failure().is_some());
        check(&file.fork(), 2, 2).unwrap();
    }
    assert_eq!((reported, forgiven), (8, 4), "only a read is forgiven");
}

// A pair that cannot be read may hold the newest vote; the disk may give it back another time.
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

// A record of another node, cluster or algorithm holds other promises; the message must tell who is
// who, for it is a mistake in somebody's configuration.
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
        assert_eq!(file.dirty(), 0, "it was not touched");
    }
}

// Two records in one file are the work of a human or of a broken disk: neither can be trusted to be
// the newest.
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

// A newer elector may have put anything into its record. To take it for damage would be to give up
// a node that is sound.
#[test]
fn a_newer_format_is_named() {
    let file = made(Flaw::None, LENGTH);
    for slot in 0..SLOTS {
        file.damage(slot * SLOT as u64, |block| {
            block[8] = 3;
            forge(block);
        });
    }
    let error = load(&file).map(|(_, value)| value).unwrap_err();
    assert!(matches!(
        error,
        RecordError::Newer {
            found: 3,
            known: 2,
            ..
        }
    ));
}

// A state that does not fit must not cut off another's slot; and one that just fits must.
#[test]
fn a_state_has_a_longest_length() {
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

// A record outlives the elector that wrote it: its bytes may change only together with the number
// of the format.
#[test]
fn the_format_is_this() {
    let slot = |roster| Slot {
        sequence: 5,
        identity: identity(),
        roster,
        state: vec![7, 8, 9],
    };
    let present: [&[u8]; 12] = [
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
    for (golden, roster) in [
        (present.concat(), Some(roster())),
        (without_roster.concat(), None),
    ] {
        let bytes = slot(roster.clone()).encode().unwrap();
        assert_eq!(bytes[..golden.len()], golden[..]);
        assert_eq!((bytes.len(), RECORD), (4096, 262_144));
        assert_eq!(Slot::decode(&bytes), Ok(slot(roster)));
    }
}

// A record that was made before there were lists of nodes keeps its votes, and gets a roster by
// the next save; a crash in the middle of that leaves either.
#[test]
fn a_record_without_a_roster_gets_one() {
    let old = Slot {
        sequence: 5,
        identity: identity(),
        roster: None,
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
        let done = slots.save_roster(roster()).is_ok();
        let file = file.fork();
        file.cut_power(&vec![Tear::Lost; file.dirty()]);
        let (slots, value) = load(&file).unwrap();
        assert_eq!(value, 2, "the votes stay");
        assert!(!done || slots.roster() == Some(&roster()));
    }
}
