use std::time::Duration;

use elector_cli::run::{EndReason, Exit};
use elector_core::actor::now;

use crate::{
    Folder, SLEEP, SPIN, STUBBORN, WITHOUT_LEASE, WRITE_PID, has_ended, in_ms, parameters, script,
    spawn, until, within,
};

// When leadership is given up, the command has all of its grace (the time from SIGTERM to SIGKILL).
// If it ends in this time, its own exit code must be reported.
#[tokio::test]
async fn a_command_that_handles_sigterm_is_not_killed() {
    let folder = Folder::new();
    let handles = format!("trap 'exit 7' TERM; {WRITE_PID}; {SPIN}");
    let mut handle = spawn(&script(&handles, &folder.path("pid"))).await;
    handle.start(&parameters(60_000)).unwrap();
    let pid = folder.pid("pid");
    let end = within(handle.stop()).await.unwrap();
    assert_eq!((end.exit, end.reason), (Exit::Code(7), EndReason::GivenUp));
    assert!(end.sigterm_at.is_some() && end.sigkill_at.is_none());
    assert!(has_ended(pid));
    within(handle.shutdown()).await.unwrap();
}

// This is the main guarantee: a command that ignores SIGTERM must be dead before the lease ends,
// although the node sends no message to the guardian, the process that stops the command.
#[tokio::test]
async fn a_command_that_ignores_sigterm_is_killed_before_the_lease_ends() {
    let folder = Folder::new();
    let mut handle = spawn(&script(STUBBORN, &folder.path("pid"))).await;
    let parameters = parameters(3_000);
    handle.start(&parameters).unwrap();
    let pid = folder.pid("pid");
    let end = within(handle.exited()).await.unwrap();
    assert_eq!(
        (end.exit, end.reason),
        (Exit::Signal(9), EndReason::Deadline)
    );
    assert!(end.sigterm_at < end.sigkill_at && end.sigkill_at.is_some());
    assert!(Some(end.ended_at) < parameters.deadline);
    assert!(has_ended(pid));
}

// If leadership is given up, the command must be dead after its grace, which is the time from
// SIGTERM to SIGKILL, also without a lease.
#[tokio::test]
async fn the_grace_is_limited() {
    let folder = Folder::new();
    let mut options = script(STUBBORN, &folder.path("pid"));
    options.grace = Duration::from_millis(50);
    let mut handle = spawn(&options).await;
    handle.start(&WITHOUT_LEASE).unwrap();
    folder.pid("pid");
    let end = within(handle.stop()).await.unwrap();
    assert_eq!(
        (end.exit, end.reason),
        (Exit::Signal(9), EndReason::GivenUp)
    );
    let waited = end.sigkill_at.unwrap().nanos() - end.sigterm_at.unwrap().nanos();
    assert!(waited >= 50_000_000, "{waited} ns");
}

// Under a best-effort algorithm, no lease limits the time of the command, and another node may lead
// already. So the command has only the loss grace, the shorter time from SIGTERM to SIGKILL after a
// loss.
#[tokio::test]
async fn without_a_lease_a_loss_leaves_the_loss_grace() {
    let folder = Folder::new();
    let mut handle = spawn(&script(STUBBORN, &folder.path("pid"))).await;
    handle.start(&WITHOUT_LEASE).unwrap();
    folder.pid("pid");
    let end = within(handle.lose()).await.unwrap();
    assert_eq!((end.exit, end.reason), (Exit::Signal(9), EndReason::Lost));
    let waited = end.sigkill_at.unwrap().nanos() - end.sigterm_at.unwrap().nanos();
    assert!(waited >= 100_000_000, "{waited} ns");
}

// A command may have child processes. A child that lives longer than the lease can do as much harm
// as the whole command.
#[tokio::test]
async fn children_inside_and_outside_of_the_group_are_killed() {
    let folder = Folder::new();
    let stubborn = STUBBORN.replace("$0", "$1");
    let script_of_all = format!(
        "sh -c '{in_group}' x $0.child & \
         (setsid sh -c '{in_group}' x $0.daemon &) & \
         {WRITE_PID}; wait; wait; sleep 1000",
        in_group = stubborn.replace('\'', "'\\''"),
    );
    let mut options = script(&script_of_all, &folder.path("pid"));
    options.grace = Duration::from_millis(50);
    let mut handle = spawn(&options).await;
    handle.start(&parameters(60_000)).unwrap();
    let pids = ["pid", "pid.child", "pid.daemon"].map(|name| folder.pid(name));
    let end = within(handle.stop()).await.unwrap();
    assert!(end.sigkill_at.is_some());
    assert_eq!(pids.map(has_ended), [true; 3]);
    within(handle.shutdown()).await.unwrap();
}

// The processes that the first process of a command leaves behind belong to the command. The
// command has ended only when these processes have ended, and the next command must not start
// before.
#[tokio::test]
async fn a_command_ends_when_all_its_processes_have_ended() {
    let folder = Folder::new();
    let leaves = format!(
        "(trap 'exit 0' TERM; {WRITE_PID}; {SPIN}) & while [ ! -e $0 ]; do :; done; exit 5"
    );
    let mut handle = spawn(&script(&leaves, &folder.path("started"))).await;
    handle.start(&parameters(60_000)).unwrap();
    let end = within(handle.exited()).await.unwrap();
    assert_eq!((end.exit, end.reason), (Exit::Code(5), EndReason::Exited));
    assert!(end.sigterm_at.is_some() && end.sigkill_at.is_none());
}

// Each heartbeat that a majority confirms moves the end of the lease, and the command continues to
// run.
#[tokio::test]
async fn a_prolonged_lease_keeps_the_command_alive() {
    let folder = Folder::new();
    let mut handle = spawn(&script(STUBBORN, &folder.path("pid"))).await;
    let first = parameters(1_500);
    handle.start(&first).unwrap();
    let second = in_ms(4_000);
    handle.prolong(second);
    // A message with an earlier end of the lease must not shorten the lease.
    handle.prolong(in_ms(0));
    let pid = folder.pid("pid");
    until("the first lease has ended", || Some(now()) > first.deadline);
    assert!(!has_ended(pid) && handle.metrics().running.get() == 1);
    let end = within(handle.exited()).await.unwrap();
    assert!(Some(end.sigterm_at.unwrap()) > first.deadline);
    assert!(end.ended_at < second && has_ended(pid));
}

// A process that is stopped (SIGSTOP) handles SIGTERM only after it is continued, so the guardian,
// which sends the signals, must also send SIGCONT.
#[tokio::test]
async fn a_stopped_command_handles_sigterm() {
    let folder = Folder::new();
    let stops = format!("trap 'exit 7' TERM; {WRITE_PID}; kill -STOP $$; {SLEEP}");
    let mut handle = spawn(&script(&stops, &folder.path("pid"))).await;
    handle.start(&parameters(60_000)).unwrap();
    let stat = format!("/proc/{}/stat", folder.pid("pid").as_raw_nonzero());
    until("it has stopped", || {
        std::fs::read_to_string(&stat).unwrap().contains(") T ")
    });
    let end = within(handle.stop()).await.unwrap();
    assert_eq!(end.exit, Exit::Code(7));
}
