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

/// The variable that makes the test below a command, and says in which folder it works.
pub(crate) const FOLDER: &str = "CHILD_FOLDER";

/// What the fence has let through, in that order.
pub(crate) const HISTORY: &str = "history";
/// What else there is to say.
pub(crate) const NOTES: &str = "notes";

/// How long a command that is asked to end goes on: longer than the grace of one whose leadership
/// is lost, which is so killed in the midst of its work.
const LINGERS: Duration = Duration::from_millis(30);

/// The command line that has this test program be a command.
pub(crate) fn command() -> Vec<OsString> {
    let program = env::current_exe().unwrap().into_os_string();
    let arguments = ["--exact", "child::child", "--nocapture"];
    [program]
        .into_iter()
        .chain(arguments.map(Into::into))
        .collect()
}

// No test: the command that a leader runs; it does nothing unless it is started as one. It holds a
// lock of the kernel for as long as it lives, and finds out by it whether it is the only one; and
// it writes its token through a fence.
#[tokio::test]
async fn child() {
    let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let mut asked = signal(SignalKind::terminate()).unwrap();
    let child = Child::new(&folder);
    let _held = child.take_the_only_place(&folder);
    let mut fenced = Fenced::open(&folder);
    while timeout(Duration::from_millis(1), asked.recv())
        .await
        .is_err()
    {
        child.write(&mut fenced);
    }
    let end = now().nanos() + u64::try_from(LINGERS.as_nanos()).unwrap();
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
            // A best-effort algorithm gives none.
            token: number("ELECTOR_FENCING_TOKEN").unwrap_or(epoch * FencingToken::GRANTS),
            node: number("ELECTOR_NODE").unwrap(),
            pid: process::id().into(),
        };
        let notes = appended(&folder.join(NOTES));
        let child = Self { writer, notes };
        child.note(Kind::Began, 0);
        child
    }

    /// A lock that the kernel releases when this process is dead, and not before.
    fn take_the_only_place(&self, folder: &Path) -> File {
        let mut place = appended(&folder.join("place"));
        match place.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let since = now().nanos();
                let mut holder = String::new();
                place.read_to_string(&mut holder).unwrap();
                self.note(Kind::Overlaps, holder.parse().unwrap_or(0));
                place.lock().unwrap();
                self.note(Kind::Waited, now().nanos() - since);
            }
            Err(TryLockError::Error(error)) => panic!("{error}"),
        }
        place.set_len(0).unwrap();
        write!(place, "{}", self.writer.token).unwrap();
        place
    }

    fn write(&self, fenced: &mut Fenced) {
        match fenced.write(&self.entry(Kind::Wrote, 0)) {
            Ok(()) => {}
            Err(newer) => self.note(Kind::Refused, newer),
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

/// The resource: a file that nobody writes with an older token than it has seen.
struct Fenced(File);

impl Fenced {
    fn open(folder: &Path) -> Self {
        Self(appended(&folder.join(HISTORY)))
    }

    /// The newer token, if there is one.
    fn write(&mut self, entry: &Entry) -> Result<(), u64> {
        self.0.lock().unwrap();
        let newest = self.newest();
        let admitted = if newest > entry.writer.token {
            Err(newest)
        } else {
            writeln(&self.0, entry).unwrap();
            Ok(())
        };
        self.0.unlock().unwrap();
        admitted
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

fn appended(path: &Path) -> File {
    let mut options = OpenOptions::new();
    options
        .create(true)
        .read(true)
        .append(true)
        .open(path)
        .unwrap()
}

/// In one piece, whenever this process is killed.
fn writeln(mut file: &File, entry: &Entry) -> io::Result<()> {
    file.write_all(format!("{entry}\n").as_bytes())
}
