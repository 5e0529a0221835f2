use crate::Moment;

/// The running timers of one node, and the time of the next wake-up that the host has requested.
/// The timers are not sorted, because there are only a few.
///
/// Most calls set a timer that already runs: a follower does this at each heartbeat. Such a call
/// moves the due time of the timer, but not the wake-up. A wake-up that comes too early finds no
/// due timer, and then the host requests the next wake-up.
#[derive(Debug)]
pub(super) struct Timers<T> {
    running: Vec<(T, Moment)>,
    /// No timer is due before this time. So for most messages one comparison shows that no timer is
    /// due.
    earliest: Moment,
    wake_up: Option<Moment>,
}

impl<T: Copy + PartialEq> Timers<T> {
    pub(super) const fn new() -> Self {
        Self {
            running: Vec::new(),
            earliest: Moment::MAX,
            wake_up: None,
        }
    }

    pub(super) fn set(&mut self, timer: T, due: Moment) {
        self.earliest = self.earliest.min(due);
        match self.running.iter_mut().find(|(name, _)| *name == timer) {
            Some(running) => running.1 = due,
            None => self.running.push((timer, due)),
        }
    }

    pub(super) fn cancel(&mut self, timer: T) {
        self.running.retain(|(name, _)| *name != timer);
    }

    /// Takes the timer that has been due for the longest time, if one is due.
    pub(super) fn take_due(&mut self, now: Moment) -> Option<T> {
        if now < self.earliest {
            return None;
        }
        let first = (0..self.running.len()).min_by_key(|&place| self.running[place].1);
        match first {
            Some(place) if self.running[place].1 <= now => Some(self.running.swap_remove(place).0),
            first => {
                self.earliest = first.map_or(Moment::MAX, |place| self.running[place].1);
                None
            }
        }
    }

    /// Returns the time at which the host must wake the node, and records that the host requests
    /// this wake-up. Returns `None` if no timer runs, or if an earlier request is early enough.
    pub(super) fn missing_wake_up(&mut self) -> Option<Moment> {
        if self.wake_up.is_some_and(|at| at <= self.earliest) || self.running.is_empty() {
            return None;
        }
        let due = self.running.iter().map(|(_, due)| *due).min()?;
        if self.wake_up.is_some_and(|at| at <= due) {
            return None;
        }
        self.wake_up = Some(due);
        Some(due)
    }

    /// Records that the wake-up for the time `at` has come. If an earlier wake-up has replaced this
    /// one, the call changes nothing.
    pub(super) fn woken(&mut self, at: Moment) {
        if self.wake_up == Some(at) {
            self.wake_up = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: u64) -> Moment {
        Moment::from_nanos(nanos)
    }

    // A timer that is set again must elapse once, at the later time, and must need no new wake-up.
    #[test]
    fn a_timer_set_again_moves() {
        let mut timers = Timers::new();
        timers.set('t', at(10));
        assert_eq!(timers.missing_wake_up(), Some(at(10)));
        timers.set('t', at(15));
        assert_eq!(timers.missing_wake_up(), None);
        assert_eq!(timers.take_due(at(10)), None);
        timers.woken(at(10));
        assert_eq!(timers.missing_wake_up(), Some(at(15)));
        assert_eq!(timers.take_due(at(15)), Some('t'));
        assert_eq!(timers.take_due(at(99)), None);
    }

    // A timer that is due earlier must not wait for the wake-up of a timer that is due later.
    #[test]
    fn an_earlier_timer_asks_for_an_earlier_wake_up() {
        let mut timers = Timers::new();
        timers.set('a', at(100));
        assert_eq!(timers.missing_wake_up(), Some(at(100)));
        timers.set('b', at(5));
        assert_eq!(timers.missing_wake_up(), Some(at(5)));
        timers.woken(at(5));
        assert_eq!(timers.take_due(at(5)), Some('b'));
        assert_eq!(timers.missing_wake_up(), Some(at(100)));
        timers.cancel('a');
        assert_eq!(timers.take_due(at(100)), None);
    }

    // If the host wakes the node late, several timers are due. They must elapse in the order of
    // their due times, as if the host had been in time.
    #[test]
    fn due_timers_elapse_in_order() {
        let mut timers = Timers::new();
        timers.set('b', at(7));
        timers.set('a', at(6));
        timers.set('c', at(8));
        let due: Vec<char> = std::iter::from_fn(|| timers.take_due(at(8))).collect();
        assert_eq!(due, ['a', 'b', 'c']);
    }
}
