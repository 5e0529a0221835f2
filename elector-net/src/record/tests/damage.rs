//! Damage: what a disk does to a record that was durable.

use super::{
    BEFORE_STATE, LENGTHS, Tear, check, coarse,
    crash::cut_power_in_load,
    fake::{FakeFile, Fault, Flaw},
    forge, load, save, saved, state,
};
use crate::record::{
    RecordError,
    slot::{BLOCK, RECORD, SLOT, SLOTS},
};

const LENGTH: usize = LENGTHS[0];
/// More bytes of a slot than matter.
const BYTES: usize = 128;

fn offset(slot: u64) -> u64 {
    slot * SLOT as u64
}

/// Ways to lose a slot for good.
const LOSSES: [fn(&FakeFile, u64); 4] = [
    |file, slot| file.damage(offset(slot), |block| block.fill(0)),
    |file, slot| file.damage(offset(slot), |block| block.fill(0xff)),
    |file, slot| file.spoil(offset(slot)),
    |file, slot| file.make_unreadable(offset(slot)),
];

/// Records after an acknowledged save, whatever became of what it did not wait for.
fn acknowledged(flaw: Flaw, saves: u64) -> Vec<FakeFile> {
    let (file, _) = saved(flaw, saves, LENGTH);
    let image = |tears: Vec<Tear>| {
        let image = file.fork();
        image.cut_power(&tears);
        image
    };
    coarse(file.dirty()).into_iter().map(image).collect()
}

/// Every bit of every slot flips, alone.
fn flip_each_bit(flaw: Flaw) -> Result<usize, String> {
    let mut images = 0;
    for (saves, file) in (1..3).flat_map(|saves| {
        let files = acknowledged(flaw, saves);
        files.into_iter().map(move |file| (saves, file))
    }) {
        for (slot, bit) in (0..SLOTS).flat_map(|slot| (0..8 * BYTES).map(move |bit| (slot, bit))) {
            let image = file.fork();
            image.damage(offset(slot), |block| block[bit / 8] ^= 1 << (bit % 8));
            let about = |error| format!("slot {slot}, bit {bit}: {error}");
            check(&image, saves, saves).map_err(about)?;
            images += 1;
        }
    }
    Ok(images)
}

/// Each slot is lost, and then the power is cut in the next save.
fn lose_a_slot_and_crash(flaw: Flaw) -> Result<usize, String> {
    let mut images = 0;
    for (slot, operation) in (0..SLOTS).flat_map(|slot| (0..=5).map(move |at| (slot, at))) {
        for lose in LOSSES {
            let (file, mut slots) = saved(flaw, 2, LENGTH);
            lose(&file, slot);
            file.fail_at(operation, Fault::Cut);
            let done = save(&file, &mut slots, 3, LENGTH);
            let acknowledged = 2 + u64::from(done.is_ok());
            for tears in coarse(file.dirty()) {
                let image = file.fork();
                image.cut_power(&tears);
                images += 1;
                let about = |error| format!("slot {slot}, {operation}, {tears:?}: {error}");
                match load(&image) {
                    // More than one fault: it may not be certain any more what was acknowledged.
                    Err(RecordError::Read { .. } | RecordError::Damaged { .. }) => {}
                    Ok((_, value)) if value >= acknowledged => {}
                    Ok((_, value)) => return Err(about(format!("loaded {value}"))),
                    Err(error) => return Err(about(error.to_string())),
                }
            }
        }
    }
    Ok(images)
}

/// Of a record that the kernel has written out in full, every set of slots is lost.
fn lose_slots_at_rest(flaw: Flaw) -> Result<usize, String> {
    let mut images = 0;
    for lost in 0_u64..1 << SLOTS {
        for lose in LOSSES {
            let (file, _) = saved(flaw, 2, LENGTH);
            file.write_back();
            let image = file.fork();
            let slots = (0..SLOTS).filter(|slot| lost >> slot & 1 == 1);
            slots.for_each(|slot| lose(&image, slot));
            images += 1;
            match load(&image) {
                Ok((_, 2)) if lost != 0b1111 => {}
                Err(RecordError::Damaged { .. }) if lost == 0b1111 => {}
                Err(RecordError::Read { .. })
                    if lost & 0b101 == 0b101 || lost & 0b1010 == 0b1010 => {}
                done => return Err(format!("{lost:b}: {:?}", done.map(|(_, value)| value))),
            }
        }
    }
    Ok(images)
}

// A bit that flips, anywhere and at any time, must neither bring back an old vote nor stop a node:
// the newest state is in two slots before anybody hears of it.
#[test]
fn one_flipped_bit_forgets_nothing() {
    assert!(flip_each_bit(Flaw::None).unwrap() > 10_000);
    flip_each_bit(Flaw::OneSlot).expect_err("a vote was in one slot only");
}

// The checksum is what notices: a flip that makes it fit as well is believed. If this did not fail
// the flips before would prove nothing.
#[test]
fn a_forged_checksum_is_believed() {
    let (file, _) = saved(Flaw::None, 1, LENGTH);
    for slot in 0..SLOTS {
        file.damage(offset(slot), |block| {
            block[BEFORE_STATE..BEFORE_STATE + LENGTH].copy_from_slice(&state(9, LENGTH));
            forge(block);
        });
    }
    assert_eq!(load(&file).unwrap().1, 9);
}

// A bad sector stays unnoticed while a node runs. A crash may come on top, and even then nothing
// older than what was acknowledged may be taken for the newest.
#[test]
fn one_lost_slot_and_a_crash_forget_nothing() {
    assert!(lose_a_slot_and_crash(Flaw::None).unwrap() > 1000);
    lose_a_slot_and_crash(Flaw::OneSlot).expect_err("a vote was in one slot only");
}

// The next start finds the bad sector, and writes. Until the state is durable elsewhere, what is
// left of it must not be touched.
#[test]
fn one_lost_slot_and_a_crash_while_loading_forget_nothing() {
    let mut images = 0;
    for (slot, file) in (0..SLOTS).flat_map(|slot| {
        let files = acknowledged(Flaw::None, 2);
        files.into_iter().map(move |file| (slot, file))
    }) {
        file.spoil(offset(slot));
        images += cut_power_in_load(&file, 2, 2).unwrap();
    }
    assert!(images > 1000);
}

// At rest every slot says the same. Whatever is lost then, the rest says the truth or nothing does.
#[test]
fn any_lost_slots_at_rest_forget_nothing() {
    assert_eq!(lose_slots_at_rest(Flaw::None), Ok(64));
    lose_slots_at_rest(Flaw::NoCopy).expect_err("a vote was in one pair only");
}

// The same bit flipped everywhere leaves nothing to go by: the node must not start.
#[test]
fn a_bit_flipped_in_every_slot_is_refused() {
    let (file, _) = saved(Flaw::None, 2, LENGTH);
    let used = 8 * (BEFORE_STATE + LENGTH);
    for bit in 0..used {
        let image = file.fork();
        for slot in 0..SLOTS {
            image.damage(offset(slot), |block| block[bit / 8] ^= 1 << (bit % 8));
        }
        let refused = load(&image);
        assert!(matches!(refused, Err(RecordError::Damaged { .. })), "{bit}");
    }
}

// A file of another length was not left by any crash of ours: it was copied, cut off or added to.
#[test]
fn a_file_of_another_length_is_refused() {
    let block = BLOCK as u64;
    for length in [0, 1, RECORD - block, RECORD - 1, RECORD + 1, 2 * RECORD] {
        let (file, _) = saved(Flaw::None, 2, LENGTH);
        file.set_length(length);
        let refused = load(&file).map(|(_, value)| value).unwrap_err();
        assert!(refused.to_string().contains(&format!("{length} bytes")));
    }
}

// A slot may not be as long as its length says: reading it must end within it.
#[test]
fn a_wrong_length_is_no_slot() {
    for length in [0, 1, 7, 4096, 65_517, 65_536, u32::MAX] {
        let (file, _) = saved(Flaw::None, 2, LENGTH);
        for slot in 1..SLOTS {
            file.damage(offset(slot), |block| {
                block[12..16].copy_from_slice(&length.to_le_bytes());
            });
        }
        assert_eq!(check(&file, 2, 2), Ok(2));
    }
}
