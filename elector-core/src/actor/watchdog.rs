use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Makes the node give its leadership up when the work of the leader does not check in any more.
/// [`Leadership::watchdog`](super::Leadership::watchdog) creates a watchdog. When the watchdog is
/// dropped, the node stops checking.
#[derive(Debug)]
pub struct Watchdog(Arc<Watch>);

/// The state that a [`Watchdog`] shares with the node.
#[derive(Debug)]
pub(super) struct Watch {
    limit: Duration,
    checked_in: AtomicBool,
    is_over: AtomicBool,
}

/// How often the node checks within the limit of a watchdog whether the work has checked in.
pub(super) const CHECKS: u8 = 4;

/// The shortest time between two checks whether the work has checked in, also if the limit of the
/// watchdog is very short.
const MIN_INTERVAL: Duration = Duration::from_millis(1);

impl Watchdog {
    pub(super) fn new(limit: Duration) -> (Self, Arc<Watch>) {
        let watch = Arc::new(Watch {
            limit,
            checked_in: AtomicBool::new(true),
            is_over: AtomicBool::new(false),
        });
        (Self(Arc::clone(&watch)), watch)
    }

    /// Reports that the work goes on. This method is cheap, and may be called on any thread.
    pub fn check_in(&self) {
        self.0.checked_in.store(true, Ordering::Release);
    }

    /// Returns the time between two checks of the node whether the work has checked in.
    pub(super) fn interval(&self) -> Duration {
        self.0.interval()
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::Release);
    }
}

impl Watch {
    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    pub(super) fn interval(&self) -> Duration {
        (self.limit / u32::from(CHECKS)).max(MIN_INTERVAL)
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    /// Returns `true` if the work has checked in since the last call.
    pub(super) fn has_checked_in(&self) -> bool {
        self.checked_in.swap(false, Ordering::AcqRel)
    }
}
