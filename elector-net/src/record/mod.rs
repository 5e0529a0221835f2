//! A node's durable record: what the node must remember after a restart, such as its votes.
//!
//! A node that forgets a vote can vote twice, and then two nodes can lead. So the rule is: either
//! the node reads back the newest acknowledged state, or it does not start. A state is
//! *acknowledged* when its save has returned without an error.
//!
//! # The file
//!
//! The file has four slots of 64 KiB, in two pairs. Each slot has a complete state of the node:
//! magic, format, length, checksum, sequence number of the save, identity of the node, roster (data
//! about the cluster), and state of the algorithm. The file is created at its full length and is
//! only overwritten after that. So `fdatasync`, with which a save waits for the disk, writes no
//! metadata, and no save can run out of space.
//!
//! # A save
//!
//! A save has three steps:
//!
//! 1. It writes both slots of one pair.
//! 2. It waits for the disk. Now the state is durable in two slots.
//! 3. It writes the state to the other pair, which held the previous save, and does not wait. The
//!    next save writes this pair first, and waits for it.
//!
//! So at every moment the newest acknowledged state is durable in two slots that no unfinished
//! write touches. When the kernel has written the other pair to the disk, the state is durable in
//! all four slots. Both slots of a pair go to the disk in one flush. Step 3 costs only a copy in
//! memory.
//!
//! # A load
//!
//! A load takes the valid slot with the highest sequence number, and writes this slot again before
//! it returns the state. The reason is that a read shows the kernel's cache, and the cache may hold
//! bytes that never reached the disk. A process may have been killed before its `fdatasync`. After
//! a failed `fdatasync`, Linux marks the pages as clean, so that a later `fdatasync` reports
//! success. The load writes the two slots of the newest pair one after the other, and then the
//! other pair.
//!
//! # Which faults are distinguished
//!
//! The *written pair* is the pair that steps 1 and 2 of the last save have written. The *twin* of a
//! slot is the other slot of its pair. *At rest* means after the kernel has written step 3 to the
//! disk. A node that starts uses the newest valid state. "Stops" means that the node does not
//! start.
//!
//! | fault | what the load finds | what the node does |
//! |---|---|---|
//! | a crash in step 1 or 2 | written pair old, new or torn; other pair valid | starts |
//! | a crash in step 3 | other pair old, new or torn; written pair valid | starts |
//! | a crash in a load | one slot torn, its twin valid; or as in step 3 | starts |
//! | a slot damaged or unreadable, at any time | its twin valid | starts, repairs the slot |
//! | the same, and also a crash | the acknowledged state, or no valid slot | starts, or stops |
//! | a whole pair damaged, at rest | the state in the other pair | starts, repairs the pair |
//! | an unreadable pair | perhaps not the newest state | stops; the disk may recover |
//! | all slots damaged | no valid slot | stops |
//! | the file truncated or extended | a wrong length | stops |
//! | slots of two records in one file | two nodes, or two states with one number | stops |
//!
//! Two faults look the same to a load. In the first, a crash tears both slots of a pair before the
//! save is acknowledged. In the second, both slots are damaged after the acknowledgement, and step
//! 3 of the save is lost, too. The second fault needs a power cut in the half minute before the
//! kernel writes step 3. It also needs a disk that loses two places, 128 KiB apart, which the disk
//! had reported as durable. A mark "acknowledged" in the record would not help: the save would
//! write it without waiting for the disk, so it could be lost together with step 3. A load also
//! cannot recognize an earlier copy of the record that was put in its place. For this reason, the
//! error messages warn against restoring a copy.
//!
//! Fewer slots are not enough. With one slot in a pair, a damaged vote looks like a torn one until
//! the kernel writes step 3. With three slots, of which each save writes two, a damaged slot and a
//! crash in the next save can leave only an older vote. Two pairs of two slots are the smallest
//! layout in which one damaged slot is harmless at every moment.
//!
//! The design has three assumptions. The disk keeps what it reported as durable, except one damaged
//! place. The file system overwrites in place, or gives the same guarantee in another way. (Btrfs
//! and ZFS do; there a save may run out of space, and this error is reported.) A crash changes only
//! the bytes that are being written.

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
mod state_format;
mod storage;
mod summary;

pub use error::RecordError;
pub use examine::SlotState;
pub(crate) use handle::AdmitError;
pub use handle::RecordHandle;
pub use identity::Identity;
pub use life::LifeLock;
pub(crate) use life::LockId;
pub use offline::{ListChange, RECOVERY_EPOCHS, Recovery, StoppedNode};
pub(crate) use roster::Ids;
pub use roster::Roster;
pub use storage::FileStorage;
pub use summary::RecordSummary;

#[cfg(test)]
mod tests;
