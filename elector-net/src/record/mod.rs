//! A node's durable record.
//!
//! A node that forgets a vote can vote twice, and then two nodes can lead. So the rule is: either
//! every acknowledged state is read back, or the node does not start.
//!
//! # The file
//!
//! The file has four slots of 64 KiB, in two pairs. Each slot is complete: magic, format, length,
//! checksum, sequence number, identity, roster, state. The file is created at its full length and
//! is only overwritten after that. So waiting for the disk (`fdatasync`) needs no metadata, and no
//! save can run out of space.
//!
//! # A save
//!
//! 1. Writes both slots of one pair.
//! 2. Waits for the disk. Now the state is durable, twice.
//! 3. Writes the state to the other pair, which held the previous save, and does not wait. The next
//!    save writes this pair first, and waits for it.
//!
//! So at every moment the newest acknowledged state is durable in two slots that no unfinished
//! write touches. Once the kernel has written the rest, it is durable in all four. Both slots of a
//! pair go to the disk in one flush, and the other pair costs only a copy in memory.
//!
//! # A load
//!
//! Takes the valid slot with the highest sequence number, and writes it again before it returns the
//! state. A read shows the kernel's cache, and the cache may hold bytes that never reached the
//! disk: a process may have been killed before its `fdatasync`, and after a failed `fdatasync`
//! Linux marks the pages as clean, so that a later `fdatasync` reports success. The load writes the
//! two slots of the pair one after the other, and then the other pair.
//!
//! # Which faults are distinguished
//!
//! | fault | what the load finds | what the node does |
//! |---|---|---|
//! | a crash in a save | its pair old, new or torn; the other valid | starts from the newest |
//! | a crash in step 3 | the other pair old, new or torn; its own valid | starts |
//! | a crash in a load | one slot of a pair torn, its twin valid; or as above | starts |
//! | a slot damaged or unreadable, at any time | its twin valid | starts, and repairs it |
//! | the same, and also a crash | the acknowledged state, or no valid slot | starts, or refuses |
//! | both slots of a pair damaged, at rest | the same in the other pair | starts, and repairs it |
//! | an unreadable pair | perhaps not the newest state | refuses; the disk may recover |
//! | all slots damaged | no valid slot | refuses |
//! | the file truncated or extended | a wrong length | refuses |
//! | slots mixed by hand | two nodes, or two states with one number | refuses |
//!
//! Two faults look the same: a crash tears both slots of a pair before the save is acknowledged; or
//! both slots are damaged after that, and step 3 of the save is lost as well. The second fault
//! needs a power cut in the half minute before the kernel writes step 3, and a disk that loses two
//! places, 128 KiB apart, which it had reported as durable. A mark "acknowledged" would not help:
//! it would be written without waiting, and lost together with step 3. A record also looks the same
//! as an earlier copy of it. That is why the error messages warn against restoring a copy.
//!
//! Fewer slots are not enough. With one slot in a pair, a damaged vote looks like a torn one until
//! the kernel writes step 3. With three slots, of which each save writes two, a damaged slot and a
//! crash in the next save can leave only an older vote. Two pairs are the smallest layout in which
//! one damaged slot is harmless at every moment.
//!
//! Assumptions: the disk keeps what it reported as durable, except one damaged place. The file
//! system overwrites in place, or gives the same guarantee in another way (btrfs and ZFS do; there
//! a save may run out of space, which is reported). A crash changes only the bytes that are being
//! written.

mod access;
mod disk;
mod error;
mod examine;
mod format;
mod handle;
mod identity;
mod life;
mod location;
mod lock;
mod offline;
mod roster;
#[cfg(feature = "http")]
mod save_times;
mod slot;
mod slots;
mod storage;
mod summary;

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
