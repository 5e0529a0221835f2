use std::{cell::RefCell, collections::BTreeMap, io, rc::Rc};

use super::{FakeFile, Fault, FaultInjector, Flaw, Tear, end};
use crate::record::disk::Folder;

/// A folder on the fake disk. Creations and renames become durable in the order in which they were
/// made.
#[derive(Debug)]
pub(crate) struct FakeFolder {
    names: BTreeMap<String, FakeFile>,
    /// The files by their names, as they were before each change of the names that is not synced
    /// yet.
    earlier: Vec<BTreeMap<String, FakeFile>>,
    faults: Rc<RefCell<FaultInjector>>,
    flaw: Flaw,
}

impl FakeFolder {
    pub(crate) fn new(flaw: Flaw) -> Self {
        Self {
            names: BTreeMap::new(),
            earlier: Vec::new(),
            faults: Rc::new(RefCell::new(FaultInjector::new())),
            flaw,
        }
    }

    pub(crate) fn file(&self, name: &str) -> Option<&FakeFile> {
        self.names.get(name)
    }

    pub(crate) fn fail_at(&self, operation: usize, fault: Fault) {
        self.faults.borrow_mut().pending = Some((operation, fault));
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.faults.borrow().occurred.is_some()
    }

    /// Returns the number of changes of names that are not synced yet.
    pub(crate) fn changes(&self) -> usize {
        self.earlier.len()
    }

    /// Returns the folder as it is after a power cut. The power cut has undone the last `undone`
    /// changes of names, and has torn all unsynced writes in the way `tear`.
    pub(crate) fn after_cut(&self, undone: usize, tear: Tear) -> Self {
        let names = match undone {
            0 => &self.names,
            _ => &self.earlier[self.earlier.len() - undone],
        };
        let faults = Rc::new(RefCell::new(FaultInjector::new()));
        let survivor = |(name, file): (&String, &FakeFile)| {
            let file = file.fork_with(&faults);
            file.cut_power(&vec![tear; file.dirty()]);
            (name.clone(), file)
        };
        Self {
            names: names.iter().map(survivor).collect(),
            earlier: Vec::new(),
            faults: Rc::clone(&faults),
            flaw: self.flaw,
        }
    }

    fn change(&mut self, change: impl FnOnce(&mut BTreeMap<String, FakeFile>)) -> io::Result<()> {
        let fault = self.faults.borrow_mut().next_operation()?;
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
        match self.faults.borrow_mut().next_operation()? {
            Some(fault) => Err(end(fault)),
            None => Ok(self.names.contains_key(name)),
        }
    }

    fn create(&mut self, name: &str) -> io::Result<FakeFile> {
        let file = FakeFile::new(&self.faults, self.flaw);
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
        if let Some(fault) = self.faults.borrow_mut().next_operation()? {
            return Err(end(fault));
        }
        if self.flaw != Flaw::NoSync {
            self.earlier.clear();
        }
        Ok(())
    }
}
