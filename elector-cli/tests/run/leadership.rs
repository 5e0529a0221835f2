use std::{
    fs,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use elector_cli::run::{CommandEnd, CommandLeadership, RunError, TenureEnd};
use elector_core::{Epoch, FencingToken, Moment, actor::LeadershipLost};
use tokio::{sync::watch, time::sleep};

use crate::{Folder, in_ms, within};

/// A leadership whose lease the test prolongs, and which the test ends.
pub(crate) struct TestLeadership {
    starts: AtomicU64,
    pub(crate) deadline: watch::Sender<Moment>,
    pub(crate) ending: watch::Sender<bool>,
    pub(crate) lost: watch::Sender<bool>,
}

impl TestLeadership {
    pub(crate) fn new(lease_ms: u64) -> Self {
        Self {
            starts: AtomicU64::new(0),
            deadline: watch::Sender::new(in_ms(lease_ms)),
            ending: watch::Sender::new(false),
            lost: watch::Sender::new(false),
        }
    }
}

impl CommandLeadership for TestLeadership {
    fn epoch(&self) -> Epoch {
        Epoch(7)
    }

    fn next_token(&self) -> Result<Option<FencingToken>, LeadershipLost> {
        let starts = self.starts.fetch_add(1, Ordering::Relaxed);
        Ok(FencingToken::new(Epoch(7), starts))
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

/// Waits until the file exists, without blocking the thread.
pub(crate) async fn appears(folder: &Folder, name: &str) {
    while !folder.path(name).exists() {
        sleep(Duration::from_millis(1)).await;
    }
}

/// Waits until the file has this many lines, without blocking the thread.
pub(crate) async fn has_lines(folder: &Folder, name: &str, count: usize) {
    let lines = || {
        let text = fs::read_to_string(folder.path(name)).unwrap_or_default();
        text.lines().count()
    };
    while lines() < count {
        sleep(Duration::from_millis(1)).await;
    }
}

/// Runs the work and the steps of a test concurrently.
pub(crate) async fn both<W: Future, S: Future>(work: W, steps: S) -> (W::Output, S::Output) {
    within(async { tokio::join!(work, steps) }).await
}

/// Returns the end of the command in a tenure (time in which the node leads one epoch) that has
/// ended because the leadership has ended.
pub(crate) fn over(tenure_end: Result<TenureEnd, RunError>) -> CommandEnd {
    match tenure_end {
        Ok(TenureEnd::Over(Some(end))) => end,
        other => panic!("{other:?}"),
    }
}
