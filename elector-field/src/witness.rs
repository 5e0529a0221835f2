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

/// How often a witness, which is the command that runs on the leader, writes a sign of life.
const SIGN_INTERVAL: Duration = Duration::from_millis(1);

/// Runs the command that a node starts when it leads, which is called the witness: until it is
/// killed, it writes signs of life to a file, which show when it ran.
///
/// The command takes a file lock that the kernel releases when the process of the command ends. So
/// a command that gets the lock knows that no other command runs. A command that does not get the
/// lock records that it overlaps with another command, and continues.
///
/// # Errors
/// Returns an error if the folder cannot be written.
pub(crate) fn witness(folder: &Path) -> Result<(), Error> {
    let lock = File::create(folder.join("lock"))?;
    let overlaps = match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => false,
        Err(Errno::WOULDBLOCK) => true,
        Err(error) => return Err(error.into()),
    };
    let pid = process::id();
    let variable = |name| env::var(name).unwrap_or_default();
    let token = variable("ELECTOR_FENCING_TOKEN");
    let node = variable("ELECTOR_NODE");
    let signs = File::create(signs_path(folder, pid))?;
    let mut lives = OpenOptions::new()
        .create(true)
        .append(true)
        .open(Life::all_path(folder))?;
    lives.write_all(format!("{pid} {} {token} {overlaps} {node}\n", now()).as_bytes())?;
    let (mut last, mut longest, mut until) = (now(), 0, 0);
    loop {
        let now = now();
        if now - last > longest {
            (longest, until) = (now - last, now);
        }
        last = now;
        signs.write_all_at(format!("{now:20} {longest:20} {until:20}").as_bytes(), 0)?;
        thread::sleep(SIGN_INTERVAL);
    }
}

fn signs_path(folder: &Path, process: u32) -> PathBuf {
    folder.join(format!("alive-{process}"))
}

/// Returns the time of a clock that all namespaces share, in nanoseconds.
pub(crate) fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec * 1_000_000_000 + now.tv_nsec).unwrap_or_default()
}

/// One life of the command that a leader runs: its process from start to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) process: u32,
    pub(crate) began: u64,
    /// The time of the last sign of life, in nanoseconds of [`now`].
    pub(crate) ended: u64,
    /// The fencing token that the command got from its node; 0 if it got none.
    pub(crate) token: u64,
    /// Whether the command of another leader still ran when this command began.
    pub(crate) overlaps: bool,
    /// The node that ran this command.
    pub(crate) node: u64,
    /// The longest time between two signs of life, and the moment at which that time ended, both in
    /// nanoseconds.
    ///
    /// This pause shows why a command ran for longer than its lease. A long pause means that the
    /// machine did not run the command, and perhaps also not its guardian, which is the process
    /// that must kill the command in time. Without such a pause the guardian has failed.
    pub(crate) longest_pause: [u64; 2],
}

impl Life {
    /// Returns the path of the file with the lives of all commands. A life is one process of the
    /// command, from its start to its end. The file has one line for each life, in the order in
    /// which the commands took the lock or failed to take it.
    pub(crate) fn all_path(folder: &Path) -> PathBuf {
        folder.join("lives")
    }

    /// Parses a line of the file with the lives of all commands. The line does not contain the end
    /// of the life, so the life ends where it begins.
    pub(crate) fn parse(line: &str) -> Option<Self> {
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

    /// Returns this life with the time of the last sign of life that its command has written so
    /// far.
    pub(crate) fn with_last_sign(self, folder: &Path) -> Self {
        let last = fs::read_to_string(signs_path(folder, self.process)).unwrap_or_default();
        let mut numbers = last.split_ascii_whitespace().map(str::parse);
        let mut next = || numbers.next().and_then(Result::ok);
        Self {
            ended: next().unwrap_or(self.began),
            longest_pause: [next().unwrap_or_default(), next().unwrap_or_default()],
            ..self
        }
    }
}

/// Returns the lives (processes) of all witnesses that wrote into this folder, ordered by their
/// beginning. A witness is the command that runs on the leader.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub(crate) fn lives(folder: &Path) -> Result<Vec<Life>, Error> {
    let text = match fs::read_to_string(Life::all_path(folder)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text?,
    };
    let lives = text.lines().filter_map(Life::parse);
    let mut lives: Vec<_> = lives.map(|life| life.with_last_sign(folder)).collect();
    lives.sort_by_key(|life| life.began);
    Ok(lives)
}

#[cfg(test)]
mod tests {
    use super::*;

    // A witness, the command that runs on the leader, may be killed before its first sign of life:
    // then its life ends where it begins.
    #[test]
    fn lives_are_read_as_they_were_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        assert!(lives(folder).expect("nothing ran yet").is_empty());
        fs::write(
            folder.join("lives"),
            "70 100 16385 false 1\n71 300 16386 true 2\n",
        )
        .expect("a file");
        fs::write(signs_path(folder, 70), "  250   30  210").expect("a file");
        let read = lives(folder).expect("the file is valid");
        assert_eq!(read[0].longest_pause, [30, 210]);
        let fields = |life: &Life| (life.began, life.ended, life.token, life.overlaps, life.node);
        let fields: Vec<_> = read.iter().map(fields).collect();
        assert_eq!(
            fields,
            [(100, 250, 16385, false, 1), (300, 300, 16386, true, 2)]
        );
    }
}
