use std::fs::File;

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use crate::error::Error;

/// The file that each run of this program locks, because all runs use the same names of network
/// namespaces.
const LOCK_PATH: &str = "/run/elector-field.lock";

/// The exclusive right to create and delete the network namespaces of this program. Dropping this
/// value releases the lock.
#[derive(Debug)]
pub(crate) struct NamespaceLock(#[expect(dead_code, reason = "the open file holds the lock")] File);

impl NamespaceLock {
    /// Waits until no other run holds the lock, and takes it.
    ///
    /// # Errors
    /// Returns an error if the lock file cannot be created or locked.
    pub(crate) fn acquire() -> Result<Self, Error> {
        let lock = File::create(LOCK_PATH).map_err(|error| Error::Lock(LOCK_PATH, error))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => {
                eprintln!(
                    "Another run of elector-field uses the namespaces of this machine. Waiting \
                     until it ends. To find its process, run `fuser {LOCK_PATH}`"
                );
                flock(&lock, FlockOperation::LockExclusive)?;
            }
            locked => locked?,
        }
        Ok(Self(lock))
    }
}
