use std::{pin::pin, time::Duration};

use elector_cli::run::{Exit, Guard, RunError, Why};
use rustix::process::{Pid, Signal, kill_process, setpriority_process};
use tokio::time::timeout;

use crate::{Folder, STUBBORN, TELL, gone, guard, script, tenure, until, within};

fn pid_of(guard: &Guard) -> Pid {
    Pid::from_raw(guard.guardian().try_into().unwrap()).unwrap()
}

/// A command whose first process has a child in its group that ignores SIGTERM.
fn with_child() -> String {
    let stubborn = STUBBORN.replace("$0", "$1").replace('\'', "'\\''");
    format!("sh -c '{stubborn}' x $0.child & {TELL}; wait; sleep 1000")
}

// Without its guardian nobody would stop the command: it must go along, and the node must know.
#[tokio::test]
async fn the_command_dies_with_its_guardian() {
    let folder = Folder::new();
    let mut guard = guard(&script(&with_child(), &folder.path("pid"))).await;
    guard.start(&tenure(60_000)).unwrap();
    let pids = ["pid", "pid.child"].map(|name| folder.pid(name));
    kill_process(pid_of(&guard), Signal::KILL).unwrap();
    let error = within(guard.exited()).await.unwrap_err();
    assert!(matches!(error, RunError::GuardianDied(_)), "{error}");
    assert_eq!(error.exit_code(), 4);
    assert_eq!(pids.map(gone), [true; 2]);
    // And it stays so.
    assert!(within(guard.exited()).await.is_err());
}

// The same while nothing runs: a node without a guardian must not come to lead.
#[tokio::test]
async fn a_guardian_that_goes_is_missed_at_once() {
    let folder = Folder::new();
    let mut guard = guard(&script("", &folder.path("x"))).await;
    let mut gone = pin!(guard.guardian_gone().unwrap());
    assert!(timeout(Duration::from_millis(1), &mut gone).await.is_err());
    kill_process(pid_of(&guard), Signal::KILL).unwrap();
    within(gone).await;
    assert!(within(guard.exited()).await.is_err());
}

// A service manager that stops a service sends SIGTERM to all of its processes. The guardian has
// work to do yet.
#[tokio::test]
async fn the_guardian_is_deaf_to_signals_for_all() {
    let folder = Folder::new();
    let mut guard = guard(&script(STUBBORN, &folder.path("pid"))).await;
    guard.start(&tenure(3_000)).unwrap();
    let pid = folder.pid("pid");
    for signal in [
        Signal::TERM,
        Signal::INT,
        Signal::HUP,
        Signal::QUIT,
        Signal::USR1,
    ] {
        kill_process(pid_of(&guard), signal).unwrap();
    }
    let ended = within(guard.exited()).await.unwrap();
    assert_eq!((ended.exit, ended.why), (Exit::Signal(9), Why::Deadline));
    assert!(gone(pid));
    within(guard.shutdown()).await.unwrap();
}

// And the command must not inherit that deafness.
#[tokio::test]
async fn the_command_is_not_deaf() {
    let folder = Folder::new();
    let waits = format!("{TELL}; exec sleep 1000");
    let mut guard = guard(&script(&waits, &folder.path("pid"))).await;
    for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::PIPE] {
        within(guard.ready()).await.unwrap();
        guard.start(&tenure(60_000)).unwrap();
        kill_process(folder.pid("pid"), signal).unwrap();
        let ended = within(guard.exited()).await.unwrap();
        assert_eq!(ended.exit, Exit::Signal(signal.as_raw()));
        std::fs::remove_file(folder.path("pid")).unwrap();
    }
}

/// The nice value of a process.
fn nice(pid: impl std::fmt::Display) -> i32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    fields.split(' ').nth(16).unwrap().parse().unwrap()
}

// A guardian goes before all others, if it may: where it gets no processor in time, the command
// outlives its lease. But the command must not.
#[tokio::test]
async fn the_guardian_goes_before_others_and_the_command_does_not() {
    let folder = Folder::new();
    let waits = format!("{TELL}; exec sleep 1000");
    let mut guard = guard(&script(&waits, &folder.path("pid"))).await;
    guard.start(&tenure(60_000)).unwrap();
    let pid = folder.pid("pid");
    assert_eq!(nice(pid.as_raw_nonzero()), nice("self"));
    let may = setpriority_process(Some(pid), -20).is_ok();
    assert_eq!(nice(guard.guardian()) == -20, may);
    within(guard.shutdown()).await.unwrap();
}

// A guardian that is stopped does nothing before the lease ends: the node must.
#[tokio::test]
async fn the_node_stands_in_for_a_guardian_that_is_stopped() {
    let folder = Folder::new();
    let mut guard = guard(&script(&with_child(), &folder.path("pid"))).await;
    guard.start(&tenure(3_000)).unwrap();
    let pids = ["pid", "pid.child"].map(|name| folder.pid(name));
    kill_process(pid_of(&guard), Signal::STOP).unwrap();
    let error = within(guard.lose()).await.unwrap_err();
    assert!(matches!(error, RunError::GuardianDied(_)), "{error}");
    assert_eq!(pids.map(gone), [true; 2]);
}

// The process in waiting may be killed by whoever tidies up; the next leadership needs another.
#[tokio::test]
async fn a_process_in_waiting_that_was_killed_is_replaced() {
    let folder = Folder::new();
    let mut guard = guard(&script("exit 6", &folder.path("x"))).await;
    let pid = guard.guardian();
    let children = || {
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        children.unwrap().trim().to_owned()
    };
    let waiting = children();
    let in_waiting = Pid::from_raw(waiting.parse().unwrap()).unwrap();
    kill_process(in_waiting, Signal::KILL).unwrap();
    until("there is another", || {
        !["", &waiting].contains(&children().as_str())
    });
    // The node may not have heard of it yet.
    guard.start(&tenure(60_000)).unwrap();
    assert!(matches!(
        within(guard.exited()).await.unwrap().exit,
        Exit::NotStarted(_)
    ));
    within(guard.ready()).await.unwrap();
    guard.start(&tenure(60_000)).unwrap();
    assert_eq!(within(guard.exited()).await.unwrap().exit, Exit::Code(6));
}

// Orphans of a command that runs on must not pile up as zombies.
#[tokio::test]
async fn orphans_are_collected_while_the_command_runs() {
    let folder = Folder::new();
    let orphans = "for i in 1 2 3 4 5 6 7 8; do (true & true); done";
    let orphans = format!("{orphans}; {TELL}; exec sleep 1000");
    let mut guard = guard(&script(&orphans, &folder.path("pid"))).await;
    guard.start(&tenure(60_000)).unwrap();
    let first = folder.pid("pid").to_string();
    let pid = guard.guardian();
    until("only the first process is left", || {
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        // Any word wakes it.
        guard.prolong(crate::in_ms(60_000));
        children.unwrap().trim() == first
    });
    within(guard.shutdown()).await.unwrap();
}
