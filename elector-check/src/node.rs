use std::time::Duration;

use elector_core::{Delay, ElectionAlgorithm, Epoch, TimerChange, View, nanos};

use crate::action::id;

/// One node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Node<A: ElectionAlgorithm> {
    /// Its position: what is on a disk does not tell whose disk it is.
    pub(crate) position: usize,
    pub(crate) life: Life<A>,
    /// The newest epoch it has shown, in all its lives.
    pub(crate) shown: Epoch,
}

/// Whether a node runs. A step is atomic, so what a running node has on its disk is always
/// [`ElectionAlgorithm::durable`] of its state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Life<A: ElectionAlgorithm> {
    Up {
        algorithm: A,
        timers: Vec<Timer<A::Timer>>,
    },
    Down {
        durable: A::Durable,
    },
}

/// A timer that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Timer<T> {
    pub(crate) name: T,
    /// How many ticks must pass before it may elapse. Relative, so that clusters at rest are the
    /// same at any time.
    pub(crate) ticks: u32,
    /// Whether it was set with no delay.
    pub(crate) at_once: bool,
}

/// What an observer knows of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The newest epoch it has shown, in all its lives.
    pub(crate) newest: Epoch,
    /// What it shows, if it runs.
    pub(crate) view: Option<View>,
    /// If it leads and has a lease: when that ends, in nanoseconds.
    pub(crate) lease_until: Option<u64>,
}

impl<A: ElectionAlgorithm> Node<A> {
    /// What an observer knows of it, if a lease lasts for `lease`.
    pub(crate) fn seen(&self, lease: Duration) -> Seen {
        let mut seen = Seen {
            newest: self.shown,
            view: None,
            lease_until: None,
        };
        if let Life::Up { algorithm, .. } = &self.life {
            let view = algorithm.view();
            let leads = view.leader == Some(id(self.position));
            let confirmed = algorithm.lease().filter(|_| leads);
            seen.view = Some(view);
            seen.lease_until = confirmed.map(|sent| sent.nanos().saturating_add(nanos(lease)));
        }
        seen
    }

    /// The node after a tick.
    pub(crate) fn ticked(&self) -> Self {
        let mut node = self.clone();
        if let Life::Up { timers, .. } = &mut node.life {
            for timer in timers {
                timer.ticks = timer.ticks.saturating_sub(1);
            }
        }
        node
    }
}

/// Carries out what a step did to the timers of its node, which are in ascending order. `tick` is
/// the length of a tick; without one no timer takes any time.
pub(crate) fn order<T: Copy + Ord>(
    timers: &mut Vec<Timer<T>>,
    orders: &[TimerChange<T>],
    tick: Option<Duration>,
) {
    for order in orders {
        let name = order.timer();
        timers.retain(|other| other.name != name);
        if let TimerChange::Set(_, delay) = *order {
            let place = timers.partition_point(|other| other.name < name);
            let timer = Timer {
                name,
                ticks: tick.map_or(0, |tick| ticks(delay.min, tick)),
                at_once: delay == Delay::ZERO,
            };
            timers.insert(place, timer);
        }
    }
}

/// Returns the smallest number of ticks that takes at least this time.
fn ticks(duration: Duration, tick: Duration) -> u32 {
    let ticks = duration.as_nanos().div_ceil(tick.as_nanos().max(1));
    u32::try_from(ticks).unwrap_or(u32::MAX)
}
