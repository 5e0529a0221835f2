use std::{
    collections::BTreeMap,
    env,
    fs::{self, File, OpenOptions},
    io::Write,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process, thread,
    time::Duration,
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
    time::{ClockId, clock_gettime},
};

use crate::error::Error;

/// How often a witness leaves a sign of life.
const BEAT: Duration = Duration::from_millis(1);

/// The command that runs on the leader: it writes down that it lives, until it is killed.
///
/// The lock is the kernel's word that no other command lives: it ends with the process that has it.
///
/// # Errors
/// If the folder cannot be written.
pub(crate) fn witness(folder: &Path) -> Result<(), Error> {
    let lock = File::create(folder.join("lock"))?;
    let overlaps = match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => false,
        Err(Errno::WOULDBLOCK) => true,
        Err(error) => return Err(error.into()),
    };
    let me = process::id();
    let token = env::var("ELECTOR_FENCING_TOKEN").unwrap_or_default();
    let alive = File::create(alive(folder, me))?;
    let mut lives = OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join("lives"))?;
    lives.write_all(format!("{me} {} {token} {overlaps}\n", now()).as_bytes())?;
    loop {
        alive.write_all_at(format!("{:20}", now()).as_bytes(), 0)?;
        thread::sleep(BEAT);
    }
}

fn alive(folder: &Path, process: u32) -> PathBuf {
    folder.join(format!("alive-{process}"))
}

/// Nanoseconds of a clock that all namespaces share.
pub(crate) fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec * 1_000_000_000 + now.tv_nsec).unwrap_or_default()
}

/// One life of the command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    pub(crate) began: u64,
    /// When it was last seen alive.
    pub(crate) ended: u64,
    pub(crate) token: u64,
    /// Another lived when it began.
    pub(crate) overlaps: bool,
}

/// What the witnesses of this folder wrote, in the order in which they began.
///
/// # Errors
/// If the folder cannot be read.
pub(crate) fn lives(folder: &Path) -> Result<Vec<Life>, Error> {
    let text = match fs::read_to_string(folder.join("lives")) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text?,
    };
    let mut lives = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split(' ');
        let mut number = || words.next().and_then(|word| word.parse().ok());
        let (Some(process), Some(began)) = (number(), number()) else {
            continue;
        };
        let token = number().unwrap_or_default();
        let overlaps = words.next() == Some("true");
        let process = u32::try_from(process).unwrap_or_default();
        let last = fs::read_to_string(alive(folder, process)).unwrap_or_default();
        let ended = last.trim().parse().unwrap_or(began);
        let life = Life {
            began,
            ended,
            token,
            overlaps,
        };
        lives.insert(began, life);
    }
    Ok(lives.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    // What a witness writes is what is read, also if it was killed before its first sign of life.
    #[test]
    fn lives_read_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        assert!(lives(folder).expect("nothing ran yet").is_empty());
        fs::write(
            folder.join("lives"),
            "70 100 16385 false\n71 300 16386 true\n",
        )
        .expect("a file");
        fs::write(alive(folder, 70), format!("{:20}", 250)).expect("a file");
        let read = lives(folder).expect("it is whole");
        let told = |life: &Life| (life.began, life.ended, life.token, life.overlaps);
        let told: Vec<_> = read.iter().map(told).collect();
        assert_eq!(told, [(100, 250, 16385, false), (300, 300, 16386, true)]);
    }
}
