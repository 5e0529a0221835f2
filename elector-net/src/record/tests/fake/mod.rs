//! A fake disk with injected faults. At a power cut, the disk keeps, loses or tears the unsynced
//! writes. A failed sync forgets bytes. A process can end in the middle of a write.

mod file;
mod folder;

use std::io;

pub(super) use file::FakeFile;
pub(super) use folder::FakeFolder;

pub(super) const SECTOR: usize = 512;

/// What happens to an unsynced write at a power cut.
#[derive(Clone, Copy, Debug)]
pub(super) enum Tear {
    Lost,
    Whole,
    /// Only this many bytes at the beginning of the write reach the disk.
    Prefix(usize),
    /// Only the sectors of the write whose bits are set in this mask reach the disk.
    Sectors(u64),
    /// The write reaches the disk, except the sector with this number, which gets garbage.
    Garbage(usize),
}

impl Tear {
    fn apply(self, old: &[u8], new: &[u8]) -> Vec<u8> {
        let mut torn = old.to_vec();
        for (number, (torn, new)) in torn.chunks_mut(SECTOR).zip(new.chunks(SECTOR)).enumerate() {
            let kept = match self {
                Self::Lost => 0,
                Self::Whole | Self::Garbage(_) => SECTOR,
                Self::Prefix(length) => length.saturating_sub(number * SECTOR).min(SECTOR),
                Self::Sectors(mask) if mask >> (number % 64) & 1 == 1 => SECTOR,
                Self::Sectors(_) => 0,
            };
            torn[..kept].copy_from_slice(&new[..kept]);
            if matches!(self, Self::Garbage(garbage) if garbage == number) {
                torn.fill(0xa5);
            }
        }
        torn
    }
}

/// A fault that the fake disk has at one operation, such as a write.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    /// The power is cut. Later operations do nothing. If this operation is a write, the disk may
    /// have its bytes.
    Cut,
    /// The process is killed. If this operation is a write, the part of it that the field describes
    /// is in the kernel's cache.
    Kill(Tear),
    /// The operation fails with this kind of error. If it is a write, the part of it that the
    /// second field describes is in the kernel's cache. If it is a sync, this part of each unsynced
    /// write is on the disk, and the kernel forgets the rest.
    Fails(io::ErrorKind, Tear),
}

/// A rule of saves and loads that the fake disk breaks on purpose, as if the code under test broke
/// it. The tests must notice each broken rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    None,
    /// A save does not wait for the disk.
    NoSync,
    /// A save makes the state durable in only one of the two places (slots) that it writes first.
    OneSlot,
    /// A save does not write the state to the other two slots (places in the file) after it is
    /// durable in the first two.
    NoCopy,
    /// A save waits for the disk only after it has written the state to all four slots (places in
    /// the file).
    SyncLast,
    /// A load does not write the loaded state again.
    NoRewrite,
    /// A load writes the state to all slots (places in the file) again before it waits for the
    /// disk.
    RewriteAtOnce,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Format,
    Load,
    Save,
}

/// Counts the operations of a folder and all its files, and injects a fault into one of them.
#[derive(Clone, Debug)]
struct FaultInjector {
    phase: Phase,
    done: usize,
    writes: usize,
    syncs: usize,
    /// The number of an operation, and the fault to inject into it. Each [`Phase`] counts
    /// operations from zero. If the present phase has too few operations, the fault is injected in
    /// a later phase.
    pending: Option<(usize, Fault)>,
    /// The fault that was injected last.
    occurred: Option<Fault>,
}

impl FaultInjector {
    fn new() -> Self {
        Self {
            phase: Phase::Format,
            done: 0,
            writes: 0,
            syncs: 0,
            pending: None,
            occurred: None,
        }
    }

    /// Begins an operation. Returns the fault if a fault is injected into this operation.
    fn next_operation(&mut self) -> io::Result<Option<Fault>> {
        if matches!(self.occurred, Some(Fault::Cut | Fault::Kill(_))) {
            return Err(io::Error::other("the process has ended before this"));
        }
        let number = self.done;
        self.done += 1;
        let now = self.pending.take_if(|(at, _)| *at == number);
        let fault = now.map(|(_, fault)| fault);
        self.occurred = fault.or(self.occurred);
        Ok(fault)
    }
}

fn end(fault: Fault) -> io::Error {
    match fault {
        Fault::Cut => io::Error::other("the power was cut"),
        Fault::Kill(_) => io::Error::other("the process was killed"),
        Fault::Fails(kind, _) => kind.into(),
    }
}
