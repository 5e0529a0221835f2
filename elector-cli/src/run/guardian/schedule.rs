use std::time::Duration;

use elector_core::Moment;

use crate::run::{EndReason, options::StopTiming};

/// When the guardian, the process that stops a command in time, sends SIGTERM and SIGKILL to the
/// processes of one command. Times are on the clock of [`elector_core::actor::now`].
#[derive(Clone, Debug)]
pub(super) struct StopSchedule {
    timing: StopTiming,
    /// The end of the lease; `None` without a lease.
    deadline: Option<Moment>,
    /// The first reason that was given to stop the command; `None` while the command must run.
    reason: Option<EndReason>,
    /// The time at which a grace (the time from SIGTERM to SIGKILL) ends: SIGKILL is due then. With
    /// several calls of [`stop`](Self::stop), the earliest end counts.
    grace_end: Option<Moment>,
    sigterm_at: Option<Moment>,
    sigkill_at: Option<Moment>,
    /// The time at which SIGKILL was due. The guardian may have sent it later.
    sigkill_due: Option<Moment>,
}

/// The signal that the guardian must send now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Send SIGTERM.
    Terminate,
    /// Send SIGKILL.
    Kill,
}

impl StopSchedule {
    pub(super) fn new(timing: StopTiming, deadline: Option<Moment>) -> Self {
        Self {
            timing,
            deadline,
            reason: None,
            grace_end: None,
            sigterm_at: None,
            sigkill_at: None,
            sigkill_due: None,
        }
    }

    /// Moves the end of the lease to this time, unless the known end is later.
    pub(super) fn prolong(&mut self, deadline: Moment) {
        self.deadline = self.deadline.map(|known| known.max(deadline));
    }

    /// Changes the margin, which is the time between SIGKILL and the end of the lease.
    pub(super) fn set_margin(&mut self, margin: Duration) {
        self.timing.margin = margin;
    }

    /// Stops the command for this reason: SIGTERM is due now, and SIGKILL after a time that depends
    /// on the reason (the grace). With several calls, the first reason and the earliest end of a
    /// grace count.
    pub(super) fn stop(&mut self, reason: EndReason, now: Moment) {
        let grace = match reason {
            // With a lease, the command may use the rest of the lease: `sigkill_time` limits the
            // grace.
            EndReason::Lost if self.deadline.is_none() => self.timing.loss_grace,
            EndReason::NodeExited => Duration::ZERO,
            EndReason::Exited | EndReason::GivenUp | EndReason::Lost | EndReason::Deadline => {
                self.timing.grace
            }
        };
        let end = now.saturating_add(grace);
        self.grace_end = Some(self.grace_end.map_or(end, |known| known.min(end)));
        self.reason.get_or_insert(reason);
    }

    /// Returns the signal that is due at the time `now`. The caller must send the signal, because
    /// this method does not return the same signal again.
    pub(super) fn next_action(&mut self, now: Moment) -> Option<Action> {
        if self.sigkill_at.is_some() {
            return None;
        }
        if self.lease_sigterm_time().is_some_and(|at| at <= now) {
            self.stop(EndReason::Deadline, now);
        }
        let sigkill = self.sigkill_time();
        if sigkill.is_some_and(|at| at <= now) {
            self.sigkill_at = Some(now);
            self.sigkill_due = sigkill;
            return Some(Action::Kill);
        }
        if self.reason.is_some() && self.sigterm_at.is_none() {
            self.sigterm_at = Some(now);
            return Some(Action::Terminate);
        }
        None
    }

    /// Returns the next time at which a signal may be due if no message from the node arrives
    /// before.
    pub(super) fn next_time(&self) -> Option<Moment> {
        if self.sigkill_at.is_some() {
            return None;
        }
        self.lease_sigterm_time().or_else(|| self.sigkill_time())
    }

    pub(super) fn reason(&self) -> Option<EndReason> {
        self.reason
    }

    pub(super) fn sigterm_at(&self) -> Option<Moment> {
        self.sigterm_at
    }

    pub(super) fn sigkill_at(&self) -> Option<Moment> {
        self.sigkill_at
    }

    /// Returns the time from when SIGKILL was due until `now`, when the last process of the command
    /// has ended. Returns `None` if the command was not killed.
    pub(super) fn kill_delay(&self, now: Moment) -> Option<Duration> {
        self.sigkill_due.map(|due| now.saturating_since(due))
    }

    /// Returns when SIGTERM is due because of the end of the lease. Returns `None` if the command
    /// is being stopped for another reason, or without a lease.
    fn lease_sigterm_time(&self) -> Option<Moment> {
        let sigkill = self.lease_sigkill_time().filter(|_| self.reason.is_none());
        sigkill.map(|at| at.saturating_sub(self.timing.loss_grace))
    }

    fn sigkill_time(&self) -> Option<Moment> {
        let grace_end = self.grace_end?;
        let lease = self.lease_sigkill_time();
        Some(lease.map_or(grace_end, |at| at.min(grace_end)))
    }

    /// Returns when SIGKILL is due because of the end of the lease.
    fn lease_sigkill_time(&self) -> Option<Moment> {
        self.deadline
            .map(|deadline| deadline.saturating_sub(self.timing.margin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMING: StopTiming = StopTiming {
        grace: Duration::from_nanos(1_000),
        loss_grace: Duration::from_nanos(10),
        margin: Duration::from_nanos(15),
        max_margin: Duration::ZERO,
    };

    /// A [`StopSchedule`] for tests, whose times are given in nanoseconds.
    struct Schedule(StopSchedule);

    impl Schedule {
        fn new(deadline: Option<u64>) -> Self {
            Self(StopSchedule::new(TIMING, deadline.map(Moment::from_nanos)))
        }

        fn prolong(&mut self, deadline: u64) {
            self.0.prolong(Moment::from_nanos(deadline));
        }

        fn stop(&mut self, reason: EndReason, now: u64) {
            self.0.stop(reason, Moment::from_nanos(now));
        }

        fn next_action(&mut self, now: u64) -> Option<Action> {
            self.0.next_action(Moment::from_nanos(now))
        }

        fn next_time(&self) -> Option<u64> {
            self.0.next_time().map(Moment::nanos)
        }

        fn kill_delay(&self, now: u64) -> Option<u128> {
            let delay = self.0.kill_delay(Moment::from_nanos(now));
            delay.map(|delay| delay.as_nanos())
        }

        /// Returns when SIGTERM and SIGKILL were sent so far.
        fn signals(&self) -> (Option<u64>, Option<u64>) {
            let (sigterm, sigkill) = (self.0.sigterm_at(), self.0.sigkill_at());
            (sigterm.map(Moment::nanos), sigkill.map(Moment::nanos))
        }

        /// Returns when SIGTERM and SIGKILL are sent if no message of the node arrives after `now`.
        fn signals_from(&self, mut now: u64) -> (Option<u64>, Option<u64>) {
            let mut schedule = Self(self.0.clone());
            for _ in 0..8 {
                while schedule.next_action(now).is_some() {}
                match schedule.next_time() {
                    Some(next) => now = now.max(next),
                    None => break,
                }
            }
            schedule.signals()
        }
    }

    // A node that is stopped sends nothing. The deadline (the known end of the lease) alone must
    // make the guardian stop the command before the lease ends.
    #[test]
    fn without_messages_the_command_ends_before_the_lease() {
        let schedule = Schedule::new(Some(120));
        assert_eq!(schedule.signals_from(0), (Some(95), Some(105)));
    }

    // The leader prolongs its lease. A message about an earlier end of the lease may arrive late,
    // and must not shorten the lease.
    #[test]
    fn a_lease_is_prolonged_and_never_shortened() {
        let mut schedule = Schedule::new(Some(120));
        schedule.prolong(170);
        schedule.prolong(130);
        assert_eq!(schedule.next_time(), Some(145));
        assert_eq!(schedule.next_action(144), None);
        assert_eq!(schedule.signals_from(144), (Some(145), Some(155)));
    }

    // A node that gives leadership up leads until its command has ended, so the command has all of
    // its grace (the time from SIGTERM to SIGKILL). If the lease is not prolonged in this time, the
    // end of the lease limits the grace.
    #[test]
    fn a_leadership_that_is_given_up_leaves_all_of_the_grace() {
        let mut schedule = Schedule::new(Some(120));
        schedule.stop(EndReason::GivenUp, 20);
        assert_eq!(schedule.signals_from(20), (Some(20), Some(105)));
        schedule.prolong(5_000);
        assert_eq!(schedule.signals_from(20), (Some(20), Some(1_020)));
    }

    // A command whose leadership was lost may use the rest of the lease. Without a lease, it has
    // the loss grace, the configured time from SIGTERM to SIGKILL after a loss.
    #[test]
    fn a_leadership_that_is_lost_leaves_the_rest_of_the_lease() {
        let mut schedule = Schedule::new(Some(120));
        schedule.stop(EndReason::Lost, 20);
        assert_eq!(schedule.signals_from(20), (Some(20), Some(105)));
        let mut without_lease = Schedule::new(None);
        assert_eq!(without_lease.next_time(), None);
        without_lease.stop(EndReason::Lost, 20);
        assert_eq!(without_lease.signals_from(20), (Some(20), Some(30)));
    }

    // When the process of the node exits, the peers notice this at once and may elect another
    // leader. So the command must be killed without a grace (a time between SIGTERM and SIGKILL).
    #[test]
    fn a_node_that_exits_leaves_no_grace() {
        let mut schedule = Schedule::new(Some(120));
        schedule.stop(EndReason::GivenUp, 20);
        assert_eq!(schedule.next_action(20), Some(Action::Terminate));
        schedule.stop(EndReason::NodeExited, 21);
        assert_eq!(schedule.next_action(21), Some(Action::Kill));
        assert_eq!(
            (schedule.next_time(), schedule.next_action(22)),
            (None, None)
        );
        assert_eq!(schedule.0.reason(), Some(EndReason::GivenUp));
    }

    // SIGTERM was sent because the lease was about to end, so the process that got it is exiting.
    // If the lease is prolonged after that SIGTERM, SIGKILL comes later: the process has more time
    // to exit.
    #[test]
    fn a_late_heartbeat_leaves_more_time_after_sigterm() {
        let mut schedule = Schedule::new(Some(120));
        assert_eq!(schedule.next_action(95), Some(Action::Terminate));
        schedule.prolong(400);
        assert_eq!(schedule.next_action(105), None);
        assert_eq!(schedule.signals_from(105), (Some(95), Some(385)));
    }

    // On a machine on which signals are late, the guardian needs a wider margin (time from SIGKILL
    // to the end of the lease), so it must measure how late SIGKILL was.
    #[test]
    fn a_wider_margin_kills_earlier() {
        let mut schedule = Schedule::new(Some(120));
        schedule.0.set_margin(Duration::from_nanos(30));
        assert_eq!(schedule.signals_from(0), (Some(80), Some(90)));
        assert_eq!(schedule.next_action(80), Some(Action::Terminate));
        assert_eq!(schedule.kill_delay(80), None);
        assert_eq!(schedule.next_action(94), Some(Action::Kill));
        assert_eq!(schedule.kill_delay(97), Some(7));
    }

    // If the guardian gets a processor only after SIGKILL is due, it must send SIGKILL, and not
    // SIGTERM first.
    #[test]
    fn a_late_guardian_kills_at_once() {
        let mut schedule = Schedule::new(Some(120));
        assert_eq!(schedule.next_action(300), Some(Action::Kill));
        assert_eq!(schedule.signals(), (None, Some(300)));
    }

    // Times near the limits of the clock come only from tests and broken clocks. The arithmetic
    // must not wrap around.
    #[test]
    fn no_time_wraps_around() {
        let mut schedule = Schedule::new(Some(3));
        assert_eq!(schedule.next_action(0), Some(Action::Kill));
        let mut schedule = Schedule::new(Some(u64::MAX));
        schedule.stop(EndReason::GivenUp, u64::MAX - 1);
        assert_eq!(schedule.next_action(u64::MAX - 1), Some(Action::Kill));
    }
}
