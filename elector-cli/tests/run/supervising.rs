use std::{fs, time::Duration};

use elector_cli::run::{
    Backoff, EndReason, Exit, ExitPolicy, Options, RunError, TenureEnd, supervise,
};
use elector_core::actor::now;
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;

use crate::{
    Folder, SLEEP, STUBBORN, WRITE_PID, has_ended, in_ms,
    leadership::{TestLeadership, appears, both, has_lines, over},
    script, spawn, within,
};

/// Checks at compile time that the future of the work may run on any thread.
fn send<F: Future + Send>(work: F) -> F {
    work
}

// If leadership is given up, the command has all of its grace (the time from SIGTERM to SIGKILL),
// for as long as the node leads. The grace may end long after the end of the lease under which the
// command was started, because the node prolongs the lease.
#[tokio::test]
async fn a_leadership_that_is_given_up_leaves_all_of_the_grace() {
    let folder = Folder::new();
    let on_sigterm = "while [ ! -e $0.may ]; do sleep 0.01; done; exit 4";
    let patient = format!("trap '{on_sigterm}' TERM; {WRITE_PID}; {SLEEP}");
    let mut handle = spawn(&script(&patient, &folder.path("pid"))).await;
    let leadership = TestLeadership::new(1_500);
    let mut backoff = Backoff::default();
    let work = send(supervise(
        &leadership,
        &mut handle,
        ExitPolicy::Resign,
        &mut backoff,
    ));
    let steps = async {
        let first = *leadership.deadline.borrow();
        let mut heartbeat = tokio::time::interval(Duration::from_millis(20));
        while now() < first {
            leadership.deadline.send_replace(in_ms(1_500));
            if folder.path("pid").exists() {
                leadership.ending.send_replace(true);
            }
            heartbeat.tick().await;
        }
        fs::write(folder.path("pid.may"), "").unwrap();
        first
    };
    let (tenure_end, first) = both(work, steps).await;
    let end = over(tenure_end);
    assert_eq!((end.exit, end.reason), (Exit::Code(4), EndReason::GivenUp));
    assert!(end.ended_at > first && end.sigkill_at.is_none());
}

// If leadership is lost, the command must end within the rest of the lease, also if it ignores
// SIGTERM.
#[tokio::test]
async fn a_leadership_that_is_lost_leaves_the_rest_of_the_lease() {
    let folder = Folder::new();
    let mut handle = spawn(&script(STUBBORN, &folder.path("pid"))).await;
    let leadership = TestLeadership::new(2_500);
    let mut backoff = Backoff::default();
    let work = supervise(&leadership, &mut handle, ExitPolicy::Restart, &mut backoff);
    let steps = async {
        appears(&folder, "pid").await;
        leadership.lost.send_replace(true);
    };
    let (tenure_end, ()) = both(work, steps).await;
    let end = over(tenure_end);
    assert_eq!(end.reason, EndReason::Lost);
    assert!(end.ended_at < *leadership.deadline.borrow());
    assert!(has_ended(folder.pid("pid")));
}

// An end after the lease must be counted, so that operators notice that two commands may have run
// at the same time. An end before the end of the lease must not be counted.
#[tokio::test]
async fn an_end_after_the_lease_is_counted() {
    let folder = Folder::new();
    let runs = format!("rm -f $0; {WRITE_PID}; exec sleep 1000");
    let mut handle = spawn(&script(&runs, &folder.path("pid"))).await;
    for (late, lease_ms) in [(0, 60_000), (1, 0)] {
        let leadership = TestLeadership::new(60_000);
        let mut backoff = Backoff::default();
        let work = supervise(&leadership, &mut handle, ExitPolicy::Restart, &mut backoff);
        let steps = async {
            appears(&folder, "pid").await;
            // If the lease ends now, the end of the command is late, because the guardian still
            // needs time to stop the command.
            leadership.deadline.send_replace(in_ms(lease_ms));
            leadership.ending.send_replace(true);
        };
        let (tenure_end, ()) = both(work, steps).await;
        assert_eq!(over(tenure_end).reason, EndReason::GivenUp);
        assert_eq!(handle.metrics().late_ends.get(), late);
        fs::remove_file(folder.path("pid")).unwrap();
    }
}

// If the future of the work is dropped, for example because its task is aborted, no code reports a
// longer lease to the guardian (the process that stops the command) any more. The command must be
// stopped as if the leadership was lost, and must be dead before the next tenure.
#[tokio::test]
async fn work_that_is_dropped_stops_its_command() {
    let folder = Folder::new();
    let mut handle = spawn(&script(STUBBORN, &folder.path("pid"))).await;
    let leadership = TestLeadership::new(2_500);
    let mut backoff = Backoff::default();
    tokio::select! {
        _ = supervise(&leadership, &mut handle, ExitPolicy::Restart, &mut backoff) => {
            panic!("the work ended");
        }
        () = appears(&folder, "pid") => {}
    }
    within(handle.ready()).await.unwrap();
    assert_eq!(
        within(handle.exited()).await.unwrap().reason,
        EndReason::Lost
    );
    assert!(has_ended(folder.pid("pid")));
}

// A leadership may end while the command of the previous tenure still runs. In this case the
// command must not be started under this leadership.
#[tokio::test]
async fn a_leadership_that_has_ended_starts_no_command() {
    let folder = Folder::new();
    let mut handle = spawn(&script("echo > $0", &folder.path("ran"))).await;
    let leadership = TestLeadership::new(60_000);
    leadership.lost.send_replace(true);
    let mut backoff = Backoff::default();
    let work = supervise(&leadership, &mut handle, ExitPolicy::Restart, &mut backoff);
    assert_eq!(within(work).await.unwrap(), TenureEnd::Over(None));
    within(handle.shutdown()).await.unwrap();
    assert!(!folder.path("ran").exists());
}

// On a busy machine, the lease may end again and again before it is prolonged. The command does not
// cause this, so it must start again without a pause. If the end of a lease counted as a failure of
// the command, the pause after the second end would be longer than this test waits.
#[tokio::test]
async fn the_end_of_a_lease_does_not_count_as_a_failure_of_the_command() {
    let folder = Folder::new();
    let runs = "echo $$ >> $0; exec sleep 1000";
    // The command must start before the lease of 700 ms ends. These two durations are subtracted
    // from that time, so they are short.
    let options = Options {
        margin: Duration::from_millis(200),
        loss_grace: Duration::from_millis(50),
        ..script(runs, &folder.path("pids"))
    };
    let mut handle = spawn(&options).await;
    let leadership = TestLeadership::new(700);
    let hour = Duration::from_secs(3_600);
    let mut backoff = Backoff::new(hour, hour);
    let work = supervise(&leadership, &mut handle, ExitPolicy::Resign, &mut backoff);
    let prolong = async {
        loop {
            if now() > *leadership.deadline.borrow() {
                leadership.deadline.send_replace(in_ms(700));
            }
            sleep(Duration::from_millis(1)).await;
        }
    };
    let steps = async {
        tokio::select! {
            () = prolong => {}
            () = has_lines(&folder, "pids", 4) => {}
        }
        leadership.ending.send_replace(true);
    };
    let (tenure_end, ()) = both(work, steps).await;
    assert!(matches!(tenure_end.unwrap(), TenureEnd::Over(_)));
}

// If a majority confirms a heartbeat only after the end of the lease, the guardian has stopped the
// command, but the leadership goes on. When the lease is prolonged then, the command must start
// again.
#[tokio::test]
async fn the_command_starts_again_if_the_lease_is_prolonged_late() {
    let folder = Folder::new();
    let runs = "echo $$ >> $0; exec sleep 1000";
    let mut handle = spawn(&script(runs, &folder.path("pids"))).await;
    let leadership = TestLeadership::new(1_200);
    let first = *leadership.deadline.borrow();
    let mut backoff = Backoff::default();
    let work = supervise(&leadership, &mut handle, ExitPolicy::Resign, &mut backoff);
    let steps = async {
        while now() <= first {
            sleep(Duration::from_millis(1)).await;
        }
        leadership.deadline.send_replace(in_ms(60_000));
        has_lines(&folder, "pids", 2).await;
        leadership.ending.send_replace(true);
    };
    let (tenure_end, ()) = both(work, steps).await;
    let end = over(tenure_end);
    assert_eq!(
        (end.exit, end.reason),
        (Exit::Signal(15), EndReason::GivenUp)
    );
}

// A guardian that is stopped or gets no processor does not stop the command. So the node must kill
// the command when half of the margin, the planned time from SIGKILL to the end of the lease, is
// left.
#[tokio::test]
async fn a_command_whose_guardian_is_stopped_ends_before_its_lease() {
    let folder = Folder::new();
    let mut handle = spawn(&script(STUBBORN, &folder.path("pid"))).await;
    let guardian = i32::try_from(handle.guardian_pid()).unwrap();
    let leadership = TestLeadership::new(4_000);
    let deadline = *leadership.deadline.borrow();
    let mut backoff = Backoff::default();
    let work = send(supervise(
        &leadership,
        &mut handle,
        ExitPolicy::Resign,
        &mut backoff,
    ));
    let steps = async {
        appears(&folder, "pid").await;
        kill_process(Pid::from_raw(guardian).unwrap(), Signal::STOP).unwrap();
        let left = deadline.nanos().saturating_sub(now().nanos());
        sleep(Duration::from_nanos(left)).await;
        let pid = folder.pid("pid");
        assert!(has_ended(pid), "the command has outlived its lease");
    };
    let (tenure_end, ()) = both(work, steps).await;
    assert!(
        matches!(tenure_end, Err(RunError::GuardianExited(_))),
        "{tenure_end:?}"
    );
}
