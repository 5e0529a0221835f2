//! A disk that fails as told: what was written and not waited for is kept, lost or torn, a sync
//! that failed is forgotten, and a process dies in the middle of a write.

mod file;
mod folder;

use std::io;

pub(super) use file::FakeFile;
pub(super) use folder::FakeFolder;

pub(super) const SECTOR: usize = 512;

/// What becomes of a write that nobody has waited for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Tear {
    Lost,
    Whole,
    /// Its first bytes only.
    Prefix(usize),
    /// The sectors whose bits are set.
    Sectors(u64),
    /// All of it but one sector, in which there is nothing anybody wrote.
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

/// What happens at an operation.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    /// The power is cut: nothing is done any more. A write may have been.
    Cut,
    /// The process is killed. Of a write, this much is in the cache.
    Kill(Tear),
    /// It fails. Of a write, this much is in the cache; of what a sync was to write, this much is
    /// on the disk, and the kernel forgets the rest.
    Fails(io::ErrorKind, Tear),
}

/// How the record would be written if a rule were forgotten: what the checkers must notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    None,
    /// Saves do not wait for the disk.
    NoSync,
    /// The second slot of the pair is not written.
    OneSlot,
    /// The other pair is not written after the save.
    NoCopy,
    /// The other pair is written before the disk has the first.
    SyncLast,
    /// What was loaded is not written again.
    NoRewrite,
    /// What was loaded is written to all slots at once.
    RewriteAtOnce,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Format,
    Load,
    Save,
}

/// Counts operations, of a folder and all files in it, and fails one.
#[derive(Clone, Debug)]
struct Fuse {
    phase: Phase,
    done: usize,
    writes: usize,
    syncs: usize,
    /// What is to happen, and at which operation of this phase or a later one.
    set: Option<(usize, Fault)>,
    /// What has happened.
    blown: Option<Fault>,
}

impl Fuse {
    fn new() -> Self {
        Self {
            phase: Phase::Format,
            done: 0,
            writes: 0,
            syncs: 0,
            set: None,
            blown: None,
        }
    }

    /// Lets an operation begin; `Some` if this is the one that fails.
    fn burn(&mut self) -> io::Result<Option<Fault>> {
        if matches!(self.blown, Some(Fault::Cut | Fault::Kill(_))) {
            return Err(io::Error::other("nothing is done after the end"));
        }
        let number = self.done;
        self.done += 1;
        let now = self.set.take_if(|(at, _)| *at == number);
        let fault = now.map(|(_, fault)| fault);
        self.blown = fault.or(self.blown);
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
