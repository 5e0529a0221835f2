use crate::{Delay, ElectionAlgorithm, Outbox};

/// Timers of which at most one runs at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ExclusiveTimer<T> {
    running: Option<T>,
}

impl<T: Copy + Eq> ExclusiveTimer<T> {
    /// None of the timers runs.
    #[must_use]
    pub const fn stopped() -> Self {
        Self { running: None }
    }

    /// This timer runs: the caller sets it before its first step ends.
    #[must_use]
    pub const fn started(timer: T) -> Self {
        Self {
            running: Some(timer),
        }
    }

    /// The timer that runs, if one does.
    #[must_use]
    pub fn running(&self) -> Option<T> {
        self.running
    }

    /// Sets `timer`, and cancels another that runs.
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

    /// Cancels the timer that runs, if one does.
    pub fn stop<A: ElectionAlgorithm<Timer = T>>(&mut self, out: &mut Outbox<A>) {
        if let Some(timer) = self.running.take() {
            out.cancel_timer(timer);
        }
    }

    /// Records that `timer` has elapsed. Returns `false` if it was not running: the event is stale.
    pub fn elapsed(&mut self, timer: T) -> bool {
        let runs = self.running == Some(timer);
        if runs {
            self.running = None;
        }
        runs
    }
}
