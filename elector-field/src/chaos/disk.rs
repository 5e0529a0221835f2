use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use crate::{error::Error, program::run};

/// The size of a disk in bytes. It is enough for the record, which is the durable state of a node,
/// and for the journal of the file system.
const SIZE_BYTES: u64 = 16 << 20;

/// A file system for one node, on a loop device over a file in memory.
#[derive(Debug)]
pub(super) struct Disk {
    image: PathBuf,
    /// The mount point.
    pub(super) place: PathBuf,
    is_frozen: bool,
    /// How many copies have replaced the first image.
    copies: u32,
}

impl Disk {
    /// Creates the disk with this number and mounts it.
    ///
    /// # Errors
    /// Returns an error if there are no loop devices, no right to mount, or no `mkfs.ext4`.
    pub(super) fn new(folder: &Path, number: usize) -> Result<Self, Error> {
        let disk = Self {
            image: folder.join(format!("image-{number}")),
            place: folder.join(format!("disk-{number}")),
            is_frozen: false,
            copies: 0,
        };
        File::create(&disk.image)?.set_len(SIZE_BYTES)?;
        fs::create_dir_all(&disk.place)?;
        run("mkfs.ext4", &["-q", "-F", &disk.image.to_string_lossy()])?;
        disk.mount()?;
        Ok(disk)
    }

    fn mount(&self) -> Result<(), Error> {
        let [image, place] = [&self.image, &self.place].map(|path| path.to_string_lossy());
        run("mount", &["-o", "loop", &image, &place]).map(drop)
    }

    /// Makes each write to the disk wait. A process that waits for a write cannot be killed.
    ///
    /// # Errors
    /// Returns an error if `fsfreeze` fails.
    pub(super) fn freeze(&mut self) -> Result<(), Error> {
        run("fsfreeze", &["-f", &self.place.to_string_lossy()])?;
        self.is_frozen = true;
        Ok(())
    }

    /// Lets the waiting writes continue.
    ///
    /// # Errors
    /// Returns an error if `fsfreeze` fails.
    pub(super) fn thaw(&mut self) -> Result<(), Error> {
        self.is_frozen = false;
        run("fsfreeze", &["-u", &self.place.to_string_lossy()]).map(drop)
    }

    /// Makes each write to the disk fail, as after a device error. Data that was synced before
    /// stays readable.
    ///
    /// # Errors
    /// Returns an error if `mount` fails.
    pub(super) fn fail(&self) -> Result<(), Error> {
        let place = self.place.to_string_lossy();
        run("mount", &["-o", "remount,abort", &place]).map(drop)
    }

    /// Replaces the disk by a copy of its content that has no error, and mounts the copy.
    ///
    /// The old disk cannot be used again: its error stays as long as the disk is mounted in the
    /// mount namespace of any process of the machine.
    ///
    /// # Errors
    /// Returns an error if the disk cannot be copied or mounted.
    pub(super) fn replace(&mut self) -> Result<(), Error> {
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
        // These calls may fail, and nothing can be done about that here.
        if self.is_frozen {
            let _ = self.thaw();
        }
        let place = self.place.to_string_lossy();
        if run("umount", &[&place]).is_err() {
            // A process of a node still uses the disk. With this option, the kernel unmounts the
            // disk when that process ends.
            let _ = run("umount", &["-l", &place]);
        }
    }
}
