use crate::{Delay, ElectionAlgorithm, Outbox};

/// A group of timers of which at most one runs at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ExclusiveTimer<T> {
    running: Option<T>,
}

impl<T: Copy + Eq> ExclusiveTimer<T> {
    /// Creates a group in which no timer runs.
    #[must_use]
    pub const fn stopped() -> Self {
        Self { running: None }
    }

    /// Creates a group in which `timer` counts as running. The algorithm must set this timer in its
    /// first step, because this function requests nothing.
    #[must_use]
    pub const fn started(timer: T) -> Self {
        Self {
            running: Some(timer),
        }
    }

    /// Returns the timer that runs, if any.
    #[must_use]
    pub fn running(&self) -> Option<T> {
        self.running
    }

    /// Sets `timer`, and cancels any other timer that runs.
    pub fn set<A: ElectionAlgorithm<Timer = T>>(
        &mut self,
        timer: T,
        delay: Delay,
        out: &mut Outbox<A>,
    ) {
        if self.running != Some(timer) {
            self.stop(out);
        }
        self.running = Some(timer);
        out.set_timer(timer, delay);
    }

    /// Cancels the timer that runs, if any.
    pub fn stop<A: ElectionAlgorithm<Timer = T>>(&mut self, out: &mut Outbox<A>) {
        if let Some(timer) = self.running.take() {
            out.cancel_timer(timer);
        }
    }

    /// Records that `timer` has elapsed. Returns `false` if the timer was not running: then the
    /// event is stale.
    pub fn elapsed(&mut self, timer: T) -> bool {
        self.running.take_if(|running| *running == timer).is_some()
    }
}
