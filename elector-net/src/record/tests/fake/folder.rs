use std::{cell::RefCell, collections::BTreeMap, io, rc::Rc};

use super::{FakeFile, Fault, Flaw, Fuse, Tear, end};
use crate::record::disk::Folder;

/// A folder on such a disk. What was made and renamed in it becomes durable in that order.
#[derive(Debug)]
pub(crate) struct FakeFolder {
    names: BTreeMap<String, FakeFile>,
    /// The names before each change that was not waited for.
    earlier: Vec<BTreeMap<String, FakeFile>>,
    fuse: Rc<RefCell<Fuse>>,
    flaw: Flaw,
}

impl FakeFolder {
    pub(crate) fn new(flaw: Flaw) -> Self {
        Self {
            names: BTreeMap::new(),
            earlier: Vec::new(),
            fuse: Rc::new(RefCell::new(Fuse::new())),
            flaw,
        }
    }

    pub(crate) fn file(&self, name: &str) -> Option<&FakeFile> {
        self.names.get(name)
    }

    pub(crate) fn fail_at(&self, operation: usize, fault: Fault) {
        self.fuse.borrow_mut().set = Some((operation, fault));
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.fuse.borrow().blown.is_some()
    }

    /// How many changes of names were not waited for.
    pub(crate) fn changes(&self) -> usize {
        self.earlier.len()
    }

    /// The folder after a power cut that undid this many changes of names, and did this to each
    /// write that was not waited for.
    pub(crate) fn after_cut(&self, undone: usize, tear: Tear) -> Self {
        let names = match undone {
            0 => &self.names,
            _ => &self.earlier[self.earlier.len() - undone],
        };
        let fuse = Rc::new(RefCell::new(Fuse::new()));
        let survivor = |(name, file): (&String, &FakeFile)| {
            let file = file.fork_with(&fuse);
            file.cut_power(&vec![tear; file.dirty()]);
            (name.clone(), file)
        };
        Self {
            names: names.iter().map(survivor).collect(),
            earlier: Vec::new(),
            fuse: Rc::clone(&fuse),
            flaw: self.flaw,
        }
    }

    fn change(&mut self, change: impl FnOnce(&mut BTreeMap<String, FakeFile>)) -> io::Result<()> {
        let fault = self.fuse.borrow_mut().burn()?;
        if !matches!(fault, Some(Fault::Fails(..))) {
            self.earlier.push(self.names.clone());
            change(&mut self.names);
        }
        fault.map_or(Ok(()), |fault| Err(end(fault)))
    }
}

impl Folder for FakeFolder {
    type File = FakeFile;

    fn has(&mut self, name: &str) -> io::Result<bool> {
        match self.fuse.borrow_mut().burn()? {
            Some(fault) => Err(end(fault)),
            None => Ok(self.names.contains_key(name)),
        }
    }

    fn create(&mut self, name: &str) -> io::Result<FakeFile> {
        let file = FakeFile::new(&self.fuse, self.flaw);
        let made = file.clone();
        self.change(|names| {
            names.insert(name.into(), made);
        })?;
        Ok(file)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.change(|names| {
            let file = names.remove(from).unwrap();
            names.insert(to.into(), file);
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        if let Some(fault) = self.fuse.borrow_mut().burn()? {
            return Err(end(fault));
        }
        if self.flaw != Flaw::NoSync {
            self.earlier.clear();
        }
        Ok(())
    }
}
