use std::{
    fs::{File, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

use super::{disk::private, error::RecordError};

const NAME: &str = "lock";

/// Keeps everybody else out of a folder until it is dropped, or the process ends.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file is not enough: a child that this process makes at this moment has a copy
        // of the descriptor until it runs its program, and the lock would last as long. If this
        // fails, the lock ends with the last copy.
        let _ = self.file.unlock();
    }
}

impl Lock {
    /// # Errors
    /// If another has it.
    pub(super) fn take(folder: &Path) -> Result<Self, RecordError> {
        let path = folder.join(NAME);
        let failed = |doing| {
            let path = path.clone();
            move |source| RecordError::Io {
                doing,
                path,
                source,
            }
        };
        let mut file = private()
            .truncate(false)
            .open(&path)
            .map_err(failed("open the lock"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let folder = folder.to_path_buf();
                let process = read_process(&mut file);
                return Err(RecordError::InUse { folder, process });
            }
            Err(TryLockError::Error(error)) => return Err(failed("take the lock")(error)),
        }
        leave_process(&mut file).map_err(failed("write the lock"))?;
        Ok(Self { file })
    }
}

/// Only for the message of whoever comes second: it may come too early to find it.
fn read_process(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn leave_process(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    writeln!(file, "{}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    // A program may start children while a node of it ends and is started again.
    #[test]
    fn a_copy_of_the_descriptor_does_not_prolong_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let lock = Lock::take(folder.path()).unwrap();
        let copy = lock.file.try_clone().unwrap();
        assert!(Lock::take(folder.path()).is_err());
        drop(lock);
        assert!(Lock::take(folder.path()).is_ok());
        drop(copy);
    }
}
