use std::{
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
    let given = |name| env::var(name).unwrap_or_default();
    let token = given("ELECTOR_FENCING_TOKEN");
    let node = given("ELECTOR_NODE");
    let alive = File::create(alive(folder, me))?;
    let mut lives = OpenOptions::new()
        .create(true)
        .append(true)
        .open(Life::all(folder))?;
    lives.write_all(format!("{me} {} {token} {overlaps} {node}\n", now()).as_bytes())?;
    let (mut last, mut longest, mut until) = (now(), 0, 0);
    loop {
        let now = now();
        if now - last > longest {
            (longest, until) = (now - last, now);
        }
        last = now;
        alive.write_all_at(format!("{now:20} {longest:20} {until:20}").as_bytes(), 0)?;
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) process: u32,
    pub(crate) began: u64,
    /// When it was last seen alive.
    pub(crate) ended: u64,
    /// 0 if it was given none.
    pub(crate) token: u64,
    /// Another lived when it began.
    pub(crate) overlaps: bool,
    /// On which node.
    pub(crate) node: u64,
    /// The longest time between two signs of life, and when that ended. Where a command has lived
    /// too long, it tells a machine that ran neither it nor its guardian from a guardian that did
    /// not do its work.
    pub(crate) longest_pause: [u64; 2],
}

impl Life {
    /// The file with all of them, a line each, in the order in which they took the lock.
    pub(crate) fn all(folder: &Path) -> PathBuf {
        folder.join("lives")
    }

    /// Reads such a line, which does not say when the life ended.
    pub(crate) fn read(line: &str) -> Option<Self> {
        let words: Vec<_> = line.split(' ').collect();
        let [process, began, token, overlaps, node] = words[..] else {
            return None;
        };
        let began = began.parse().ok()?;
        Some(Self {
            process: process.parse().ok()?,
            began,
            ended: began,
            token: token.parse().unwrap_or_default(),
            overlaps: overlaps.parse().ok()?,
            node: node.parse().ok()?,
            longest_pause: [0; 2],
        })
    }

    /// The same, with its last sign of life so far.
    pub(crate) fn seen(self, folder: &Path) -> Self {
        let last = fs::read_to_string(alive(folder, self.process)).unwrap_or_default();
        let mut numbers = last.split_ascii_whitespace().map(str::parse);
        let mut next = || numbers.next().and_then(Result::ok);
        Self {
            ended: next().unwrap_or(self.began),
            longest_pause: [next().unwrap_or_default(), next().unwrap_or_default()],
            ..self
        }
    }
}

/// What the witnesses of this folder wrote, in the order in which they began.
///
/// # Errors
/// If the folder cannot be read.
pub(crate) fn lives(folder: &Path) -> Result<Vec<Life>, Error> {
    let text = match fs::read_to_string(Life::all(folder)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text?,
    };
    let lives = text.lines().filter_map(Life::read);
    let mut lives: Vec<_> = lives.map(|life| life.seen(folder)).collect();
    lives.sort_by_key(|life| life.began);
    Ok(lives)
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
            "70 100 16385 false 1\n71 300 16386 true 2\n",
        )
        .expect("a file");
        fs::write(alive(folder, 70), "  250   30  210").expect("a file");
        let read = lives(folder).expect("it is whole");
        assert_eq!(read[0].longest_pause, [30, 210]);
        let told = |life: &Life| (life.began, life.ended, life.token, life.overlaps, life.node);
        let told: Vec<_> = read.iter().map(told).collect();
        assert_eq!(
            told,
            [(100, 250, 16385, false, 1), (300, 300, 16386, true, 2)]
        );
    }
}
