//! Tests of the creation of a record on a disk that fails.

use std::io::ErrorKind;

use super::{
    COARSE, FakeFolder, Tear, check,
    fake::{Fault, Flaw},
    identity, roster, state,
};
use crate::record::{
    RecordError,
    format::{NAME, format},
};

/// A number of disk operations. The creation of a record needs fewer.
const OPERATIONS: usize = 12;

fn make(folder: &mut FakeFolder) -> Result<(), RecordError> {
    format(folder, "".as_ref(), &identity(), roster(), state(0, 9))
}

/// Cuts the power at every operation of the creation. After each power cut, there must be a
/// complete record, or there must be no record and one can be created.
fn cut_power(flaw: Flaw) -> Result<usize, String> {
    let mut images = 0;
    for operation in 0..=OPERATIONS {
        let mut folder = FakeFolder::new(flaw);
        folder.fail_at(operation, Fault::Cut);
        let done = make(&mut folder);
        assert_eq!(done.is_err(), folder.has_failed());
        for undone in 0..=folder.changes() {
            for tear in COARSE {
                let mut after = folder.after_cut(undone, tear);
                images += 1;
                if done.is_ok() && after.file(NAME).is_none() {
                    return Err("a finished record is missing".into());
                }
                if after.file(NAME).is_none() {
                    make(&mut after).map_err(|error| error.to_string())?;
                }
                let file = after.file(NAME).ok_or("there is no record")?;
                check(file, 0, 0).map_err(|error| format!("{operation}, {tear:?}: {error}"))?;
            }
        }
    }
    Ok(images)
}

// An incomplete record would look like a damaged one. Then an operator would have to replace a node
// that has never run.
#[test]
fn a_crash_leaves_a_whole_record_or_none() {
    assert!(cut_power(Flaw::None).unwrap() > 40);
    cut_power(Flaw::NoSync).expect_err("the creation did not wait for the disk");
}

// The creation of a record must report an error such as a full disk. A failed creation must not
// prevent another one: when the disk works again, the creation must succeed.
#[test]
fn a_failure_is_reported_and_can_be_repaired() {
    for kind in [ErrorKind::StorageFull, ErrorKind::Other] {
        let mut failures = 0;
        for operation in 0..=OPERATIONS {
            let mut folder = FakeFolder::new(Flaw::None);
            folder.fail_at(operation, Fault::Fails(kind, Tear::Prefix(23)));
            match make(&mut folder) {
                Ok(()) => assert!(!folder.has_failed()),
                Err(RecordError::Io { error, .. }) => {
                    failures += 1;
                    assert_eq!(error.kind(), kind);
                    match make(&mut folder) {
                        // If `Exists` is returned, the record was complete already, and only the
                        // last sync had failed.
                        Ok(()) | Err(RecordError::Exists { .. }) => {}
                        Err(error) => panic!("{operation}: {error}"),
                    }
                    assert_eq!(check(folder.file(NAME).unwrap(), 0, 0), Ok(0));
                }
                Err(error) => panic!("{operation}: {error}"),
            }
        }
        assert_eq!(failures, 9, "one for each operation");
    }
}
