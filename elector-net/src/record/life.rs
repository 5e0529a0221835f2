use std::{
    fs::{File, TryLockError},
    io,
    path::Path,
};

use ring::digest::{SHA256, digest};
use rustix::io::{FdFlags, fcntl_setfd};
use serde::{Deserialize, Serialize};

use super::disk::private_file_options;

/// The name of the file of a [`LifeLock`], in the folder of the record.
const NAME: &str = "life";

/// A lock that all processes of one life of a node hold. A life begins when the node's process
/// starts, and ends when this process and all processes that act on its behalf have ended. When the
/// next life gets the lock, the kernel guarantees that all processes of the previous life have
/// ended. See [`Tcp::life`](crate::Tcp::life).
///
/// The lock ends when every process that inherited it has ended. Dropping this value does not end
/// the lock while another process has it.
#[derive(Debug)]
pub struct LifeLock {
    file: File,
    id: LockId,
}

/// Identifies a [`LifeLock`]. Two locks have the same id only if they lock the same file on the
/// same machine, and the machine was not booted between them. The lock in a copy of the folder has
/// another id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LockId([u8; 16]);

impl LockId {
    /// The id of a node without a lock. Such a node cannot prove that its previous life, the
    /// process before, has ended.
    pub(crate) const NONE: Self = Self([0; 16]);

    #[cfg(test)]
    pub(crate) const fn of(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the id of a lock on this file. Returns `None` if the lock would not prove that the
    /// processes that had it before have ended, for example on a network file system.
    #[cfg(target_os = "linux")]
    fn on(file: &File) -> io::Result<Option<Self>> {
        use std::os::unix::fs::MetadataExt;

        /// File systems whose locks the local kernel keeps, and which give a file one device and
        /// one inode for its whole lifetime: ext2 to ext4, XFS, Btrfs, tmpfs, F2FS, ZFS and
        /// bcachefs (linux/magic.h).
        const LOCAL: [i64; 7] = [
            0xef53,
            0x5846_5342,
            0x9123_683e,
            0x0102_1994,
            0xf2f5_2010,
            0x2fc1_2fc1,
            0xca45_1a4e,
        ];
        /// The file with the id of this boot of the kernel. All containers of a machine read the
        /// same id.
        const BOOT: &str = "/proc/sys/kernel/random/boot_id";

        #[allow(clippy::useless_conversion, reason = "it has 32 bits on some systems")]
        let kind = i64::from(rustix::fs::fstatfs(file)?.f_type);
        if !LOCAL.contains(&kind) {
            return Ok(None);
        }
        // Without the boot id, the lock could have the same id as a lock on another machine. So it
        // proves nothing, and the result is `None`.
        let boot = std::fs::read_to_string(BOOT).ok();
        let found = file.metadata()?;
        Ok(boot.map(|boot| Self::named(&boot, found.dev(), found.ino())))
    }

    #[cfg(not(target_os = "linux"))]
    fn on(_: &File) -> io::Result<Option<Self>> {
        Ok(None)
    }

    fn named(boot: &str, device: u64, inode: u64) -> Self {
        let text = format!("elector life {} {device} {inode}", boot.trim());
        let hash = digest(&SHA256, text.as_bytes());
        let head = hash.as_ref().first_chunk();
        head.map_or(Self::NONE, |head| Self(*head))
    }
}

impl LifeLock {
    /// Takes the lock of this folder. Returns `None` if processes of the node's previous life still
    /// have the lock. Also returns `None` if the lock would not prove that these processes have
    /// ended, for example on a network file system.
    ///
    /// # Errors
    /// If the file cannot be created or locked.
    pub fn take(folder: impl AsRef<Path>) -> io::Result<Option<Self>> {
        let file = private_file_options()
            .truncate(false)
            .open(folder.as_ref().join(NAME))?;
        let Some(id) = LockId::on(&file)? else {
            return Ok(None);
        };
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { file, id })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Makes all child processes that start from now on inherit the lock, and also their children.
    /// Use this method for a node that acts through other processes. A child that closes inherited
    /// files does not hold the lock.
    ///
    /// # Errors
    /// If the operating system reports an error.
    pub fn inherit(&self) -> io::Result<()> {
        Ok(fcntl_setfd(&self.file, FdFlags::empty())?)
    }

    pub(crate) fn id(&self) -> LockId {
        self.id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(folder: &Path) -> Option<LifeLock> {
        LifeLock::take(folder).unwrap()
    }

    // Returns a folder in memory. The default folder for tests may be on a file system on which a
    // lock proves nothing.
    fn folder() -> tempfile::TempDir {
        tempfile::tempdir_in("/dev/shm").unwrap()
    }

    // As long as a process of the first life runs, the lock must not show that this life has ended.
    // After that, the next life must get a lock with the same id.
    #[test]
    fn the_next_life_gets_the_same_lock_after_all_processes_of_the_last_have_ended() {
        let folder = folder();
        let first = taken(folder.path()).unwrap();
        let id = first.id();
        assert!(taken(folder.path()).is_none(), "the first life still runs");
        let child = first.file.try_clone().unwrap();
        drop(first);
        assert!(taken(folder.path()).is_none(), "a child of it still runs");
        drop(child);
        assert_eq!(taken(folder.path()).unwrap().id(), id);
    }

    // A node with a copied folder can run at the same time as the original node. Its lock must
    // prove nothing about the original.
    #[test]
    fn a_copy_has_another_lock() {
        let (one, copy) = (folder(), folder());
        let first = taken(one.path()).unwrap();
        std::fs::copy(one.path().join(NAME), copy.path().join(NAME)).unwrap();
        assert_ne!(taken(copy.path()).unwrap().id(), first.id());
        assert_ne!(first.id(), LockId::NONE);
    }

    // The locks of another boot, another device or another file must have other ids. Otherwise a
    // lock could prove the end of a process that still runs, and that holds another lock.
    #[test]
    fn a_lock_is_identified_by_boot_device_and_file() {
        let all = [
            LockId::named("a", 1, 23),
            LockId::named("b", 1, 23),
            LockId::named("a", 12, 3),
            LockId::named("a", 1, 24),
        ];
        for (place, one) in all.iter().enumerate() {
            assert!(!all[..place].contains(one));
        }
        assert_eq!(LockId::named("a\n", 1, 23), all[0]);
    }
}
