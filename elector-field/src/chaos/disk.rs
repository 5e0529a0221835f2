use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use crate::{error::Error, program::run};

/// Room for a record, and for the journal of the file system.
const BYTES: u64 = 16 << 20;

/// A file system of its own, on a loop device over a file in memory.
#[derive(Debug)]
pub(super) struct Disk {
    image: PathBuf,
    /// Where it is mounted.
    pub(super) place: PathBuf,
    hangs: bool,
    /// How often it was mended.
    copies: u32,
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
            copies: 0,
        };
        File::create(&disk.image)?.set_len(BYTES)?;
        fs::create_dir_all(&disk.place)?;
        run("mkfs.ext4", &["-q", "-F", &disk.image.to_string_lossy()])?;
        disk.mount()?;
        Ok(disk)
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

    /// Mounts a copy of it, without the error. The disk itself keeps the error for as long as any
    /// process of the machine has it mounted, in whatever namespace.
    ///
    /// # Errors
    /// If it cannot be copied, or mounted.
    pub(super) fn mend(&mut self) -> Result<(), Error> {
        run("umount", &["-l", &self.place.to_string_lossy()])?;
        let copy = self.image.with_extension(self.copies.to_string());
        self.copies += 1;
        fs::copy(&self.image, &copy)?;
        fs::remove_file(&self.image)?;
        self.image = copy;
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
