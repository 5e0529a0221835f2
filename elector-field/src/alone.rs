use std::fs::File;

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use crate::error::Error;

/// What runs of this program lock: the names of namespaces are the same in each.
const LOCK: &str = "/run/elector-field.lock";

/// The right to make and delete the namespaces, held until it is dropped.
#[derive(Debug)]
pub(crate) struct Alone(#[expect(dead_code, reason = "it is a lock")] File);

impl Alone {
    /// Waits until no other run has it.
    ///
    /// # Errors
    /// If the lock cannot be made.
    pub(crate) fn wait() -> Result<Self, Error> {
        let lock = File::create(LOCK).map_err(|error| Error::Lock(LOCK, error))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => {
                eprintln!(
                    "Another run of elector-field uses the namespaces of this machine: waiting for \
                     its end. Who has it: `fuser {LOCK}`"
                );
                flock(&lock, FlockOperation::LockExclusive)?;
            }
            locked => locked?,
        }
        Ok(Self(lock))
    }
}
