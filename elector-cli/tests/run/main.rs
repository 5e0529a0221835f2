//! A command on the leader, with real processes: whatever becomes of node, guardian and command,
//! nothing of the command is left when the lease ends.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod driver;
mod guardian;
mod hanging;
mod node;
mod starting;
mod stopping;
mod supervising;

use std::{
    fs,
    future::Future,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use elector_cli::run::{Guard, Options, Tenure};
use elector_core::{Epoch, FencingToken, Moment, NodeId, actor::now};
use rustix::process::{Pid, Signal};

/// Nothing here takes so long unless it never ends.
const LIMIT: Duration = Duration::from_secs(60);

/// What tells that a process is there: its id, in a file of this name.
const TELL: &str = "echo $$ > $0.new; mv $0.new $0";

/// What a shell does until it is sent a signal, without a process of its own for it.
const REST: &str = "mkfifo $0.rest; exec 3<>$0.rest; while :; do read x <&3; done";

/// The same for a signal that may come at any moment: one that comes between a shell's look for
/// signals and its `read` is not acted on until that ends.
const SPIN: &str = "while :; do :; done";

/// A process that ignores SIGTERM, and has no children that a test would leave behind.
const STUBBORN: &str = "trap '' TERM; echo $$ > $0.new; mv $0.new $0; \
                        mkfifo $0.rest; exec 3<>$0.rest; while :; do read x <&3; done";

/// A folder of one test.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Waits for a file, which is whole as soon as it is there.
    fn read(&self, name: &str) -> String {
        let path = self.path(name);
        until(&format!("{name} is there"), || path.exists());
        fs::read_to_string(path).unwrap().trim_end().to_owned()
    }

    fn pid(&self, name: &str) -> Pid {
        Pid::from_raw(self.read(name).parse().unwrap()).unwrap()
    }
}

/// Waits for a condition.
fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < LIMIT, "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Waits for a future.
async fn within<F: Future>(future: F) -> F::Output {
    let output = tokio::time::timeout(LIMIT, future).await;
    output.expect("it never ends")
}

/// Whether no such process is there, or only its exit status.
fn gone(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    let state = |stat: String| {
        let state = stat
            .rsplit(") ")
            .next()
            .and_then(|rest| rest.chars().next());
        matches!(state, Some('Z' | 'X'))
    };
    stat.map_or(true, state)
}

/// Whether this process was started to ignore a signal, and so lets all that it starts ignore it.
fn ignored(signal: Signal) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let mut lines = status.lines();
    let mask = lines.find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    let mask = u64::from_str_radix(mask.trim(), 16).unwrap();
    mask & (1 << (signal.as_raw() - 1)) != 0
}

/// A shell that runs this, with `$0` the path of this file.
fn script(script: &str, file: &Path) -> Options {
    let command = [
        "sh".into(),
        "-c".into(),
        script.into(),
        file.as_os_str().to_owned(),
    ];
    Options {
        executable: env!("CARGO_BIN_EXE_elector").into(),
        // Wide enough for a machine that is busy with other things.
        margin: Duration::from_millis(800),
        loss_grace: Duration::from_millis(100),
        grace: LIMIT,
        ..Options::new(NodeId(3), command)
    }
}

async fn guard(options: &Options) -> Guard {
    within(Guard::spawn(options)).await.unwrap()
}

/// A tenure that ends so many milliseconds from now.
fn tenure(lease_ms: u64) -> Tenure {
    Tenure {
        epoch: Epoch(7),
        token: FencingToken::new(Epoch(7), 0),
        deadline: Some(in_ms(lease_ms)),
    }
}

const WITHOUT_LEASE: Tenure = Tenure {
    epoch: Epoch(8),
    token: None,
    deadline: None,
};

fn in_ms(ms: u64) -> Moment {
    Moment::from_nanos(now().nanos() + ms * 1_000_000)
}
