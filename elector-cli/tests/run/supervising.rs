use std::{
    fs,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use elector_cli::run::{
    Backoff, Ended, Exit, ExitPolicy, Held, Options, Outcome, RunError, Why, supervise,
};
use elector_core::{
    Epoch, FencingToken, Moment,
    actor::{LeadershipLost, now},
};
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::watch;

use crate::{Folder, REST, STUBBORN, TELL, gone, guard, in_ms, script, within};

/// A leadership that a test prolongs and ends.
struct Script {
    starts: AtomicU64,
    deadline: watch::Sender<Moment>,
    ending: watch::Sender<bool>,
    lost: watch::Sender<bool>,
}

impl Script {
    fn new(lease_ms: u64) -> Self {
        Self {
            starts: AtomicU64::new(0),
            deadline: watch::Sender::new(in_ms(lease_ms)),
            ending: watch::Sender::new(false),
            lost: watch::Sender::new(false),
        }
    }
}

impl Held for Script {
    fn epoch(&self) -> Epoch {
        Epoch(7)
    }

    fn next_token(&self) -> Result<Option<FencingToken>, LeadershipLost> {
        let grant = self.starts.fetch_add(1, Ordering::Relaxed);
        Ok(FencingToken::new(Epoch(7), grant))
    }

    fn deadline(&self) -> Option<Moment> {
        Some(*self.deadline.borrow())
    }

    async fn prolonged(&self, known: Moment) -> Option<Moment> {
        let mut deadline = self.deadline.subscribe();
        let later = deadline.wait_for(|&deadline| deadline > known).await;
        later.ok().map(|deadline| *deadline)
    }

    async fn ending(&self) {
        tokio::select! {
            _ = async { self.ending.subscribe().wait_for(|&ending| ending).await.map(drop) } => {}
            () = self.lost() => {}
        }
    }

    async fn lost(&self) {
        let _ = self.lost.subscribe().wait_for(|&lost| lost).await;
    }
}

/// Waits for a file without holding up what else this thread does.
async fn appears(folder: &Folder, name: &str) {
    while !folder.path(name).exists() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Work is done on any thread.
fn send<F: Future + Send>(work: F) -> F {
    work
}

fn over(outcome: Result<Outcome, RunError>) -> Ended {
    match outcome {
        Ok(Outcome::Over(Some(ended))) => ended,
        other => panic!("{other:?}"),
    }
}

// What the application wants to end has all of its grace, for as long as the node leads on, far
// beyond the lease that it began with.
#[tokio::test]
async fn a_tenure_that_is_given_up_ends_in_good_order() {
    let folder = Folder::new();
    let when_asked = "while [ ! -e $0.may ]; do sleep 0.01; done; exit 4";
    let patient = format!("trap '{when_asked}' TERM; {TELL}; {REST}");
    let mut guard = guard(&script(&patient, &folder.path("pid"))).await;
    let held = Script::new(1_500);
    let mut backoff = Backoff::default();
    let work = send(supervise(
        &held,
        &mut guard,
        ExitPolicy::Resign,
        &mut backoff,
    ));
    let story = async {
        let first = *held.deadline.borrow();
        let mut beat = tokio::time::interval(Duration::from_millis(20));
        while now() < first {
            held.deadline.send_replace(in_ms(1_500));
            if folder.path("pid").exists() {
                held.ending.send_replace(true);
            }
            beat.tick().await;
        }
        fs::write(folder.path("pid.may"), "").unwrap();
        first
    };
    let (outcome, first) = within(async { tokio::join!(work, story) }).await;
    let ended = over(outcome);
    assert_eq!((ended.exit, ended.why), (Exit::Code(4), Why::Returned));
    assert!(ended.over > first && ended.killed.is_none());
}

// What was lost is stopped within what is left of the lease, whatever it thinks of it.
#[tokio::test]
async fn a_tenure_that_is_lost_ends_within_its_lease() {
    let folder = Folder::new();
    let mut guard = guard(&script(STUBBORN, &folder.path("pid"))).await;
    let held = Script::new(2_500);
    let mut backoff = Backoff::default();
    let work = supervise(&held, &mut guard, ExitPolicy::Restart, &mut backoff);
    let story = async {
        appears(&folder, "pid").await;
        held.lost.send_replace(true);
    };
    let (outcome, ()) = within(async { tokio::join!(work, story) }).await;
    let ended = over(outcome);
    assert_eq!(ended.why, Why::Lost);
    assert!(ended.over < *held.deadline.borrow());
    assert!(gone(folder.pid("pid")));
}

// An operator must learn that two commands may have run at once; and an end in time is no such end.
#[tokio::test]
async fn an_end_after_the_lease_is_counted() {
    let folder = Folder::new();
    let runs = format!("rm -f $0; {TELL}; exec sleep 1000");
    let mut guard = guard(&script(&runs, &folder.path("pid"))).await;
    for (late, lease_ms) in [(0, 60_000), (1, 0)] {
        let held = Script::new(60_000);
        let mut backoff = Backoff::default();
        let work = supervise(&held, &mut guard, ExitPolicy::Restart, &mut backoff);
        let story = async {
            appears(&folder, "pid").await;
            // As if the guardian had been late by all that is left.
            held.deadline.send_replace(in_ms(lease_ms));
            held.ending.send_replace(true);
        };
        let (outcome, ()) = within(async { tokio::join!(work, story) }).await;
        assert_eq!(over(outcome).why, Why::Returned);
        assert_eq!(guard.metrics().late_ends.get(), late);
        fs::remove_file(folder.path("pid")).unwrap();
    }
}

// Each policy does what its name says, with the command's own end told along.
#[tokio::test]
async fn a_command_that_ends_by_itself_meets_the_policy() {
    let folder = Folder::new();
    let counts = "echo x >> $0; exit 5";
    let mut guard = guard(&script(counts, &folder.path("runs"))).await;
    let held = Script::new(60_000);
    let short = Duration::from_millis(1);
    for policy in [ExitPolicy::Resign, ExitPolicy::Stop] {
        let mut backoff = Backoff::new(short, short);
        let outcome = within(supervise(&held, &mut guard, policy, &mut backoff))
            .await
            .unwrap();
        let (Outcome::Resign(ended) | Outcome::Stop(ended)) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(
            matches!(outcome, Outcome::Stop(_)),
            policy == ExitPolicy::Stop
        );
        assert_eq!((ended.exit.code(), ended.why), (5, Why::Itself));
    }
    let mut backoff = Backoff::new(short, short);
    let work = supervise(&held, &mut guard, ExitPolicy::Restart, &mut backoff);
    let story = async {
        let runs = || {
            fs::read_to_string(folder.path("runs"))
                .unwrap()
                .lines()
                .count()
        };
        while runs() < 12 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        held.lost.send_replace(true);
    };
    let (outcome, ()) = within(async { tokio::join!(work, story) }).await;
    assert!(matches!(outcome.unwrap(), Outcome::Over(_)));
}

// Work that is done must not be done again in the same tenure, whether it went well or not; and the
// node must give its leadership up when it is asked to.
#[tokio::test]
async fn a_command_that_ends_can_be_all_that_there_is_to_do() {
    let folder = Folder::new();
    let once = "echo x >> $0; exit $(cat $0.code)";
    let mut guard = guard(&script(once, &folder.path("runs"))).await;
    for (code, runs) in [(0, "x"), (5, "x\nx")] {
        fs::write(folder.path("runs.code"), code.to_string()).unwrap();
        let held = Script::new(60_000);
        let mut backoff = Backoff::default();
        let metrics = guard.metrics().clone();
        let before = metrics.starts.get();
        let work = supervise(&held, &mut guard, ExitPolicy::Wait, &mut backoff);
        let story = async {
            while metrics.starts.get() == before || metrics.running.get() == 1 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            // Time for another start, if there were one.
            tokio::time::sleep(Duration::from_millis(100)).await;
            held.ending.send_replace(true);
        };
        let (outcome, ()) = within(async { tokio::join!(work, story) }).await;
        let ended = over(outcome);
        assert_eq!((ended.exit, ended.why), (Exit::Code(code), Why::Itself));
        assert_eq!(folder.read("runs"), runs);
    }
    let metrics = guard.metrics();
    assert_eq!((metrics.starts.get(), metrics.restarts.get()), (2, 0));
    assert_eq!((metrics.failures.get(), metrics.kills.get()), (1, 0));
    assert_eq!(metrics.running.get(), 0);
}

// A node whose guardian is gone could not stop its next command, so it must end.
#[tokio::test]
async fn a_guardian_that_goes_while_nothing_is_to_be_done_is_missed() {
    let folder = Folder::new();
    let mut guard = guard(&script("echo > $0", &folder.path("ran"))).await;
    let guardian = i32::try_from(guard.guardian()).unwrap();
    let held = Script::new(60_000);
    let mut backoff = Backoff::default();
    let work = supervise(&held, &mut guard, ExitPolicy::Wait, &mut backoff);
    let story = async {
        appears(&folder, "ran").await;
        kill_process(Pid::from_raw(guardian).unwrap(), Signal::KILL).unwrap();
    };
    let (outcome, ()) = within(async { tokio::join!(work, story) }).await;
    assert!(
        matches!(outcome, Err(RunError::GuardianDied(_))),
        "{outcome:?}"
    );
}

// What is counted is what an operator is woken up for.
#[tokio::test]
async fn each_end_of_a_command_is_counted_as_what_it_was() {
    let folder = Folder::new();
    let stubborn = format!("trap '' TERM; {TELL}; exec sleep 1000");
    let options = Options {
        grace: Duration::from_millis(50),
        ..script(&stubborn, &folder.path("pid"))
    };
    let mut guard = guard(&options).await;
    let held = Script::new(60_000);
    let metrics = guard.metrics().clone();
    let mut backoff = Backoff::default();
    let work = supervise(&held, &mut guard, ExitPolicy::Restart, &mut backoff);
    let story = async {
        appears(&folder, "pid").await;
        assert_eq!(metrics.running.get(), 1);
        let first = folder.pid("pid");
        fs::remove_file(folder.path("pid")).unwrap();
        kill_process(first, Signal::KILL).unwrap();
        appears(&folder, "pid").await;
        held.ending.send_replace(true);
    };
    let (outcome, ()) = within(async { tokio::join!(work, story) }).await;
    assert_eq!(over(outcome).exit, Exit::Signal(9));
    assert_eq!((metrics.starts.get(), metrics.restarts.get()), (2, 1));
    // The first one was not killed by us.
    assert_eq!((metrics.failures.get(), metrics.kills.get()), (1, 1));
    assert_eq!((metrics.running.get(), metrics.late_ends.get()), (0, 0));
}

// What the first start of a command left behind must not be taken for the second start's.
#[tokio::test]
async fn each_start_has_a_higher_token() {
    let folder = Folder::new();
    let tells = "echo $ELECTOR_FENCING_TOKEN >> $0; exit 5";
    let mut guard = guard(&script(tells, &folder.path("tokens"))).await;
    let held = Script::new(60_000);
    let short = Duration::from_millis(1);
    let mut backoff = Backoff::new(short, short);
    let work = supervise(&held, &mut guard, ExitPolicy::Restart, &mut backoff);
    let tokens = || -> Vec<u64> {
        let told = fs::read_to_string(folder.path("tokens")).unwrap_or_default();
        let lines = told.lines().map(str::parse);
        lines.collect::<Result<_, _>>().unwrap()
    };
    let story = async {
        while tokens().len() < 4 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        held.lost.send_replace(true);
    };
    let (outcome, ()) = within(async { tokio::join!(work, story) }).await;
    assert!(matches!(outcome.unwrap(), Outcome::Over(_)));
    assert!(tokens().is_sorted_by(|a, b| a < b), "{:?}", tokens());
}

// Work that is dropped, as a task that is aborted, has lost its leadership: nobody tells its
// command of a deadline any more, and the next tenure must not find it alive.
#[tokio::test]
async fn work_that_is_dropped_stops_its_command() {
    let folder = Folder::new();
    let mut guard = guard(&script(STUBBORN, &folder.path("pid"))).await;
    let held = Script::new(2_500);
    let mut backoff = Backoff::default();
    tokio::select! {
        _ = supervise(&held, &mut guard, ExitPolicy::Restart, &mut backoff) => panic!("it ended"),
        () = appears(&folder, "pid") => {}
    }
    within(guard.ready()).await.unwrap();
    assert_eq!(within(guard.exited()).await.unwrap().why, Why::Lost);
    assert!(gone(folder.pid("pid")));
}

// A leadership that ends before the command before it has must not start another.
#[tokio::test]
async fn a_tenure_may_be_over_before_it_is_worked_for() {
    let folder = Folder::new();
    let mut guard = guard(&script("echo > $0", &folder.path("ran"))).await;
    let held = Script::new(60_000);
    held.lost.send_replace(true);
    let mut backoff = Backoff::default();
    let work = supervise(&held, &mut guard, ExitPolicy::Restart, &mut backoff);
    assert_eq!(within(work).await.unwrap(), Outcome::Over(None));
    within(guard.shutdown()).await.unwrap();
    assert!(!folder.path("ran").exists());
}

// A leader whose lease ends again and again, on a busy machine, is not to blame on its command:
// after the second time the pause would be longer than this test waits.
#[tokio::test]
async fn a_lease_that_ends_often_does_not_count_as_a_failure_of_the_command() {
    let folder = Folder::new();
    let runs = "echo $$ >> $0; exec sleep 1000";
    // With room for the command to begin within the lease.
    let options = Options {
        margin: Duration::from_millis(200),
        loss_grace: Duration::from_millis(50),
        ..script(runs, &folder.path("pids"))
    };
    let mut guard = guard(&options).await;
    let held = Script::new(700);
    let hour = Duration::from_secs(3_600);
    let mut backoff = Backoff::new(hour, hour);
    let work = supervise(&held, &mut guard, ExitPolicy::Resign, &mut backoff);
    let story = async {
        let pids = || {
            fs::read_to_string(folder.path("pids"))
                .unwrap_or_default()
                .lines()
                .count()
        };
        while pids() < 4 {
            if now() > *held.deadline.borrow() {
                held.deadline.send_replace(in_ms(700));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        held.ending.send_replace(true);
    };
    let (outcome, ()) = within(async { tokio::join!(work, story) }).await;
    assert!(matches!(outcome.unwrap(), Outcome::Over(_)));
}

// A heartbeat that is late by more than the lease allows costs the command, and not the leadership:
// if that goes on, so does the work.
#[tokio::test]
async fn a_lease_that_goes_on_late_goes_on_with_its_command() {
    let folder = Folder::new();
    let runs = "echo $$ >> $0; exec sleep 1000";
    let mut guard = guard(&script(runs, &folder.path("pids"))).await;
    let held = Script::new(1_200);
    let mut backoff = Backoff::default();
    let work = supervise(&held, &mut guard, ExitPolicy::Resign, &mut backoff);
    let story = async {
        let pids = || {
            fs::read_to_string(folder.path("pids"))
                .unwrap_or_default()
                .lines()
                .count()
        };
        while pids() < 2 {
            let first = *held.deadline.borrow();
            if now() > first {
                held.deadline.send_replace(in_ms(60_000));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        held.ending.send_replace(true);
    };
    let (outcome, ()) = within(async { tokio::join!(work, story) }).await;
    let ended = over(outcome);
    assert_eq!((ended.exit, ended.why), (Exit::Signal(15), Why::Returned));
}

// A guardian that is stopped, or gets no processor, does nothing. Then the node ends the command,
// with half of the margin left.
#[tokio::test]
async fn a_command_whose_guardian_is_stopped_is_dead_before_its_lease_ends() {
    let folder = Folder::new();
    let mut guard = guard(&script(STUBBORN, &folder.path("pid"))).await;
    let guardian = i32::try_from(guard.guardian()).unwrap();
    let held = Script::new(4_000);
    let deadline = *held.deadline.borrow();
    let mut backoff = Backoff::default();
    let work = send(supervise(
        &held,
        &mut guard,
        ExitPolicy::Resign,
        &mut backoff,
    ));
    let story = async {
        appears(&folder, "pid").await;
        kill_process(Pid::from_raw(guardian).unwrap(), Signal::STOP).unwrap();
        let left = deadline.nanos().saturating_sub(now().nanos());
        tokio::time::sleep(Duration::from_nanos(left)).await;
        assert!(gone(folder.pid("pid")), "it has outlived its lease");
    };
    let (outcome, ()) = within(async { tokio::join!(work, story) }).await;
    assert!(
        matches!(outcome, Err(RunError::GuardianDied(_))),
        "{outcome:?}"
    );
}
