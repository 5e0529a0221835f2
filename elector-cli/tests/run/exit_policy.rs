use std::{fs, time::Duration};

use elector_cli::run::{
    Backoff, EndReason, Exit, ExitPolicy, Options, RunError, TenureEnd, supervise,
};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;

use crate::{
    Folder, WRITE_PID,
    leadership::{TestLeadership, appears, both, has_lines, over},
    script, spawn, within,
};

// Under each `ExitPolicy`, the node must do what the name of the policy says after the end of the
// command, and the `TenureEnd` must contain this end.
#[tokio::test]
async fn a_command_that_ends_by_itself_follows_the_policy() {
    let folder = Folder::new();
    let counts = "echo x >> $0; exit 5";
    let mut handle = spawn(&script(counts, &folder.path("runs"))).await;
    let leadership = TestLeadership::new(60_000);
    let short = Duration::from_millis(1);
    for policy in [ExitPolicy::Resign, ExitPolicy::Stop] {
        let mut backoff = Backoff::new(short, short);
        let work = supervise(&leadership, &mut handle, policy, &mut backoff);
        let tenure_end = within(work).await.unwrap();
        let (TenureEnd::Resign(end) | TenureEnd::Stop(end)) = tenure_end else {
            panic!("{tenure_end:?}");
        };
        assert_eq!(
            matches!(tenure_end, TenureEnd::Stop(_)),
            policy == ExitPolicy::Stop
        );
        assert_eq!((end.exit.code(), end.reason), (5, EndReason::Exited));
    }
    let mut backoff = Backoff::new(short, short);
    let work = supervise(&leadership, &mut handle, ExitPolicy::Restart, &mut backoff);
    let steps = async {
        has_lines(&folder, "runs", 12).await;
        leadership.lost.send_replace(true);
    };
    let (tenure_end, ()) = both(work, steps).await;
    assert!(matches!(tenure_end.unwrap(), TenureEnd::Over(_)));
}

// Under `Wait`, the command must not run again in the same tenure (while the node leads one epoch),
// with any exit code. The node must give the leadership up when this is requested.
#[tokio::test]
async fn under_wait_the_command_runs_once_a_tenure() {
    let folder = Folder::new();
    let once = "echo x >> $0; exit $(cat $0.code)";
    let mut handle = spawn(&script(once, &folder.path("runs"))).await;
    for (code, runs) in [(0, "x"), (5, "x\nx")] {
        fs::write(folder.path("runs.code"), code.to_string()).unwrap();
        let leadership = TestLeadership::new(60_000);
        let mut backoff = Backoff::default();
        let metrics = handle.metrics().clone();
        let before = metrics.starts.get();
        let work = supervise(&leadership, &mut handle, ExitPolicy::Wait, &mut backoff);
        let steps = async {
            while metrics.starts.get() == before || metrics.running.get() == 1 {
                sleep(Duration::from_millis(1)).await;
            }
            // If the command was started a second time, this would occur within these 100 ms.
            sleep(Duration::from_millis(100)).await;
            leadership.ending.send_replace(true);
        };
        let (tenure_end, ()) = both(work, steps).await;
        let end = over(tenure_end);
        assert_eq!(
            (end.exit, end.reason),
            (Exit::Code(code), EndReason::Exited)
        );
        assert_eq!(folder.read("runs"), runs);
    }
    let metrics = handle.metrics();
    assert_eq!((metrics.starts.get(), metrics.restarts.get()), (2, 0));
    assert_eq!((metrics.failures.get(), metrics.kills.get()), (1, 0));
    assert_eq!(metrics.running.get(), 0);
}

// A node without a guardian, the process that stops the command, could not stop its next command in
// time. So the node must notice the end of the guardian, also while no command runs.
#[tokio::test]
async fn under_wait_the_end_of_the_guardian_is_noticed() {
    let folder = Folder::new();
    let mut handle = spawn(&script("echo > $0", &folder.path("ran"))).await;
    let guardian = i32::try_from(handle.guardian_pid()).unwrap();
    let leadership = TestLeadership::new(60_000);
    let mut backoff = Backoff::default();
    let work = supervise(&leadership, &mut handle, ExitPolicy::Wait, &mut backoff);
    let steps = async {
        appears(&folder, "ran").await;
        kill_process(Pid::from_raw(guardian).unwrap(), Signal::KILL).unwrap();
    };
    let (tenure_end, ()) = both(work, steps).await;
    assert!(
        matches!(tenure_end, Err(RunError::GuardianExited(_))),
        "{tenure_end:?}"
    );
}

// Operators set alerts on the counters of starts, restarts, failures and kills of the command, so
// each kind of end must be counted correctly.
#[tokio::test]
async fn each_end_of_a_command_is_counted_by_its_kind() {
    let folder = Folder::new();
    let stubborn = format!("trap '' TERM; {WRITE_PID}; exec sleep 1000");
    let options = Options {
        grace: Duration::from_millis(50),
        ..script(&stubborn, &folder.path("pid"))
    };
    let mut handle = spawn(&options).await;
    let leadership = TestLeadership::new(60_000);
    let metrics = handle.metrics().clone();
    let mut backoff = Backoff::default();
    let work = supervise(&leadership, &mut handle, ExitPolicy::Restart, &mut backoff);
    let steps = async {
        appears(&folder, "pid").await;
        assert_eq!(metrics.running.get(), 1);
        let first = folder.pid("pid");
        fs::remove_file(folder.path("pid")).unwrap();
        kill_process(first, Signal::KILL).unwrap();
        appears(&folder, "pid").await;
        leadership.ending.send_replace(true);
    };
    let (tenure_end, ()) = both(work, steps).await;
    assert_eq!(over(tenure_end).exit, Exit::Signal(9));
    assert_eq!((metrics.starts.get(), metrics.restarts.get()), (2, 1));
    // The test has killed the first command, and the guardian has killed the second one.
    assert_eq!((metrics.failures.get(), metrics.kills.get()), (1, 1));
    assert_eq!((metrics.running.get(), metrics.late_ends.get()), (0, 0));
}

// Each start of the command must have a higher token. Otherwise a store could not distinguish a
// late write of the first start from a write of the second start.
#[tokio::test]
async fn each_start_has_a_higher_token() {
    let folder = Folder::new();
    let writes = "echo $ELECTOR_FENCING_TOKEN >> $0; exit 5";
    let mut handle = spawn(&script(writes, &folder.path("tokens"))).await;
    let leadership = TestLeadership::new(60_000);
    let short = Duration::from_millis(1);
    let mut backoff = Backoff::new(short, short);
    let work = supervise(&leadership, &mut handle, ExitPolicy::Restart, &mut backoff);
    let steps = async {
        has_lines(&folder, "tokens", 4).await;
        leadership.lost.send_replace(true);
    };
    let (tenure_end, ()) = both(work, steps).await;
    assert!(matches!(tenure_end.unwrap(), TenureEnd::Over(_)));
    let tokens = fs::read_to_string(folder.path("tokens")).unwrap();
    let tokens: Result<Vec<u64>, _> = tokens.lines().map(str::parse).collect();
    let tokens = tokens.unwrap();
    assert!(tokens.is_sorted_by(|a, b| a < b), "{tokens:?}");
}
