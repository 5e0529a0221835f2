/// The timers of one node.
///
/// Most timer changes come from a follower that sets its running election timer again at every
/// heartbeat. In this case [`set`](Self::set) only changes the due time of the timer. The event of
/// the timer stays where it is in the queue of the simulation. When the simulation takes this event
/// from the queue before the timer is due, it queues the event again for the due time.
#[derive(Debug)]
pub(crate) struct Timers<T> {
    running: Vec<Running<T>>,
    next_id: u32,
}

#[derive(Debug)]
struct Running<T> {
    timer: T,
    id: u32,
    due: u64,
    queued: u64,
}

/// The meaning of a timer event that the simulation has taken from its queue.
pub(crate) enum Fired<T> {
    /// The timer is due.
    Elapsed(T),
    /// The timer was set again after the event was queued, and is due at this later time. The
    /// caller must queue the event again for this time.
    Later(u64),
    /// The timer was cancelled or replaced, so the event has no effect.
    Stale,
}

impl<T: Copy + PartialEq> Timers<T> {
    pub(crate) fn new() -> Self {
        Self {
            running: Vec::new(),
            next_id: 0,
        }
    }

    /// Sets a timer so that it elapses at `due`. If this method returns an id, the caller must
    /// queue an event with that id for `due`. `None` means that an event of this timer is already
    /// in the queue, and that it is not too late.
    pub(crate) fn set(&mut self, timer: T, due: u64) -> Option<u32> {
        if let Some(running) = self
            .running
            .iter_mut()
            .find(|running| running.timer == timer)
        {
            running.due = due;
            if running.queued <= due {
                return None;
            }
            self.next_id += 1;
            running.id = self.next_id;
            running.queued = due;
            return Some(running.id);
        }
        self.next_id += 1;
        self.running.push(Running {
            timer,
            id: self.next_id,
            due,
            queued: due,
        });
        Some(self.next_id)
    }

    pub(crate) fn cancel(&mut self, timer: T) {
        self.running.retain(|running| running.timer != timer);
    }

    pub(crate) fn fired(&mut self, id: u32, now: u64) -> Fired<T> {
        let Some(place) = self.running.iter().position(|running| running.id == id) else {
            return Fired::Stale;
        };
        if self.running[place].due > now {
            self.running[place].queued = self.running[place].due;
            return Fired::Later(self.running[place].due);
        }
        Fired::Elapsed(self.running.swap_remove(place).timer)
    }

    /// Multiplies the remaining time of each timer by `factor`, because the rate of the clock has
    /// changed. Returns the id and the due time of each event that the caller must queue.
    pub(crate) fn rescale(&mut self, now: u64, factor: f64) -> Vec<(u32, u64)> {
        let mut events = Vec::new();
        for running in &mut self.running {
            let left = running.due.saturating_sub(now) as f64 * factor;
            running.due = now.saturating_add(left as u64);
            if running.queued > running.due {
                self.next_id += 1;
                running.id = self.next_id;
                running.queued = running.due;
                events.push((running.id, running.due));
            }
        }
        events
    }

    pub(crate) fn clear(&mut self) {
        self.running.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queued(id: Option<u32>) -> u32 {
        id.expect("the timer is new")
    }

    // Mostly a timer is set again, for a later time, before it is due. The timer must elapse only
    // once, at the later time.
    #[test]
    fn a_timer_that_is_set_again_later_elapses_once_at_the_later_time() {
        let mut timers = Timers::new();
        let id = queued(timers.set('t', 10));
        assert_eq!(
            timers.set('t', 15),
            None,
            "the queued event is still early enough"
        );
        assert!(matches!(timers.fired(id, 10), Fired::Later(15)));
        assert!(matches!(timers.fired(id, 15), Fired::Elapsed('t')));
        assert!(matches!(timers.fired(id, 15), Fired::Stale));
    }

    // If a timer is set again for an earlier time, the event that is already in the queue is too
    // late. So there must be another event for the earlier time.
    #[test]
    fn a_timer_that_is_set_again_earlier_elapses_at_the_earlier_time() {
        let mut timers = Timers::new();
        let late = queued(timers.set('t', 10));
        let early = queued(timers.set('t', 5));
        assert!(matches!(timers.fired(early, 5), Fired::Elapsed('t')));
        assert!(matches!(timers.fired(late, 10), Fired::Stale));
    }

    // A timer follows the clock of its node, also when the rate of that clock changes while the
    // timer runs.
    #[test]
    fn a_timer_follows_the_clock_of_its_node() {
        let mut timers = Timers::new();
        let first = queued(timers.set('t', 100));
        let events = timers.rescale(50, 0.5);
        let [(early, 75)] = events[..] else {
            panic!("one event, at 75: {events:?}");
        };
        assert_eq!(
            timers.rescale(60, 4.0),
            [],
            "the queued event is still early enough"
        );
        assert!(matches!(timers.fired(early, 75), Fired::Later(120)));
        assert!(matches!(timers.fired(first, 100), Fired::Stale));
        assert!(matches!(timers.fired(early, 120), Fired::Elapsed('t')));
    }

    // A cancelled timer must not elapse, and its old event must not affect a new timer of the same
    // name.
    #[test]
    fn a_cancelled_timer_is_stale_and_a_new_one_is_not() {
        let mut timers = Timers::new();
        let first = queued(timers.set('t', 10));
        timers.cancel('t');
        let second = queued(timers.set('t', 20));
        assert!(matches!(timers.fired(first, 10), Fired::Stale));
        assert!(matches!(timers.fired(second, 20), Fired::Elapsed('t')));
    }
}
