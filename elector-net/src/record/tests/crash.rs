//! Crashes: at every operation of a save and of a load, in the middle of every write.

use std::io::ErrorKind;

use super::{
    COARSE, LENGTHS, check, coarse,
    fake::{FakeFile, Fault, Flaw},
    fine, load, save, saved, tears,
};

/// How many operations a save has.
const SAVE: usize = 5;
/// How many operations a load has, of a state that fits into a block.
const LOAD: usize = 12;

/// Ends save `saves + 1` with a fault at an operation. Gives the record, and what was acknowledged.
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

/// The power is cut at every operation of a save, and everything that is not durable is torn.
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

/// And again while the record is loaded after such a crash.
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

/// At every operation of a load the power is cut.
pub(super) fn cut_power_in_load(
    file: &FakeFile,
    acknowledged: u64,
    begun: u64,
) -> Result<usize, String> {
    let mut images = 0;
    for operation in 0..=LOAD {
        let file = file.fork();
        file.fail_at(operation, Fault::Cut);
        // Once it is loaded, a node may rely on it.
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

/// The process is killed in the middle of every write; it starts again, and then the power is cut.
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

/// A sync fails, and the kernel forgets what it could not write while its cache still shows it. The
/// node starts again, whether the cache still has it or not, and then the power is cut.
fn lie(flaw: Flaw) -> Result<usize, String> {
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

fn caught(done: Result<usize, String>) -> String {
    done.expect_err("the flaw was not noticed")
}

// The promise itself: whenever the power is cut, and whatever the disk keeps of what it was not
// told to keep, the newest state that was acknowledged comes back, or the one under way.
#[test]
fn a_power_cut_forgets_nothing_acknowledged() {
    for length in LENGTHS {
        assert!(cut_power(Flaw::None, length).unwrap() > 1000);
    }
    caught(cut_power(Flaw::NoSync, LENGTHS[0]));
    caught(cut_power(Flaw::SyncLast, LENGTHS[0]));
}

// Loading writes. A crash in the middle of that must not cost what the crash before it spared.
#[test]
fn a_second_power_cut_while_loading_forgets_nothing_either() {
    assert!(cut_power_twice(Flaw::None).unwrap() > 1000);
    caught(cut_power_twice(Flaw::RewriteAtOnce));
}

// After a kill the kernel's cache is read, and not the disk. A node that relied on what is only in
// the cache would forget it with the next power cut.
#[test]
fn what_was_loaded_after_a_kill_is_durable() {
    for length in LENGTHS {
        assert!(kill(Flaw::None, length).unwrap() > 1000);
    }
    caught(kill(Flaw::NoRewrite, LENGTHS[0]));
}

// A failed sync leaves the cache and the disk different for good. To wait for the disk once more
// would prove nothing: it has to be written again, and not over what is durable.
#[test]
fn what_was_loaded_after_a_failed_sync_is_durable() {
    assert!(lie(Flaw::None).unwrap() > 100);
    caught(lie(Flaw::NoRewrite));
    caught(lie(Flaw::RewriteAtOnce));
}
