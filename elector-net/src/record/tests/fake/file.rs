use std::{cell::RefCell, collections::BTreeMap, io, rc::Rc};

use super::{Fault, Flaw, Fuse, Phase, Tear, end};
use crate::record::{disk::Medium, slot::BLOCK};

/// Bytes, most of them zero.
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

    /// In whole blocks.
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

/// A file on such a disk. Clones are the same file.
#[derive(Clone, Debug)]
pub(crate) struct FakeFile {
    inner: Rc<RefCell<Inner>>,
    fuse: Rc<RefCell<Fuse>>,
    flaw: Flaw,
}

#[derive(Clone, Debug, Default)]
struct Inner {
    /// What is read: the disk's content under what was written.
    cache: Bytes,
    /// What is there after a power cut, whatever happens.
    platter: Bytes,
    /// What was written and not waited for.
    dirty: Vec<(u64, Vec<u8>)>,
    /// Where reading fails.
    unreadable: Vec<u64>,
}

impl FakeFile {
    pub(super) fn new(fuse: &Rc<RefCell<Fuse>>, flaw: Flaw) -> Self {
        Self {
            inner: Rc::default(),
            fuse: Rc::clone(fuse),
            flaw,
        }
    }

    /// The same file in another world, where everything works.
    pub(crate) fn fork(&self) -> Self {
        self.fork_with(&Rc::new(RefCell::new(Fuse::new())))
    }

    pub(super) fn fork_with(&self, fuse: &Rc<RefCell<Fuse>>) -> Self {
        Self {
            inner: Rc::new(RefCell::new(self.inner.borrow().clone())),
            fuse: Rc::clone(fuse),
            flaw: self.flaw,
        }
    }

    /// Counts operations from here.
    pub(crate) fn begin(&self, phase: Phase) {
        let mut fuse = self.fuse.borrow_mut();
        let (set, blown) = (fuse.set, fuse.blown);
        *fuse = Fuse {
            phase,
            set,
            blown,
            ..Fuse::new()
        };
    }

    pub(crate) fn fail_at(&self, operation: usize, fault: Fault) {
        self.fuse.borrow_mut().set = Some((operation, fault));
    }

    pub(crate) fn failure(&self) -> Option<Fault> {
        self.fuse.borrow().blown
    }

    pub(crate) fn dirty(&self) -> usize {
        self.inner.borrow().dirty.len()
    }

    /// The power is cut: of each write that was not waited for, this much is on the disk.
    pub(crate) fn cut_power(&self, tears: &[Tear]) {
        let mut inner = self.inner.borrow_mut();
        let dirty = std::mem::take(&mut inner.dirty);
        assert_eq!(dirty.len(), tears.len());
        for ((offset, bytes), tear) in dirty.iter().zip(tears) {
            inner.platter.tear(*offset, bytes, *tear);
        }
        inner.cache = inner.platter.clone();
    }

    /// The kernel has written everything that it had not been told to wait for.
    pub(crate) fn write_back(&self) {
        self.cut_power(&vec![Tear::Whole; self.dirty()]);
    }

    /// The kernel reads again whatever it takes for clean.
    pub(crate) fn evict(&self) {
        let mut inner = self.inner.borrow_mut();
        let mut cache = inner.platter.clone();
        for (offset, bytes) in &inner.dirty {
            cache.write(*offset, bytes);
        }
        inner.cache = cache;
    }

    /// The disk changes by itself.
    pub(crate) fn damage(&self, offset: u64, damage: impl Fn(&mut [u8])) {
        let mut inner = self.inner.borrow_mut();
        let inner = &mut *inner;
        for bytes in [&mut inner.cache, &mut inner.platter] {
            let mut block = [0; BLOCK];
            bytes.read(offset, &mut block);
            damage(&mut block);
            bytes.write(offset, &block);
        }
    }

    /// A block of another file takes the place of this one's.
    pub(crate) fn take_from(&self, other: &Self, offset: u64) {
        let mut theirs = [0; BLOCK];
        other.inner.borrow().cache.read(offset, &mut theirs);
        self.damage(offset, |block| block.copy_from_slice(&theirs));
    }

    /// A slot is not what it was any more.
    pub(crate) fn spoil(&self, offset: u64) {
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
            inner.platter.write(offset, &bytes);
        }
    }
}

impl Medium for FakeFile {
    fn length(&mut self) -> io::Result<u64> {
        match self.fuse.borrow_mut().burn()? {
            Some(fault) => Err(end(fault)),
            None => Ok(self.inner.borrow().cache.length),
        }
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let inner = self.inner.borrow();
        match self.fuse.borrow_mut().burn()? {
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
        let mut fuse = self.fuse.borrow_mut();
        let number = fuse.writes;
        fuse.writes += 1;
        match (self.flaw, fuse.phase, number) {
            (Flaw::NoRewrite, Phase::Load, _)
            | (Flaw::OneSlot, Phase::Save, 1)
            | (Flaw::NoCopy, Phase::Save, 2 | 3) => return Ok(()),
            _ => {}
        }
        let fault = fuse.burn()?;
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
        let last = (self.flaw, fuse.phase, number) == (Flaw::SyncLast, Phase::Save, 3);
        if last && fault.is_none() {
            self.flush();
        }
        fault.map_or(Ok(()), |fault| Err(end(fault)))
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut fuse = self.fuse.borrow_mut();
        let number = fuse.syncs;
        fuse.syncs += 1;
        match fuse.burn()? {
            Some(Fault::Fails(kind, tear)) => {
                let mut inner = self.inner.borrow_mut();
                for (offset, bytes) in std::mem::take(&mut inner.dirty) {
                    inner.platter.tear(offset, &bytes, tear);
                }
                return Err(kind.into());
            }
            Some(fault) => return Err(end(fault)),
            None => {}
        }
        match (self.flaw, fuse.phase, number) {
            (Flaw::NoSync, ..)
            | (Flaw::SyncLast, Phase::Save, _)
            | (Flaw::NoRewrite, Phase::Load, _)
            | (Flaw::RewriteAtOnce, Phase::Load, 0 | 1) => {}
            _ => self.flush(),
        }
        Ok(())
    }
}
