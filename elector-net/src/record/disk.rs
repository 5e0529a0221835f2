use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

/// A file: the seam at which tests put a disk that fails.
pub(super) trait Medium {
    /// Its length in bytes.
    fn length(&mut self) -> io::Result<u64>;

    /// Fills the buffer.
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Writes, and does not wait for the disk.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Returns when all that was written would survive a power cut.
    fn sync(&mut self) -> io::Result<()>;
}

/// A folder with files in it: the same seam, for what is done when a record is made.
pub(super) trait Folder {
    type File: Medium;

    fn has(&mut self, name: &str) -> io::Result<bool>;

    /// An empty file, instead of any that there is.
    fn create(&mut self, name: &str) -> io::Result<Self::File>;

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;

    /// Returns when all that was created and renamed would survive a power cut.
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
        private().truncate(true).open(self.0.join(name))
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.0.join(from), self.0.join(to))
    }

    fn sync(&mut self) -> io::Result<()> {
        sync_folder(&self.0)
    }
}

/// Opens a file to read and write it, and makes it if need be: for the owner's eyes only.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes a folder if need be, for the owner's eyes only, so that it would survive a power cut.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    let parent = match folder.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    if folder.is_dir() {
        // Whoever made it may not have waited for the disk. That is done for them, where it may be.
        let _ = sync_folder(parent);
        return Ok(());
    }
    make_folder(parent)?;
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        // Somebody else was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
        made => made?,
    }
    sync_folder(parent)
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

// Elsewhere folders cannot be synced, and need not be.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
