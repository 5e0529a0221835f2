//! Tests `elector run` with real processes. After any fault of the node, the guardian or the
//! command, no process of the command may be alive when the lease ends.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot continue must fail")]

mod driver;
mod exit_policy;
mod guardian;
mod hanging;
mod leadership;
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

use elector_cli::run::{CommandHandle, Options, StartParameters};
use elector_core::{Epoch, FencingToken, Moment, NodeId, actor::now};
use rustix::process::{Pid, Signal};

/// The time limit for each wait in these tests. A wait that takes longer is taken for endless.
const LIMIT: Duration = Duration::from_secs(60);

/// A shell command that writes the process id of the shell to the file `$0`.
const WRITE_PID: &str = "echo $$ > $0.new; mv $0.new $0";

/// A shell command that waits for a signal, without starting another process.
const SLEEP: &str = "mkfifo $0.rest; exec 3<>$0.rest; while :; do read x <&3; done";

/// A shell command that waits for a signal that may arrive at any time. [`SLEEP`] could miss the
/// signal: if the signal arrives between the shell's check for signals and its `read`, the shell
/// does not handle the signal until the `read` ends.
const SPIN: &str = "while :; do :; done";

/// A shell command that ignores SIGTERM. It starts no other process, so a test leaves no process
/// behind.
const STUBBORN: &str = "trap '' TERM; echo $$ > $0.new; mv $0.new $0; \
                        mkfifo $0.rest; exec 3<>$0.rest; while :; do read x <&3; done";

/// The temporary folder of one test, in which its commands write their files.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Waits until the file exists, and reads it. The file must be renamed to this name when it is
    /// complete.
    fn read(&self, name: &str) -> String {
        let path = self.path(name);
        until(&format!("{name} exists"), || path.exists());
        fs::read_to_string(path).unwrap().trim_end().to_owned()
    }

    fn pid(&self, name: &str) -> Pid {
        Pid::from_raw(self.read(name).parse().unwrap()).unwrap()
    }
}

/// Waits until the condition holds. Fails after [`LIMIT`], with the text `what`.
fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < LIMIT, "timed out: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Waits for a future for at most [`LIMIT`], and returns its output.
async fn within<F: Future>(future: F) -> F::Output {
    let output = tokio::time::timeout(LIMIT, future).await;
    output.expect("timed out")
}

/// Returns `true` if there is no such process, or if it is a zombie.
fn has_ended(pid: Pid) -> bool {
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

/// Returns `true` if this process was started with this signal ignored. In this case all processes
/// that it starts ignore the signal, too.
fn is_ignored(signal: Signal) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let mut lines = status.lines();
    let mask = lines.find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    let mask = u64::from_str_radix(mask.trim(), 16).unwrap();
    mask & (1 << (signal.as_raw() - 1)) != 0
}

/// Returns the options for a shell that runs `script`. The path of `file` is `$0` in the script.
fn script(script: &str, file: &Path) -> Options {
    let command = [
        "sh".into(),
        "-c".into(),
        script.into(),
        file.as_os_str().to_owned(),
    ];
    Options {
        executable: env!("CARGO_BIN_EXE_elector").into(),
        // These durations are long enough for a machine that is busy with other work.
        margin: Duration::from_millis(800),
        loss_grace: Duration::from_millis(100),
        grace: LIMIT,
        ..Options::new(NodeId(3), command)
    }
}

async fn spawn(options: &Options) -> CommandHandle {
    within(CommandHandle::spawn(options)).await.unwrap()
}

/// Returns parameters with a lease that ends `lease_ms` milliseconds from now.
fn parameters(lease_ms: u64) -> StartParameters {
    StartParameters {
        epoch: Epoch(7),
        token: FencingToken::new(Epoch(7), 0),
        deadline: Some(in_ms(lease_ms)),
    }
}

const WITHOUT_LEASE: StartParameters = StartParameters {
    epoch: Epoch(8),
    token: None,
    deadline: None,
};

fn in_ms(ms: u64) -> Moment {
    Moment::from_nanos(now().nanos() + ms * 1_000_000)
}
