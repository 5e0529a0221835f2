use std::{
    env,
    ffi::OsString,
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    process,
    time::Duration,
};

use elector_core::{FencingToken, actor::now};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{sleep, timeout},
};

use crate::history::{Entry, Kind, Writer};

/// The environment variable with the path of the folder in which the command of `elector run`
/// (the program that runs on the leader) writes its files. If the variable is set, the test
/// function `child` below does the work of that program.
pub(crate) const FOLDER: &str = "CHILD_FOLDER";

/// The name of the file with the writes that the fence ([`Fenced`]) has accepted, in their order.
pub(crate) const HISTORY: &str = "history";
/// The name of the file with everything else that commands report, for example that they have
/// started.
pub(crate) const NOTES: &str = "notes";

/// How long a command continues to write after SIGTERM. The default loss grace (the time from
/// SIGTERM to SIGKILL when the lease is about to end) for a lease below 500 ms is shorter than
/// this. So if the lease is not prolonged, the guardian, the process that stops the command, kills
/// the command while it writes.
const END_DELAY: Duration = Duration::from_millis(30);

/// Returns the command line that runs this test program as a command.
pub(crate) fn command() -> Vec<OsString> {
    let program = env::current_exe().unwrap().into_os_string();
    let arguments = ["--exact", "child::child", "--nocapture"];
    [program]
        .into_iter()
        .chain(arguments.map(Into::into))
        .collect()
}

// This function is no test, but the command that a leader runs. It does nothing unless it is
// started as a command. While it is alive, it holds a file lock, so it notices if another command
// is alive at the same time. It writes its token through a fence, which rejects older tokens.
#[tokio::test]
async fn child() {
    let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let mut sigterm = signal(SignalKind::terminate()).unwrap();
    let child = Child::new(&folder);
    let _lock = child.lock(&folder);
    let mut fenced = Fenced::open(&folder);
    while timeout(Duration::from_millis(1), sigterm.recv())
        .await
        .is_err()
    {
        child.write(&mut fenced);
    }
    let end = now().nanos() + u64::try_from(END_DELAY.as_nanos()).unwrap();
    while now().nanos() < end {
        child.write(&mut fenced);
        sleep(Duration::from_millis(1)).await;
    }
}

struct Child {
    writer: Writer,
    notes: File,
}

impl Child {
    fn new(folder: &Path) -> Self {
        let number = |name| env::var(name).ok().and_then(|text| text.parse().ok());
        let epoch = number("ELECTOR_EPOCH").unwrap();
        let writer = Writer {
            // A best-effort algorithm has no fencing tokens. A number that is made from the epoch
            // replaces the token.
            token: number("ELECTOR_FENCING_TOKEN").unwrap_or(epoch * FencingToken::GRANTS),
            node: number("ELECTOR_NODE").unwrap(),
            pid: process::id().into(),
        };
        let notes = open(&folder.join(NOTES));
        let child = Self { writer, notes };
        child.note(Kind::Began, 0);
        child
    }

    /// Takes a file lock. The kernel releases it when this process is dead, and not before.
    fn lock(&self, folder: &Path) -> File {
        let mut lock = open(&folder.join("lock"));
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let since = now().nanos();
                let mut holder = String::new();
                lock.read_to_string(&mut holder).unwrap();
                self.note(Kind::Overlaps, holder.parse().unwrap_or(0));
                lock.lock().unwrap();
                self.note(Kind::Waited, now().nanos() - since);
            }
            Err(TryLockError::Error(error)) => panic!("{error}"),
        }
        lock.set_len(0).unwrap();
        write!(lock, "{}", self.writer.token).unwrap();
        lock
    }

    fn write(&self, fenced: &mut Fenced) {
        match fenced.write(&self.entry(Kind::Wrote, 0)) {
            Ok(()) => {}
            Err(newer) => self.note(Kind::Rejected, newer),
        }
    }

    fn note(&self, kind: Kind, other: u64) {
        writeln(&self.notes, &self.entry(kind, other)).unwrap();
    }

    fn entry(&self, kind: Kind, other: u64) -> Entry {
        Entry {
            kind,
            writer: self.writer,
            at_ns: now().nanos(),
            other,
        }
    }
}

/// The resource that the commands write to: a file. A write is rejected if the file contains a
/// newer token than the token of the write.
struct Fenced(File);

impl Fenced {
    fn open(folder: &Path) -> Self {
        Self(open(&folder.join(HISTORY)))
    }

    /// Writes the entry. If the newest token in the file is newer than the token of the entry,
    /// writes nothing, and returns the newest token as an error.
    fn write(&mut self, entry: &Entry) -> Result<(), u64> {
        self.0.lock().unwrap();
        let newest = self.newest();
        let result = if newest > entry.writer.token {
            Err(newest)
        } else {
            writeln(&self.0, entry).unwrap();
            Ok(())
        };
        self.0.unlock().unwrap();
        result
    }

    fn newest(&mut self) -> u64 {
        const LONGEST: u64 = 160;
        let length = self.0.seek(SeekFrom::End(0)).unwrap();
        let end = SeekFrom::Start(length.saturating_sub(LONGEST));
        self.0.seek(end).unwrap();
        let mut text = String::new();
        self.0.read_to_string(&mut text).unwrap();
        let last = text.lines().last();
        last.map_or(0, |line| line.parse::<Entry>().unwrap().writer.token)
    }
}

fn open(path: &Path) -> File {
    let mut options = OpenOptions::new();
    options
        .create(true)
        .read(true)
        .append(true)
        .open(path)
        .unwrap()
}

/// Writes the entry with one call, so that the file never contains an incomplete line, even if this
/// process is killed.
fn writeln(mut file: &File, entry: &Entry) -> io::Result<()> {
    file.write_all(format!("{entry}\n").as_bytes())
}
