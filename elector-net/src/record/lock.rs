use std::{
    fs::{File, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

use super::{disk::private_file_options, error::RecordError};

/// The name of the lock file, in the folder of the record.
const NAME: &str = "lock";

/// A lock of the kernel on a file. The lock lasts until this value is dropped or the process ends.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file is not enough. A child that this process forks now has a copy of the
        // descriptor until the child calls `exec`, and the copy would keep the lock. If `unlock`
        // fails, the lock ends when the last copy is closed.
        let _ = self.file.unlock();
    }
}

impl Lock {
    /// Locks a folder. The lock is on the file `lock` in the folder, because the record may not
    /// exist yet.
    ///
    /// # Errors
    /// If another process has the lock, or if the operating system reports an error.
    pub(super) fn of_folder(folder: &Path) -> Result<Self, RecordError> {
        let path = folder.join(NAME);
        let opened = private_file_options().truncate(false).open(&path);
        let file = opened.map_err(RecordError::io("open the lock", &path))?;
        let mut lock = Self::on(file, &path, folder)?;
        if let Err(error) = write_process(&mut lock.file) {
            // This error is only logged, because the process id is only for error messages: a full
            // disk must not prevent the start of a node.
            let lock = path.display();
            tracing::debug!(%lock, %error, "lock file does not name the process that has the lock");
        }
        Ok(lock)
    }

    /// Locks the open record of a folder. The lock of the folder is not enough, because the file
    /// `lock` may be deleted while a node runs.
    ///
    /// # Errors
    /// If another process has the lock, or if the operating system reports an error.
    pub(super) fn of_record(
        record: &File,
        path: &Path,
        folder: &Path,
    ) -> Result<Self, RecordError> {
        let copy = record.try_clone();
        let file = copy.map_err(RecordError::io("lock the record", path))?;
        Self::on(file, path, folder)
    }

    fn on(file: File, path: &Path, folder: &Path) -> Result<Self, RecordError> {
        match file.try_lock() {
            Ok(()) => Ok(Self { file }),
            Err(TryLockError::WouldBlock) => Err(RecordError::InUse {
                folder: folder.to_path_buf(),
                process: read_process(folder),
            }),
            Err(TryLockError::Error(error)) => Err(RecordError::io("take the lock", path)(error)),
        }
    }
}

/// Reads the id of the process that has the lock, for an error message of a second process. The
/// second process may read the file before the first process has written its id.
fn read_process(folder: &Path) -> Option<u32> {
    let mut text = String::new();
    let file = File::open(folder.join(NAME)).ok()?;
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn write_process(file: &mut File) -> io::Result<()> {
    let text = format!("{}\n", std::process::id());
    file.seek(SeekFrom::Start(0))?;
    // The old id is overwritten first, and the file is truncated after that: overwriting needs no
    // new space on a full disk.
    file.write_all(text.as_bytes())?;
    file.set_len(text.len() as u64)
}

#[cfg(test)]
mod tests {
    use std::{
        thread,
        time::{Duration, Instant},
    };

    use super::*;

    // A program may start child processes while one of its nodes stops and starts again. Such a
    // child may have a copy of the descriptor of the lock file. If this copy kept the lock, the
    // node could not start again.
    #[test]
    fn a_copy_of_the_descriptor_does_not_prolong_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let lock = Lock::of_folder(folder.path()).unwrap();
        let copy = lock.file.try_clone().unwrap();
        assert!(Lock::of_folder(folder.path()).is_err());
        drop(lock);
        assert!(Lock::of_folder(folder.path()).is_ok());
        drop(copy);
    }

    // The process id in the lock file is only for an error message. If it cannot be written, the
    // node must start all the same.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_does_not_prevent_a_start() {
        const LONG: Duration = Duration::from_secs(60);
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/full", folder.path().join(NAME)).unwrap();
        let begun = Instant::now();
        loop {
            match Lock::of_folder(folder.path()) {
                Ok(_) => return,
                // Another process that runs this test at the same time has locked `/dev/full`.
                Err(RecordError::InUse { .. }) if begun.elapsed() < LONG => {
                    thread::sleep(Duration::from_millis(1));
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    // An earlier process may have left a longer text in the lock file. If the rest of this text
    // were read as a part of the new process id, an error message would name the wrong process.
    #[test]
    fn the_lock_file_names_the_process() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(NAME), "12345678901\n12\n").unwrap();
        let _lock = Lock::of_folder(folder.path()).unwrap();
        assert_eq!(read_process(folder.path()), Some(std::process::id()));
    }
}
