use serde::{Deserialize, Serialize};

use crate::run::Why;

/// How long a command is given to end, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::run) struct Terms {
    /// From SIGTERM to SIGKILL while the node leads.
    pub(in crate::run) grace: u64,
    /// The same when the leadership is lost.
    pub(in crate::run) loss_grace: u64,
    /// From SIGKILL to the end of the lease.
    pub(in crate::run) margin: u64,
    /// How wide that may become, if it is less.
    pub(in crate::run) most_margin: u64,
}

/// When the processes of one command are to be asked to end, and when killed. Times are
/// nanoseconds on the clock of [`elector_core::actor::now`].
#[derive(Clone, Debug)]
pub(super) struct Duty {
    terms: Terms,
    deadline: Option<u64>,
    why: Option<Why>,
    /// They are killed by then.
    until: Option<u64>,
    asked: Option<u64>,
    killed: Option<u64>,
    /// When they were to be killed.
    kill_due: Option<u64>,
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// SIGTERM.
    Ask,
    /// SIGKILL.
    Kill,
}

impl Duty {
    pub(super) fn new(terms: Terms, deadline: Option<u64>) -> Self {
        Self {
            terms,
            deadline,
            why: None,
            until: None,
            asked: None,
            killed: None,
            kill_due: None,
        }
    }

    /// The lease ends later than was known. A deadline never moves back.
    pub(super) fn prolong(&mut self, deadline: u64) {
        self.deadline = self.deadline.map(|known| known.max(deadline));
    }

    /// From now on this is the margin.
    pub(super) fn leave(&mut self, margin: u64) {
        self.terms.margin = margin;
    }

    /// The command is to end, for this reason. The first reason counts, and the shortest time.
    pub(super) fn stop(&mut self, why: Why, now: u64) {
        let grace = match why {
            // What is left of the lease bounds it.
            Why::Lost if self.deadline.is_none() => self.terms.loss_grace,
            Why::NodeGone => 0,
            Why::Itself | Why::Returned | Why::Lost | Why::Deadline => self.terms.grace,
        };
        let until = now.saturating_add(grace);
        self.until = Some(self.until.map_or(until, |known| known.min(until)));
        self.why.get_or_insert(why);
    }

    /// What is to be done at this time; it is taken for done.
    pub(super) fn due(&mut self, now: u64) -> Option<Act> {
        if self.killed.is_some() {
            return None;
        }
        if self.ask_at().is_some_and(|at| at <= now) {
            self.stop(Why::Deadline, now);
        }
        let kill_at = self.kill_at();
        if kill_at.is_some_and(|at| at <= now) {
            self.killed = Some(now);
            self.kill_due = kill_at;
            return Some(Act::Kill);
        }
        if self.why.is_some() && self.asked.is_none() {
            self.asked = Some(now);
            return Some(Act::Ask);
        }
        None
    }

    /// When there may be something to do, if nothing is heard before.
    pub(super) fn next(&self) -> Option<u64> {
        if self.killed.is_some() {
            return None;
        }
        self.ask_at().or_else(|| self.kill_at())
    }

    pub(super) fn why(&self) -> Option<Why> {
        self.why
    }

    pub(super) fn asked(&self) -> Option<u64> {
        self.asked
    }

    pub(super) fn killed(&self) -> Option<u64> {
        self.killed
    }

    /// How late its end was, if the processes had to be killed, and the last one was dead now.
    pub(super) fn late(&self, now: u64) -> Option<u64> {
        self.kill_due.map(|due| now.saturating_sub(due))
    }

    /// When the lease alone is reason enough to ask, unless there was another.
    fn ask_at(&self) -> Option<u64> {
        let kill = self.before_deadline().filter(|_| self.why.is_none());
        kill.map(|at| at.saturating_sub(self.terms.loss_grace))
    }

    fn kill_at(&self) -> Option<u64> {
        let until = self.until?;
        Some(self.before_deadline().map_or(until, |at| at.min(until)))
    }

    fn before_deadline(&self) -> Option<u64> {
        self.deadline
            .map(|deadline| deadline.saturating_sub(self.terms.margin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: Terms = Terms {
        grace: 1_000,
        loss_grace: 10,
        margin: 15,
        most_margin: 0,
    };

    /// When it asks, and when it kills, if nobody says anything more.
    fn left_alone(mut duty: Duty, mut now: u64) -> (Option<u64>, Option<u64>) {
        for _ in 0..8 {
            while duty.due(now).is_some() {}
            match duty.next() {
                Some(next) => now = now.max(next),
                None => break,
            }
        }
        (duty.asked(), duty.killed())
    }

    // A node that is stopped says nothing: the deadline alone must do, with room before its end.
    #[test]
    fn silence_ends_with_the_lease() {
        let duty = Duty::new(TERMS, Some(120));
        assert_eq!(left_alone(duty, 0), (Some(95), Some(105)));
    }

    // The node that leads prolongs, and a late word of an older round must not shorten.
    #[test]
    fn a_lease_is_prolonged_and_never_shortened() {
        let mut duty = Duty::new(TERMS, Some(120));
        duty.prolong(170);
        duty.prolong(130);
        assert_eq!(duty.next(), Some(145));
        assert_eq!(duty.due(144), None);
        assert_eq!(left_alone(duty, 144), (Some(145), Some(155)));
    }

    // Whoever gives up leadership leads on, so its command has all of its grace; but a lease that
    // is not prolonged meanwhile bounds it as ever.
    #[test]
    fn what_is_given_up_has_its_whole_grace() {
        let mut duty = Duty::new(TERMS, Some(120));
        duty.stop(Why::Returned, 20);
        assert_eq!(left_alone(duty.clone(), 20), (Some(20), Some(105)));
        duty.prolong(5_000);
        assert_eq!(left_alone(duty, 20), (Some(20), Some(1_020)));
    }

    // What was lost may use what is left of the lease, and not a moment more.
    #[test]
    fn what_is_lost_has_the_rest_of_the_lease() {
        let mut duty = Duty::new(TERMS, Some(120));
        duty.stop(Why::Lost, 20);
        assert_eq!(left_alone(duty, 20), (Some(20), Some(105)));
        let mut without_lease = Duty::new(TERMS, None);
        assert_eq!(without_lease.next(), None);
        without_lease.stop(Why::Lost, 20);
        assert_eq!(left_alone(without_lease, 20), (Some(20), Some(30)));
    }

    // When the process of the node is gone, its peers know at once, and may elect.
    #[test]
    fn a_node_that_is_gone_leaves_no_time() {
        let mut duty = Duty::new(TERMS, Some(120));
        duty.stop(Why::Returned, 20);
        assert_eq!(duty.due(20), Some(Act::Ask));
        duty.stop(Why::NodeGone, 21);
        assert_eq!(duty.due(21), Some(Act::Kill));
        assert_eq!((duty.next(), duty.due(22)), (None, None));
        assert_eq!(duty.why(), Some(Why::Returned));
    }

    // A process that was asked only because the lease ran short is not killed for it if the lease
    // goes on: it is on its way out, and has its grace.
    #[test]
    fn a_late_heartbeat_gives_the_asked_more_time() {
        let mut duty = Duty::new(TERMS, Some(120));
        assert_eq!(duty.due(95), Some(Act::Ask));
        duty.prolong(400);
        assert_eq!(duty.due(105), None);
        assert_eq!(left_alone(duty, 105), (Some(95), Some(385)));
    }

    // A machine that is late needs a wider margin, and the guardian must learn how late it was.
    #[test]
    fn a_wider_margin_kills_earlier() {
        let mut duty = Duty::new(TERMS, Some(120));
        duty.leave(30);
        assert_eq!(left_alone(duty.clone(), 0), (Some(80), Some(90)));
        assert_eq!(duty.due(80), Some(Act::Ask));
        assert_eq!(duty.late(80), None);
        assert_eq!(duty.due(94), Some(Act::Kill));
        assert_eq!(duty.late(97), Some(7));
    }

    // A guardian that got no processor for a while must not ask first when it should kill.
    #[test]
    fn who_is_late_kills_at_once() {
        let mut duty = Duty::new(TERMS, Some(120));
        assert_eq!(duty.due(300), Some(Act::Kill));
        assert_eq!((duty.asked(), duty.killed()), (None, Some(300)));
    }

    // Times near the ends of the scale come from tests and broken clocks; none may wrap around.
    #[test]
    fn no_time_wraps_around() {
        let mut duty = Duty::new(TERMS, Some(3));
        assert_eq!(duty.due(0), Some(Act::Kill));
        let mut duty = Duty::new(TERMS, Some(u64::MAX));
        duty.stop(Why::Returned, u64::MAX - 1);
        assert_eq!(duty.due(u64::MAX - 1), Some(Act::Kill));
    }
}
