use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crate::{error::Error, program::run};

/// Room for a record, and for the journal of the file system.
const BYTES: u64 = 16 << 20;

/// How long processes that have been killed may keep a disk busy.
const BUSY: Duration = Duration::from_secs(20);

/// A file system of its own, on a loop device over a file in memory.
#[derive(Debug)]
pub(super) struct Disk {
    image: PathBuf,
    /// Where it is mounted.
    pub(super) place: PathBuf,
    hangs: bool,
}

impl Disk {
    /// Makes the disk with this number, and mounts it.
    ///
    /// # Errors
    /// Without loop devices, the right to mount, and `mkfs.ext4`.
    pub(super) fn new(folder: &Path, number: usize) -> Result<Self, Error> {
        let disk = Self {
            image: folder.join(format!("image-{number}")),
            place: folder.join(format!("disk-{number}")),
            hangs: false,
        };
        File::create(&disk.image)?.set_len(BYTES)?;
        fs::create_dir_all(&disk.place)?;
        run("mkfs.ext4", &["-q", "-F", &disk.image.to_string_lossy()])?;
        disk.mount()?;
        Ok(disk)
    }

    /// Unmounts what an earlier run has left in this folder.
    pub(super) fn clear(folder: &Path) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            // Most of it is no disk.
            if entry.file_name().to_string_lossy().starts_with("disk-") {
                let place = entry.path();
                let _ = run("fsfreeze", &["-u", &place.to_string_lossy()]);
                let _ = run("umount", &["-l", &place.to_string_lossy()]);
            }
        }
    }

    fn mount(&self) -> Result<(), Error> {
        let [image, place] = [&self.image, &self.place].map(|path| path.to_string_lossy());
        run("mount", &["-o", "loop", &image, &place]).map(drop)
    }

    /// From now on each write waits, and a process that writes cannot be killed meanwhile.
    ///
    /// # Errors
    /// If `fsfreeze` fails.
    pub(super) fn hang(&mut self) -> Result<(), Error> {
        run("fsfreeze", &["-f", &self.place.to_string_lossy()])?;
        self.hangs = true;
        Ok(())
    }

    /// The writes that wait go on.
    ///
    /// # Errors
    /// If `fsfreeze` fails.
    pub(super) fn release(&mut self) -> Result<(), Error> {
        self.hangs = false;
        run("fsfreeze", &["-u", &self.place.to_string_lossy()]).map(drop)
    }

    /// From now on each write fails, as after an error of the device: what was synced stays.
    ///
    /// # Errors
    /// If `mount` fails.
    pub(super) fn fail(&self) -> Result<(), Error> {
        let place = self.place.to_string_lossy();
        run("mount", &["-o", "remount,abort", &place]).map(drop)
    }

    /// Mounts it anew, without the error. No process may use it.
    ///
    /// # Errors
    /// If one still does after a while.
    pub(super) fn mend(&self) -> Result<(), Error> {
        let began = Instant::now();
        while let Err(error) = run("umount", &[&self.place.to_string_lossy()]) {
            if began.elapsed() > BUSY {
                return Err(error);
            }
            thread::sleep(Duration::from_millis(10));
        }
        self.mount()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // There is nothing left to do about failures.
        if self.hangs {
            let _ = self.release();
        }
        let place = self.place.to_string_lossy();
        if run("umount", &[&place]).is_err() {
            // Until the last process of a node has ended.
            let _ = run("umount", &["-l", &place]);
        }
    }
}
