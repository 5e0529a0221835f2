//! Tests with crashes at every operation of a save and of a load, and in the middle of every write.

use std::io::ErrorKind;

use super::{
    COARSE, LENGTHS, check, coarse,
    fake::{FakeFile, Fault, Flaw},
    fine, load, save, saved, tears,
};

/// The number of disk operations of a save.
const SAVE: usize = 5;
/// The number of disk operations of a load, for a state that fits into a block.
const LOAD: usize = 12;

/// Runs save number `saves + 1` until the given fault occurs in it. Returns the file and the number
/// of the last acknowledged save.
fn save_until(
    flaw: Flaw,
    (saves, length): (u64, usize),
    (operation, fault): (usize, Fault),
) -> (FakeFile, u64) {
    let (file, mut slots) = saved(flaw, saves, length);
    file.fail_at(operation, fault);
    let done = save(&file, &mut slots, saves + 1, length);
    (file, saves + u64::from(done.is_ok()))
}

/// Cuts the power at every operation of a save. Tears the writes that are not durable in all ways
/// that [`tears`] returns. Returns the number of the resulting disk contents, from each of which a
/// load was checked.
fn cut_power(flaw: Flaw, length: usize) -> Result<usize, String> {
    let mut images = 0;
    for saves in 0..3 {
        for operation in 0..=SAVE {
            let cut = (operation, Fault::Cut);
            let (file, acknowledged) = save_until(flaw, (saves, length), cut);
            for tears in tears(file.dirty(), length) {
                let image = file.fork();
                image.cut_power(&tears);
                let about = |error| format!("save {saves}, {cut:?}, {tears:?}: {error}");
                check(&image, acknowledged, saves + 1).map_err(about)?;
                images += 1;
            }
        }
    }
    Ok(images)
}

/// Cuts the power at every operation of a save, and then again in the load after it.
fn cut_power_twice(flaw: Flaw) -> Result<usize, String> {
    let (length, mut images) = (LENGTHS[0], 0);
    for operation in 0..=SAVE {
        let (file, acknowledged) = save_until(flaw, (2, length), (operation, Fault::Cut));
        for first in coarse(file.dirty()) {
            let image = file.fork();
            image.cut_power(&first);
            images += cut_power_in_load(&image, acknowledged, 3)
                .map_err(|error| format!("{operation}, {first:?}: {error}"))?;
        }
    }
    Ok(images)
}

/// Cuts the power at every operation of a load.
pub(super) fn cut_power_in_load(
    file: &FakeFile,
    acknowledged: u64,
    begun: u64,
) -> Result<usize, String> {
    let mut images = 0;
    for operation in 0..=LOAD {
        let file = file.fork();
        file.fail_at(operation, Fault::Cut);
        // If the load succeeded, the node may rely on the loaded state.
        let acknowledged = match load(&file) {
            Ok((_, value)) => value,
            Err(_) => acknowledged,
        };
        for tears in coarse(file.dirty()) {
            let image = file.fork();
            image.cut_power(&tears);
            let about = |error| format!("load, operation {operation}, {tears:?}: {error}");
            check(&image, acknowledged, begun).map_err(about)?;
            images += 1;
        }
    }
    Ok(images)
}

/// Kills the process in the middle of every write, starts it again, and then cuts the power.
fn kill(flaw: Flaw, length: usize) -> Result<usize, String> {
    let mut images = 0;
    for saves in 0..3 {
        for operation in 0..SAVE {
            for tear in fine(length) {
                let killed = (operation, Fault::Kill(tear));
                let (file, acknowledged) = save_until(flaw, (saves, length), killed);
                let file = file.fork();
                let about = |error| format!("save {saves}, {killed:?}: {error}");
                let value = check(&file, acknowledged, saves + 1).map_err(about)?;
                for tears in coarse(file.dirty()) {
                    let image = file.fork();
                    image.cut_power(&tears);
                    check(&image, value, value).map_err(about)?;
                    images += 1;
                }
            }
        }
    }
    Ok(images)
}

/// Lets the sync of a save fail: the kernel does not write some bytes to the disk, but its cache
/// still shows them. Then starts the node again, with and without these bytes in the cache, and
/// cuts the power in the load.
fn fail_sync(flaw: Flaw) -> Result<usize, String> {
    let (length, mut images) = (LENGTHS[0], 0);
    for (saves, tear) in (0..3).flat_map(|saves| COARSE.map(|tear| (saves, tear))) {
        for evict in [false, true] {
            let failed = (2, Fault::Fails(ErrorKind::Other, tear));
            let (file, acknowledged) = save_until(flaw, (saves, length), failed);
            let file = file.fork();
            if evict {
                file.evict();
            }
            let about = |error| format!("save {saves}, {tear:?}, evicted {evict}: {error}");
            images += cut_power_in_load(&file, acknowledged, saves + 1).map_err(about)?;
        }
    }
    Ok(images)
}

fn expect_noticed(done: Result<usize, String>) -> String {
    done.expect_err("the flaw was not noticed")
}

// This is the central guarantee of a record. After a power cut at any moment, and for any part of
// the unsynced bytes that the disk has kept, the load must return the newest acknowledged state, or
// the state of the save that was in progress.
#[test]
fn a_power_cut_forgets_nothing_acknowledged() {
    for length in LENGTHS {
        assert!(cut_power(Flaw::None, length).unwrap() > 1000);
    }
    expect_noticed(cut_power(Flaw::NoSync, LENGTHS[0]));
    expect_noticed(cut_power(Flaw::SyncLast, LENGTHS[0]));
}

// A load writes to the record, too. A crash during a load must not destroy a state that survived
// the crash before it.
#[test]
fn a_second_power_cut_while_loading_forgets_nothing_either() {
    assert!(cut_power_twice(Flaw::None).unwrap() > 1000);
    expect_noticed(cut_power_twice(Flaw::RewriteAtOnce));
}

// After a process was killed, a load of the next process reads the kernel's cache and not the disk.
// If the node relied on bytes that are only in the cache, it would forget them at the next power
// cut.
#[test]
fn a_state_loaded_after_a_kill_is_durable() {
    for length in LENGTHS {
        assert!(kill(Flaw::None, length).unwrap() > 1000);
    }
    expect_noticed(kill(Flaw::NoRewrite, LENGTHS[0]));
}

// After a failed sync, the cache and the disk differ, and another sync does not repair this. The
// load has to write the state again, but must not overwrite the only durable copy of a state before
// that.
#[test]
fn a_state_loaded_after_a_failed_sync_is_durable() {
    assert!(fail_sync(Flaw::None).unwrap() > 100);
    expect_noticed(fail_sync(Flaw::NoRewrite));
    expect_noticed(fail_sync(Flaw::RewriteAtOnce));
}
