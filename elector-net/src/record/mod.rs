//! A node's durable record.
//!
//! A node that forgets a vote can vote twice, and two leaders are the consequence. So the rule is:
//! what was acknowledged comes back, or the node does not start.
//!
//! # The file
//!
//! Four slots of 64 KiB, two pairs. Each slot is complete by itself: magic, format, length,
//! checksum, sequence number, whose it is, the state. The file is written to its full length when
//! it is made, and only ever overwritten: waiting for the disk (`fdatasync`) then needs no metadata,
//! and no save can run out of room.
//!
//! # A save
//!
//! 1. Writes both slots of one pair.
//! 2. Waits for the disk. Then the state is durable, twice.
//! 3. Writes it to the other pair as well, which held the save before, and does not wait. That pair
//!    is the next save's to write, and the next to be waited for.
//!
//! So at every moment the newest acknowledged state is durable in two slots that no unfinished write
//! touches; and once the kernel has written the rest, in four. The second slot of a pair goes
//! to the disk in the same flush, and the other pair costs a copy within memory.
//!
//! # A load
//!
//! Takes the sound slot of the highest number, and writes it again before it gives it out: a read
//! shows the kernel's cache, and what is in there may never have reached the disk. A process may
//! have been killed before its `fdatasync`; and after one that failed, Linux takes the pages for
//! clean, and a later `fdatasync` says that all is well. It is written to one slot of its pair at a
//! time, then to the other pair.
//!
//! # Which faults are told apart
//!
//! | what happened | what is found | what is done |
//! |---|---|---|
//! | a crash in a save | its pair old, new or torn; the other pair sound | starts, from the newest that is sound |
//! | a crash in step 3 | the other pair old, new or torn; the newest pair sound | starts |
//! | a crash in a load | one slot of the pair torn, the other sound; or as above | starts |
//! | one slot damaged or unreadable, at any time | the other slot of its pair sound | starts, and writes the slot anew |
//! | that, and a crash on top | a sound slot that was acknowledged, or none | starts, or refuses |
//! | both slots of the newest pair damaged, at rest | the state in the other pair | starts |
//! | all slots damaged; the file cut off, or longer | nothing sound, or a wrong length | refuses |
//! | a pair that cannot be read | perhaps the newest state | refuses; the disk may give it another day |
//! | slots that contradict each other | two nodes, or two states of one number | refuses |
//!
//! Which cannot be told apart: both slots of a pair torn by a crash before the save was
//! acknowledged, and both damaged after, if step 3 of that save was lost as well. It takes a power
//! cut within the half minute in which the kernel would have written them, and a disk that loses two
//! places, 128 KiB apart, of which it had said that they were safe, and none of the other two. A
//! mark "it was acknowledged" would be no better off: it would have to be written without waiting,
//! too, and be lost with the rest. And there is no telling a record from an earlier copy of it, whole: that is
//! why the messages warn against restoring one.
//!
//! A single slot in a pair would leave a damaged vote and a torn one alike for as long as the kernel
//! keeps step 3 to itself; one of three slots in turn, with the newest in two of them, forgets if one
//! is damaged and the next save crashes. Two pairs are the least for which one damaged slot is
//! harmless at all times.
//!
//! Assumed: a disk that keeps what it has said to be durable, one damaged place aside; a file system
//! that overwrites in place or keeps to the same promise (btrfs and ZFS do; there a save may run out
//! of room, which is reported); a crash that changes nothing but what was being written.

mod disk;
mod error;
mod examine;
mod format;
mod identity;
mod lock;
mod slot;
mod slots;
mod storage;
mod summary;

pub use error::RecordError;
pub use examine::SlotState;
pub use identity::Identity;
pub use storage::FileStorage;
pub use summary::Summary;

#[cfg(test)]
mod tests;
