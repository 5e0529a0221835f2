use std::{cell::RefCell, collections::BTreeMap, io, rc::Rc};

use super::{Fault, FaultInjector, Flaw, Phase, Tear, end};
use crate::record::{disk::Medium, slot::BLOCK};

/// A sparse array of bytes. Blocks of zeros take no memory.
#[derive(Clone, Debug, Default)]
struct Bytes {
    length: u64,
    blocks: BTreeMap<u64, [u8; BLOCK]>,
}

impl Bytes {
    fn read(&self, offset: u64, buffer: &mut [u8]) {
        let first = offset / BLOCK as u64;
        for (number, chunk) in (first..).zip(buffer.chunks_mut(BLOCK)) {
            match self.blocks.get(&number) {
                Some(block) => chunk.copy_from_slice(&block[..chunk.len()]),
                None => chunk.fill(0),
            }
        }
    }

    /// Writes bytes. The offset and the length must be multiples of a block.
    fn write(&mut self, offset: u64, bytes: &[u8]) {
        assert_eq!((offset % BLOCK as u64, bytes.len() % BLOCK), (0, 0));
        let first = offset / BLOCK as u64;
        for (number, chunk) in (first..).zip(bytes.chunks(BLOCK)) {
            if chunk.iter().any(|byte| *byte != 0) || self.blocks.contains_key(&number) {
                self.blocks.insert(number, chunk.try_into().unwrap());
            }
        }
        self.length = self.length.max(offset + bytes.len() as u64);
    }

    fn tear(&mut self, offset: u64, new: &[u8], tear: Tear) {
        let mut old = vec![0; new.len()];
        self.read(offset, &mut old);
        self.write(offset, &tear.apply(&old, new));
    }
}

/// A file on the fake disk. A clone is a second handle of the same file.
#[derive(Clone, Debug)]
pub(crate) struct FakeFile {
    inner: Rc<RefCell<Inner>>,
    faults: Rc<RefCell<FaultInjector>>,
    flaw: Flaw,
}

#[derive(Clone, Debug, Default)]
struct Inner {
    /// The kernel's cache. A read returns these bytes: the contents of the disk with the unsynced
    /// writes.
    cache: Bytes,
    /// The bytes that are on the disk after any power cut.
    durable: Bytes,
    /// The unsynced writes, each with its offset.
    dirty: Vec<(u64, Vec<u8>)>,
    /// The offsets that cannot be read.
    unreadable: Vec<u64>,
}

impl FakeFile {
    pub(super) fn new(faults: &Rc<RefCell<FaultInjector>>, flaw: Flaw) -> Self {
        Self {
            inner: Rc::default(),
            faults: Rc::clone(faults),
            flaw,
        }
    }

    /// Copies the file, with its cache and its unsynced writes. Operations on the copy succeed
    /// until the test injects a fault.
    pub(crate) fn fork(&self) -> Self {
        self.fork_with(&Rc::new(RefCell::new(FaultInjector::new())))
    }

    pub(super) fn fork_with(&self, faults: &Rc<RefCell<FaultInjector>>) -> Self {
        Self {
            inner: Rc::new(RefCell::new(self.inner.borrow().clone())),
            faults: Rc::clone(faults),
            flaw: self.flaw,
        }
    }

    /// Begins a phase of the test (the creation of the record, a load or a save), and counts
    /// operations from zero again.
    pub(crate) fn begin(&self, phase: Phase) {
        let mut faults = self.faults.borrow_mut();
        let (pending, occurred) = (faults.pending, faults.occurred);
        *faults = FaultInjector {
            phase,
            pending,
            occurred,
            ..FaultInjector::new()
        };
    }

    pub(crate) fn fail_at(&self, operation: usize, fault: Fault) {
        self.faults.borrow_mut().pending = Some((operation, fault));
    }

    pub(crate) fn failure(&self) -> Option<Fault> {
        self.faults.borrow().occurred
    }

    pub(crate) fn dirty(&self) -> usize {
        self.inner.borrow().dirty.len()
    }

    /// Cuts the power. Each unsynced write is torn in the way that `tears` gives for it.
    pub(crate) fn cut_power(&self, tears: &[Tear]) {
        let mut inner = self.inner.borrow_mut();
        let dirty = std::mem::take(&mut inner.dirty);
        assert_eq!(dirty.len(), tears.len());
        for ((offset, bytes), tear) in dirty.iter().zip(tears) {
            inner.durable.tear(*offset, bytes, *tear);
        }
        inner.cache = inner.durable.clone();
    }

    /// Lets the kernel write all unsynced bytes.
    pub(crate) fn write_back(&self) {
        self.cut_power(&vec![Tear::Whole; self.dirty()]);
    }

    /// Drops all clean pages from the kernel's cache. The next read gets their bytes from the disk.
    pub(crate) fn evict(&self) {
        let mut inner = self.inner.borrow_mut();
        let mut cache = inner.durable.clone();
        for (offset, bytes) in &inner.dirty {
            cache.write(*offset, bytes);
        }
        inner.cache = cache;
    }

    /// Changes a block on the disk and in the cache.
    pub(crate) fn damage(&self, offset: u64, damage: impl Fn(&mut [u8])) {
        let mut inner = self.inner.borrow_mut();
        let inner = &mut *inner;
        for bytes in [&mut inner.cache, &mut inner.durable] {
            let mut block = [0; BLOCK];
            bytes.read(offset, &mut block);
            damage(&mut block);
            bytes.write(offset, &block);
        }
    }

    /// Copies the block at this offset from another file.
    pub(crate) fn take_from(&self, other: &Self, offset: u64) {
        let mut theirs = [0; BLOCK];
        other.inner.borrow().cache.read(offset, &mut theirs);
        self.damage(offset, |block| block.copy_from_slice(&theirs));
    }

    /// Damages the slot (the place of a saved state) at this offset, so that it is invalid.
    pub(crate) fn corrupt(&self, offset: u64) {
        self.damage(offset, |block| block.rotate_right(1));
    }

    pub(crate) fn make_unreadable(&self, offset: u64) {
        self.inner.borrow_mut().unreadable.push(offset);
    }

    pub(crate) fn set_length(&self, length: u64) {
        self.inner.borrow_mut().cache.length = length;
    }

    fn flush(&self) {
        let mut inner = self.inner.borrow_mut();
        for (offset, bytes) in std::mem::take(&mut inner.dirty) {
            inner.durable.write(offset, &bytes);
        }
    }
}

impl Medium for FakeFile {
    fn length(&mut self) -> io::Result<u64> {
        match self.faults.borrow_mut().next_operation()? {
            Some(fault) => Err(end(fault)),
            None => Ok(self.inner.borrow().cache.length),
        }
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let inner = self.inner.borrow();
        match self.faults.borrow_mut().next_operation()? {
            Some(fault) => Err(end(fault)),
            None if inner.unreadable.contains(&offset) => {
                Err(io::Error::other("a sector cannot be read"))
            }
            None => {
                inner.cache.read(offset, buffer);
                Ok(())
            }
        }
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut faults = self.faults.borrow_mut();
        let number = faults.writes;
        faults.writes += 1;
        match (self.flaw, faults.phase, number) {
            (Flaw::NoRewrite, Phase::Load, _)
            | (Flaw::OneSlot, Phase::Save, 1)
            | (Flaw::NoCopy, Phase::Save, 2 | 3) => return Ok(()),
            _ => {}
        }
        let fault = faults.next_operation()?;
        let kept = match fault {
            Some(Fault::Kill(tear) | Fault::Fails(_, tear)) => tear,
            Some(Fault::Cut) | None => Tear::Whole,
        };
        {
            let mut inner = self.inner.borrow_mut();
            let inner = &mut *inner;
            inner.unreadable.retain(|at| *at != offset);
            let mut old = vec![0; bytes.len()];
            inner.cache.read(offset, &mut old);
            let bytes = kept.apply(&old, bytes);
            inner.cache.write(offset, &bytes);
            inner.dirty.push((offset, bytes));
        }
        let last = (self.flaw, faults.phase, number) == (Flaw::SyncLast, Phase::Save, 3);
        if last && fault.is_none() {
            self.flush();
        }
        fault.map_or(Ok(()), |fault| Err(end(fault)))
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut faults = self.faults.borrow_mut();
        let number = faults.syncs;
        faults.syncs += 1;
        match faults.next_operation()? {
            Some(Fault::Fails(kind, tear)) => {
                let mut inner = self.inner.borrow_mut();
                for (offset, bytes) in std::mem::take(&mut inner.dirty) {
                    inner.durable.tear(offset, &bytes, tear);
                }
                return Err(kind.into());
            }
            Some(fault) => return Err(end(fault)),
            None => {}
        }
        match (self.flaw, faults.phase, number) {
            (Flaw::NoSync, ..)
            | (Flaw::SyncLast, Phase::Save, _)
            | (Flaw::NoRewrite, Phase::Load, _)
            | (Flaw::RewriteAtOnce, Phase::Load, 0 | 1) => {}
            _ => self.flush(),
        }
        Ok(())
    }
}
