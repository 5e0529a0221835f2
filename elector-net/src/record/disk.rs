use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// A file of a record. Tests implement this trait for a file on a fake disk, which can fail.
pub(super) trait Medium {
    /// Returns the length of the file in bytes.
    fn length(&mut self) -> io::Result<u64>;

    /// Fills the buffer with the bytes of the file from this offset on.
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Writes the bytes into the file at this offset. Does not wait for the disk.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Returns when all bytes that were written before would survive a power cut.
    fn sync(&mut self) -> io::Result<()>;
}

/// The folder in which a record is created. Tests implement this trait for a folder on a fake disk,
/// which can fail.
pub(super) trait Folder {
    type File: Medium;

    fn has(&mut self, name: &str) -> io::Result<bool>;

    /// Creates an empty file, or truncates an existing one.
    fn create(&mut self, name: &str) -> io::Result<Self::File>;

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;

    /// Returns when all files that were created or renamed before would survive a power cut.
    fn sync(&mut self) -> io::Result<()>;
}

impl Medium for File {
    fn length(&mut self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.read_exact_at(buffer, offset)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// A folder of the file system.
pub(super) struct Dir(pub(super) PathBuf);

impl Folder for Dir {
    type File = File;

    fn has(&mut self, name: &str) -> io::Result<bool> {
        self.0.join(name).try_exists()
    }

    fn create(&mut self, name: &str) -> io::Result<File> {
        private_file_options()
            .truncate(true)
            .open(self.0.join(name))
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.0.join(from), self.0.join(to))
    }

    fn sync(&mut self) -> io::Result<()> {
        sync_folder(&self.0)
    }
}

/// Returns options to open a file for reading and writing. If the file is missing, it is created,
/// and only its owner can read it.
pub(super) fn private_file_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o600);
    options
}

/// Creates a folder and its parents, if they are missing. When this function returns, the new
/// folders would survive a power cut. Only their owner can use them.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    let parent = match folder.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    if folder.is_dir() {
        // Another process may have created the folder without waiting for the disk. So this call
        // makes the folder durable. If the call fails, the folder can be used all the same.
        let _ = sync_folder(parent);
        return Ok(());
    }
    make_folder(parent)?;
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        // Another process created the folder first.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
        made => made?,
    }
    sync_folder(parent)
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
