use std::time::Duration;

use elector_cli::run::{Exit, Why};
use elector_core::actor::now;

use crate::{
    Folder, REST, SPIN, STUBBORN, TELL, WITHOUT_LEASE, gone, guard, in_ms, script, tenure, until,
    within,
};

// Given up in good order, a command has all of its grace, and its own last word.
#[tokio::test]
async fn who_heeds_sigterm_is_not_killed() {
    let folder = Folder::new();
    let heeds = format!("trap 'exit 7' TERM; {TELL}; {SPIN}");
    let mut guard = guard(&script(&heeds, &folder.path("pid"))).await;
    guard.start(&tenure(60_000)).unwrap();
    let pid = folder.pid("pid");
    let ended = within(guard.stop()).await.unwrap();
    assert_eq!((ended.exit, ended.why), (Exit::Code(7), Why::Returned));
    assert!(ended.asked.is_some() && ended.killed.is_none());
    assert!(gone(pid));
    within(guard.shutdown()).await.unwrap();
}

// The promise itself: whoever does not heed SIGTERM is dead before the lease ends, although nobody
// says a word.
#[tokio::test]
async fn who_ignores_sigterm_is_killed_before_the_lease_ends() {
    let folder = Folder::new();
    let mut guard = guard(&script(STUBBORN, &folder.path("pid"))).await;
    let tenure = tenure(3_000);
    guard.start(&tenure).unwrap();
    let pid = folder.pid("pid");
    let ended = within(guard.exited()).await.unwrap();
    assert_eq!((ended.exit, ended.why), (Exit::Signal(9), Why::Deadline));
    assert!(ended.asked < ended.killed && ended.killed.is_some());
    assert!(Some(ended.over) < tenure.deadline);
    assert!(gone(pid));
}

// Work that is given up must not go on for ever either.
#[tokio::test]
async fn grace_has_an_end() {
    let folder = Folder::new();
    let mut options = script(STUBBORN, &folder.path("pid"));
    options.grace = Duration::from_millis(50);
    let mut guard = guard(&options).await;
    guard.start(&WITHOUT_LEASE).unwrap();
    folder.pid("pid");
    let ended = within(guard.stop()).await.unwrap();
    assert_eq!((ended.exit, ended.why), (Exit::Signal(9), Why::Returned));
    let waited = ended.killed.unwrap().nanos() - ended.asked.unwrap().nanos();
    assert!(waited >= 50_000_000, "{waited} ns");
}

// Under a best-effort algorithm no lease says how long; another node leads already.
#[tokio::test]
async fn without_a_lease_loss_has_its_own_grace() {
    let folder = Folder::new();
    let mut guard = guard(&script(STUBBORN, &folder.path("pid"))).await;
    guard.start(&WITHOUT_LEASE).unwrap();
    folder.pid("pid");
    let ended = within(guard.lose()).await.unwrap();
    assert_eq!((ended.exit, ended.why), (Exit::Signal(9), Why::Lost));
    let waited = ended.killed.unwrap().nanos() - ended.asked.unwrap().nanos();
    assert!(waited >= 100_000_000, "{waited} ns");
}

// A command that works has children; one of them outliving the lease is as bad as all.
#[tokio::test]
async fn children_die_in_the_group_and_out_of_it() {
    let folder = Folder::new();
    let stubborn = STUBBORN.replace("$0", "$1");
    let script_of_all = format!(
        "sh -c '{in_group}' x $0.child & \
         (setsid sh -c '{in_group}' x $0.daemon &) & \
         {TELL}; wait; wait; sleep 1000",
        in_group = stubborn.replace('\'', "'\\''"),
    );
    let mut options = script(&script_of_all, &folder.path("pid"));
    options.grace = Duration::from_millis(50);
    let mut guard = guard(&options).await;
    guard.start(&tenure(60_000)).unwrap();
    let pids = ["pid", "pid.child", "pid.daemon"].map(|name| folder.pid(name));
    let ended = within(guard.stop()).await.unwrap();
    assert!(ended.killed.is_some());
    assert_eq!(pids.map(gone), [true; 3]);
    within(guard.shutdown()).await.unwrap();
}

// What a command leaves behind when it ends is part of it: nothing else may begin before that is
// gone, and until then it has not ended.
#[tokio::test]
async fn a_command_has_ended_when_all_that_it_started_has() {
    let folder = Folder::new();
    let leaves =
        format!("(trap 'exit 0' TERM; {TELL}; {SPIN}) & while [ ! -e $0 ]; do :; done; exit 5");
    let mut guard = guard(&script(&leaves, &folder.path("started"))).await;
    guard.start(&tenure(60_000)).unwrap();
    let ended = within(guard.exited()).await.unwrap();
    assert_eq!((ended.exit, ended.why), (Exit::Code(5), Why::Itself));
    assert!(ended.asked.is_some() && ended.killed.is_none());
}

// A leader that is heard goes on: each heartbeat moves the end.
#[tokio::test]
async fn a_prolonged_lease_keeps_the_command_alive() {
    let folder = Folder::new();
    let mut guard = guard(&script(STUBBORN, &folder.path("pid"))).await;
    let first = tenure(1_500);
    guard.start(&first).unwrap();
    let second = in_ms(4_000);
    guard.prolong(second);
    // An older word must not shorten it.
    guard.prolong(in_ms(0));
    let pid = folder.pid("pid");
    until("the first lease has ended", || Some(now()) > first.deadline);
    assert!(!gone(pid) && guard.is_running());
    let ended = within(guard.exited()).await.unwrap();
    assert!(Some(ended.asked.unwrap()) > first.deadline);
    assert!(ended.over < second && gone(pid));
}

// A process that is stopped does not hear SIGTERM until it goes on.
#[tokio::test]
async fn a_stopped_command_hears_sigterm() {
    let folder = Folder::new();
    let stops = format!("trap 'exit 7' TERM; {TELL}; kill -STOP $$; {REST}");
    let mut guard = guard(&script(&stops, &folder.path("pid"))).await;
    guard.start(&tenure(60_000)).unwrap();
    let stat = format!("/proc/{}/stat", folder.pid("pid").as_raw_nonzero());
    until("it has stopped", || {
        std::fs::read_to_string(&stat).unwrap().contains(") T ")
    });
    let ended = within(guard.stop()).await.unwrap();
    assert_eq!(ended.exit, Exit::Code(7));
}
