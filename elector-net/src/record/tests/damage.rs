//! Tests with damage to a record that was durable.

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
/// The number of bytes at the beginning of a slot (the place of a saved state) in which a test
/// flips bits. They contain all bytes in use, because the states of the tests are short.
const BYTES: usize = 128;

fn offset(slot: u64) -> u64 {
    slot * SLOT as u64
}

/// The ways in which a test destroys a slot, the place of one saved state in the file.
const LOSSES: [fn(&FakeFile, u64); 4] = [
    |file, slot| file.damage(offset(slot), |block| block.fill(0)),
    |file, slot| file.damage(offset(slot), |block| block.fill(0xff)),
    |file, slot| file.corrupt(offset(slot)),
    |file, slot| file.make_unreadable(offset(slot)),
];

/// Returns records after the acknowledged save number `saves`. There is one record for each
/// combination of ways to tear the unsynced writes at a power cut.
fn acknowledged(flaw: Flaw, saves: u64) -> Vec<FakeFile> {
    let (file, _) = saved(flaw, saves, LENGTH);
    let image = |tears: Vec<Tear>| {
        let image = file.fork();
        image.cut_power(&tears);
        image
    };
    coarse(file.dirty()).into_iter().map(image).collect()
}

/// Flips every bit in use of every slot (the place of a saved state), one bit at a time. After each
/// flip, a load must return the last save.
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

/// Destroys each slot (the place of a saved state) in turn, and then cuts the power in the next
/// save. After that, a load must not return a state that is older than the acknowledged one.
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
                    // There were two faults, the lost slot (place of a saved state) and the power
                    // cut. So it may be uncertain which state was acknowledged, and an error is
                    // correct.
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

/// Destroys every combination of slots (the places of a saved state) in a record that the kernel
/// has written to the disk completely.
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

// One flipped bit, anywhere and at any time, must not bring back an old vote and must not prevent
// the start of a node: the newest state is in two slots, which are two places in the file, before
// its save is acknowledged.
#[test]
fn one_flipped_bit_forgets_nothing() {
    assert!(flip_each_bit(Flaw::None).unwrap() > 10_000);
    flip_each_bit(Flaw::OneSlot).expect_err("a vote was in one slot only");
}

// Only the checksum detects a flipped bit in a state, so a changed state with a matching checksum
// must be accepted. If it were rejected, something other than the checksum might reject the slots
// (saved states) in the tests with flipped bits, and those tests would prove nothing about the
// checksum.
#[test]
fn a_forged_checksum_is_accepted() {
    let (file, _) = saved(Flaw::None, 1, LENGTH);
    for slot in 0..SLOTS {
        file.damage(offset(slot), |block| {
            block[BEFORE_STATE..BEFORE_STATE + LENGTH].copy_from_slice(&state(9, LENGTH));
            forge(block);
        });
    }
    assert_eq!(load(&file).unwrap().1, 9);
}

// While a node runs, it does not notice that the disk has lost a slot, one of the four places of
// its state. Even if a crash follows, a state that is older than the acknowledged one must never be
// loaded as the newest.
#[test]
fn one_lost_slot_and_a_crash_forget_nothing() {
    assert!(lose_a_slot_and_crash(Flaw::None).unwrap() > 1000);
    lose_a_slot_and_crash(Flaw::OneSlot).expect_err("a vote was in one slot only");
}

// The next start notices that a slot, one of the four places of the state, is lost, and writes the
// state again. Until the state is durable in another slot, the remaining copies must not change.
#[test]
fn one_lost_slot_and_a_crash_while_loading_forget_nothing() {
    let mut images = 0;
    for (slot, file) in (0..SLOTS).flat_map(|slot| {
        let files = acknowledged(Flaw::None, 2);
        files.into_iter().map(move |file| (slot, file))
    }) {
        file.corrupt(offset(slot));
        images += cut_power_in_load(&file, 2, 2).unwrap();
    }
    assert!(images > 1000);
}

// When the kernel has written everything to the disk, all slots (places in the file) hold the same
// state. After the loss of any slots, the load must return this state or an error.
#[test]
fn any_lost_slots_at_rest_forget_nothing() {
    assert_eq!(lose_slots_at_rest(Flaw::None), Ok(64));
    lose_slots_at_rest(Flaw::NoCopy).expect_err("a vote was in one pair only");
}

// If the same bit flips in every slot (every place of a saved state), no slot is valid: the node
// must not start.
#[test]
fn a_bit_flipped_in_every_slot_is_refused() {
    let (file, _) = saved(Flaw::None, 2, LENGTH);
    let used = 8 * (BEFORE_STATE + LENGTH);
    for bit in 0..used {
        let image = file.fork();
        for slot in 0..SLOTS {
            image.damage(offset(slot), |block| block[bit / 8] ^= 1 << (bit % 8));
        }
        let result = load(&image);
        assert!(matches!(result, Err(RecordError::Damaged { .. })), "{bit}");
    }
}

// A crash of elector never leaves a file of another length. Another program has truncated or
// extended such a file, so the node must not start from it.
#[test]
fn a_file_of_another_length_is_refused() {
    let block = BLOCK as u64;
    for length in [0, 1, RECORD - block, RECORD - 1, RECORD + 1, 2 * RECORD] {
        let (file, _) = saved(Flaw::None, 2, LENGTH);
        file.set_length(length);
        let result = load(&file).map(|(_, value)| value).unwrap_err();
        assert!(result.to_string().contains(&format!("{length} bytes")));
    }
}

// A wrong length in a slot, the place of one saved state, must not make a load read beyond the
// slot. The slot must count as invalid.
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
