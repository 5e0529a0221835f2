use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Makes the node give its leadership up when the work of the leader does not check in any more.
/// [`Leadership::watchdog`](super::Leadership::watchdog) gives one. Dropping it ends the watch.
#[derive(Debug)]
pub struct Watchdog(Arc<Watch>);

/// What the work and the node share of it.
#[derive(Debug)]
pub(super) struct Watch {
    limit: Duration,
    checked_in: AtomicBool,
    over: AtomicBool,
}

/// How often the node looks within the limit.
pub(super) const LOOKS: u8 = 4;

/// The shortest time between two looks.
const SHORTEST: Duration = Duration::from_millis(1);

impl Watchdog {
    pub(super) fn new(limit: Duration) -> (Self, Arc<Watch>) {
        let watch = Arc::new(Watch {
            limit,
            checked_in: AtomicBool::new(true),
            over: AtomicBool::new(false),
        });
        (Self(Arc::clone(&watch)), watch)
    }

    /// The work goes on. Cheap, and may be called on any thread.
    pub fn check_in(&self) {
        self.0.checked_in.store(true, Ordering::Release);
    }

    /// How long the node waits between two looks.
    pub(super) fn interval(&self) -> Duration {
        self.0.interval()
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::Release);
    }
}

impl Watch {
    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    pub(super) fn interval(&self) -> Duration {
        (self.limit / u32::from(LOOKS)).max(SHORTEST)
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// Whether the work has checked in since this was asked last.
    pub(super) fn has_checked_in(&self) -> bool {
        self.checked_in.swap(false, Ordering::AcqRel)
    }
}
