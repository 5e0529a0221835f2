use std::{pin::pin, time::Duration};

use elector_cli::run::{Exit, Guard, RunError, Why};
use rustix::process::{Pid, Signal, kill_process, setpriority_process};
use tokio::time::timeout;

use crate::{Folder, STUBBORN, TELL, gone, guard, ignored, script, tenure, until, within};

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

// And the command must not inherit that deafness. (What this program ignores it does inherit.)
#[tokio::test]
async fn the_command_is_not_deaf() {
    let folder = Folder::new();
    let waits = format!("{TELL}; exec sleep 1000");
    let mut guard = guard(&script(&waits, &folder.path("pid"))).await;
    for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::PIPE] {
        if signal != Signal::PIPE && ignored(signal) {
            continue;
        }
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
    let in_waiting = children(&guard)[0];
    kill_process(in_waiting, Signal::KILL).unwrap();
    until("there is another", || {
        children(&guard)
            .iter()
            .any(|&pid| !gone(pid) && pid != in_waiting)
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

/// The children of the guardian, also those that have ended.
fn children(guard: &Guard) -> Vec<Pid> {
    let pid = guard.guardian();
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let children = children.unwrap();
    let pids = children.split_whitespace();
    pids.map(|pid| Pid::from_raw(pid.parse().unwrap()).unwrap())
        .collect()
}

// A process id may be used again as soon as its process is collected. A node that has not heard yet
// that its command has ended may kill its group: no other process may have that id before.
#[tokio::test]
async fn the_id_of_a_command_is_in_use_until_the_node_has_heard_of_its_end() {
    let folder = Folder::new();
    let mut guard = guard(&script(TELL, &folder.path("pid"))).await;
    guard.start(&tenure(60_000)).unwrap();
    let first = folder.pid("pid");
    // The guardian has reported the end when it has put the next one in place.
    until("the next process waits", || {
        children(&guard)
            .iter()
            .any(|&pid| !gone(pid) && pid != first)
    });
    assert!(gone(first) && children(&guard).contains(&first));
    within(guard.exited()).await.unwrap();
    until("it is collected", || !children(&guard).contains(&first));
    within(guard.shutdown()).await.unwrap();
}

// The same for a process in waiting that somebody has killed: the node may take it for its command.
#[tokio::test]
async fn the_id_of_a_process_in_waiting_is_in_use_until_the_node_has_another() {
    let folder = Folder::new();
    let mut guard = guard(&script("exit 6", &folder.path("x"))).await;
    let first = children(&guard)[0];
    kill_process(first, Signal::KILL).unwrap();
    until("there is another", || {
        children(&guard)
            .iter()
            .any(|&pid| !gone(pid) && pid != first)
    });
    assert!(children(&guard).contains(&first));
    guard.start(&tenure(60_000)).unwrap();
    let ended = within(guard.exited()).await.unwrap();
    assert!(matches!(ended.exit, Exit::NotStarted(_)), "{ended}");
    until("it is collected", || !children(&guard).contains(&first));
    within(guard.shutdown()).await.unwrap();
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
