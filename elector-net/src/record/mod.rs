//! A node's durable record.
//!
//! A node that forgets a vote can vote twice, and two leaders are the consequence. So the rule is:
//! what was acknowledged comes back, or the node does not start.
//!
//! # The file
//!
//! Four slots of 64 KiB, two pairs. Each slot is complete by itself: magic, format, length,
//! checksum, sequence number, whose it is, the roster, the state. The file is written to its full
//! length when it is made, and only ever overwritten: waiting for the disk (`fdatasync`) then needs
//! no metadata, and no save can run out of room.
//!
//! # A save
//!
//! 1. Writes both slots of one pair.
//! 2. Waits for the disk. Then the state is durable, twice.
//! 3. Writes it to the other pair as well, which held the save before, and does not wait. That pair
//!    is the next save's to write, and the next to be waited for.
//!
//! So at every moment the newest acknowledged state is durable in two slots that no unfinished
//! write touches; and once the kernel has written the rest, in four. The second slot of a pair goes
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
//! | a crash in a save | its pair old, new or torn; the other sound | starts from the newest |
//! | a crash in step 3 | the other pair old, new or torn; its own sound | starts |
//! | a crash in a load | a slot of a pair torn, its twin sound; or as above | starts |
//! | a slot damaged or unreadable, at any time | its twin sound | starts, and mends it |
//! | that, and a crash on top | what was acknowledged, or nothing sound | starts, or refuses |
//! | both slots of a pair damaged, at rest | the same in the other pair | starts, and mends it |
//! | a pair that cannot be read | perhaps not the newest | refuses; the disk may recover |
//! | all slots damaged | nothing sound | refuses |
//! | the file cut off, or added to | a wrong length | refuses |
//! | slots mixed up by hand | two nodes, or two states of one number | refuses |
//!
//! Two cannot be told apart: both slots of a pair torn by a crash before the save was acknowledged,
//! and both damaged after it was, if step 3 of that save was lost as well. The second takes a power
//! cut within the half minute in which the kernel would have written them, and a disk that loses
//! two places, 128 KiB apart, which it had said to be safe. A mark "it was acknowledged" would not
//! help: written without waiting, it would be lost with step 3. Nor is there any telling a record
//! from a copy of it that was made earlier: that is why the messages warn against restoring one.
//!
//! Fewer slots would not do. With one in a pair, a damaged vote looks like a torn one for as long
//! as the kernel keeps step 3 to itself. With three, two of them written by each save, a damaged
//! slot and a crash in the next save can leave nothing but an older vote. Two pairs are the least
//! for which one damaged slot is harmless at all times.
//!
//! Assumed: a disk that keeps what it has said to be durable, one damaged place aside; a file
//! system that overwrites in place, or keeps the same promise in its own way (btrfs and ZFS do;
//! there a save may run out of room, which is reported); a crash that changes nothing but what was
//! being written.

mod access;
mod disk;
mod error;
mod examine;
mod format;
mod handle;
mod identity;
mod life;
mod lock;
mod offline;
mod place;
mod roster;
mod slot;
mod slots;
mod storage;
mod summary;
#[cfg(feature = "http")]
mod took;

pub use error::RecordError;
pub use examine::SlotState;
pub(crate) use handle::AdmitError;
pub use handle::RecordHandle;
pub use identity::Identity;
pub use life::LifeLock;
pub(crate) use life::LockId;
pub use offline::{ListChange, StoppedNode};
pub(crate) use roster::Ids;
pub use roster::{DiskId, Roster};
pub use storage::FileStorage;
pub use summary::RecordSummary;

#[cfg(test)]
mod tests;
