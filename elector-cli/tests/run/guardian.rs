use std::{pin::pin, time::Duration};

use elector_cli::run::{CommandHandle, EndReason, Exit, RunError};
use rustix::process::{Pid, Signal, kill_process, setpriority_process};
use tokio::time::timeout;

use crate::{
    Folder, STUBBORN, WRITE_PID, has_ended, is_ignored, parameters, script, spawn, until, within,
};

fn pid_of(handle: &CommandHandle) -> Pid {
    Pid::from_raw(handle.guardian_pid().try_into().unwrap()).unwrap()
}

/// Returns a command whose first process has a child in its process group. Both continue to run for
/// a long time, and the child ignores SIGTERM.
fn with_child() -> String {
    let stubborn = STUBBORN.replace("$0", "$1").replace('\'', "'\\''");
    format!("sh -c '{stubborn}' x $0.child & {WRITE_PID}; wait; sleep 1000")
}

// Without a guardian, no process would stop the command. So the command must end together with its
// guardian, and the node must notice the end of the guardian.
#[tokio::test]
async fn the_command_is_killed_when_its_guardian_is_killed() {
    let folder = Folder::new();
    let mut handle = spawn(&script(&with_child(), &folder.path("pid"))).await;
    handle.start(&parameters(60_000)).unwrap();
    let pids = ["pid", "pid.child"].map(|name| folder.pid(name));
    kill_process(pid_of(&handle), Signal::KILL).unwrap();
    let error = within(handle.exited()).await.unwrap_err();
    assert!(matches!(error, RunError::GuardianExited(_)), "{error}");
    assert_eq!(error.exit_code(), 4);
    assert_eq!(pids.map(has_ended), [true; 2]);
    // Later calls must report the end of the guardian, too.
    assert!(within(handle.exited()).await.is_err());
}

// The node must notice the end of its guardian, also while no command runs, because a node without
// a guardian must not lead.
#[tokio::test]
async fn the_node_notices_at_once_that_its_guardian_has_exited() {
    let folder = Folder::new();
    let mut handle = spawn(&script("", &folder.path("x"))).await;
    let mut exited = pin!(handle.guardian_exited().unwrap());
    assert!(
        timeout(Duration::from_millis(1), &mut exited)
            .await
            .is_err()
    );
    kill_process(pid_of(&handle), Signal::KILL).unwrap();
    within(exited).await;
    assert!(within(handle.exited()).await.is_err());
}

// A service manager that stops a service sends SIGTERM to all processes of the service. The
// guardian must not end by this signal, and must still stop the command.
#[tokio::test]
async fn the_guardian_ignores_signals_to_the_whole_service() {
    let folder = Folder::new();
    let mut handle = spawn(&script(STUBBORN, &folder.path("pid"))).await;
    handle.start(&parameters(3_000)).unwrap();
    let pid = folder.pid("pid");
    for signal in [
        Signal::TERM,
        Signal::INT,
        Signal::HUP,
        Signal::QUIT,
        Signal::USR1,
    ] {
        kill_process(pid_of(&handle), signal).unwrap();
    }
    let end = within(handle.exited()).await.unwrap();
    assert_eq!(
        (end.exit, end.reason),
        (Exit::Signal(9), EndReason::Deadline)
    );
    assert!(has_ended(pid));
    within(handle.shutdown()).await.unwrap();
}

// The guardian handles some signals so that they have no effect. The command must not ignore these
// signals. (It ignores only signals that were ignored when this test program was started.)
#[tokio::test]
async fn the_command_does_not_ignore_signals() {
    let folder = Folder::new();
    let sleeps = format!("{WRITE_PID}; exec sleep 1000");
    let mut handle = spawn(&script(&sleeps, &folder.path("pid"))).await;
    for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::PIPE] {
        if signal != Signal::PIPE && is_ignored(signal) {
            continue;
        }
        within(handle.ready()).await.unwrap();
        handle.start(&parameters(60_000)).unwrap();
        kill_process(folder.pid("pid"), signal).unwrap();
        let end = within(handle.exited()).await.unwrap();
        assert_eq!(end.exit, Exit::Signal(signal.as_raw()));
        std::fs::remove_file(folder.path("pid")).unwrap();
    }
}

/// Returns the nice value of a process.
fn nice(pid: impl std::fmt::Display) -> i32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    fields.split(' ').nth(16).unwrap().parse().unwrap()
}

// If the guardian gets no processor in time, the command lives longer than its lease. So the
// guardian must have a higher priority than other processes, if the system allows it. The command
// must not have this priority.
#[tokio::test]
async fn only_the_guardian_has_a_high_priority() {
    let folder = Folder::new();
    let sleeps = format!("{WRITE_PID}; exec sleep 1000");
    let mut handle = spawn(&script(&sleeps, &folder.path("pid"))).await;
    handle.start(&parameters(60_000)).unwrap();
    let pid = folder.pid("pid");
    assert_eq!(nice(pid.as_raw_nonzero()), nice("self"));
    let is_allowed = setpriority_process(Some(pid), -20).is_ok();
    assert_eq!(nice(handle.guardian_pid()) == -20, is_allowed);
    within(handle.shutdown()).await.unwrap();
}

// A guardian that is stopped cannot stop the command before the lease ends, so the node must kill
// the command.
#[tokio::test]
async fn the_node_kills_the_command_if_the_guardian_is_stopped() {
    let folder = Folder::new();
    let mut handle = spawn(&script(&with_child(), &folder.path("pid"))).await;
    handle.start(&parameters(3_000)).unwrap();
    let pids = ["pid", "pid.child"].map(|name| folder.pid(name));
    kill_process(pid_of(&handle), Signal::STOP).unwrap();
    let error = within(handle.lose()).await.unwrap_err();
    assert!(matches!(error, RunError::GuardianExited(_)), "{error}");
    assert_eq!(pids.map(has_ended), [true; 2]);
}

// Another process may kill the shim, which is the process that waits to become the command. The
// next tenure (the next time that the node leads) needs another shim.
#[tokio::test]
async fn a_shim_that_was_killed_is_replaced() {
    let folder = Folder::new();
    let mut handle = spawn(&script("exit 6", &folder.path("x"))).await;
    let shim = children(&handle)[0];
    kill_process(shim, Signal::KILL).unwrap();
    until_next_shim(&handle, shim);
    // The node may not have received the message about the next shim (process that becomes the
    // command) yet, and start the command in the shim that was killed.
    handle.start(&parameters(60_000)).unwrap();
    assert!(matches!(
        within(handle.exited()).await.unwrap().exit,
        Exit::NotStarted(_)
    ));
    within(handle.ready()).await.unwrap();
    handle.start(&parameters(60_000)).unwrap();
    assert_eq!(within(handle.exited()).await.unwrap().exit, Exit::Code(6));
}

/// Returns the children of the guardian, also children that have ended and were not reaped.
fn children(handle: &CommandHandle) -> Vec<Pid> {
    let pid = handle.guardian_pid();
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let children = children.unwrap();
    let pids = children.split_whitespace();
    pids.map(|pid| Pid::from_raw(pid.parse().unwrap()).unwrap())
        .collect()
}

/// Waits until the guardian has started another shim (process that waits to become the command)
/// than the process `before`.
fn until_next_shim(handle: &CommandHandle, before: Pid) {
    until("there is another shim", || {
        let mut children = children(handle).into_iter();
        children.any(|pid| !has_ended(pid) && pid != before)
    });
}

// The system may reuse a process id as soon as its process is reaped. A node that has not yet
// received the end of its command may kill the process group of the command. So before that, no
// other process may get the id of the command.
#[tokio::test]
async fn the_id_of_a_command_is_in_use_until_the_node_has_received_its_end() {
    let folder = Folder::new();
    let mut handle = spawn(&script(WRITE_PID, &folder.path("pid"))).await;
    handle.start(&parameters(60_000)).unwrap();
    let first = folder.pid("pid");
    // The guardian reports the end of the command to the node before it starts the next shim, the
    // process that becomes the command at its next start.
    until_next_shim(&handle, first);
    assert!(has_ended(first) && children(&handle).contains(&first));
    within(handle.exited()).await.unwrap();
    until("the process is reaped", || {
        !children(&handle).contains(&first)
    });
    within(handle.shutdown()).await.unwrap();
}

// If another process kills a shim, the id of the shim must stay in use, too: the node may believe
// that this shim is its command, and signal it.
#[tokio::test]
async fn the_id_of_a_shim_is_in_use_until_the_node_has_another() {
    let folder = Folder::new();
    let mut handle = spawn(&script("exit 6", &folder.path("x"))).await;
    let first = children(&handle)[0];
    kill_process(first, Signal::KILL).unwrap();
    until_next_shim(&handle, first);
    assert!(children(&handle).contains(&first));
    handle.start(&parameters(60_000)).unwrap();
    let end = within(handle.exited()).await.unwrap();
    assert!(matches!(end.exit, Exit::NotStarted(_)), "{end}");
    until("the process is reaped", || {
        !children(&handle).contains(&first)
    });
    within(handle.shutdown()).await.unwrap();
}

// While a command runs, its orphans, whose parent has exited, must be reaped, and must not stay as
// zombies.
#[tokio::test]
async fn orphans_are_reaped_while_the_command_runs() {
    let folder = Folder::new();
    let orphans = "for i in 1 2 3 4 5 6 7 8; do (true & true); done";
    let orphans = format!("{orphans}; {WRITE_PID}; exec sleep 1000");
    let mut handle = spawn(&script(&orphans, &folder.path("pid"))).await;
    handle.start(&parameters(60_000)).unwrap();
    let first = folder.pid("pid").to_string();
    let pid = handle.guardian_pid();
    until("only the first process is left", || {
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        // The guardian reaps orphans after each event, and each message of the node is an event.
        handle.prolong(crate::in_ms(60_000));
        children.unwrap().trim() == first
    });
    within(handle.shutdown()).await.unwrap();
}
