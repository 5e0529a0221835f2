use std::time::Duration;

use elector_core::{Delay, ElectionAlgorithm, Epoch, TimerChange, View, nanos};

use crate::action::id;

/// The state of one node, which is running or down.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Node<A: ElectionAlgorithm> {
    /// The position of the node. Without this field, two nodes with the same state on their disks
    /// would be equal values, and would get the same number in the [`Pool`](crate::pool::Pool) of
    /// nodes.
    pub(crate) position: usize,
    pub(crate) life: Life<A>,
    /// The newest epoch of all views of the node since its first start, crashes included.
    pub(crate) shown: Epoch,
}

/// Whether a node runs. A step is atomic, so the state on the disk of a running node is always
/// [`ElectionAlgorithm::durable`] of its algorithm.
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
    /// How many ticks must pass before the timer may elapse, counted from the current tick. So a
    /// node whose timers may all elapse has the same value in each later tick.
    pub(crate) ticks: u32,
    /// Whether the timer was set without a delay.
    pub(crate) is_immediate: bool,
}

/// What other nodes and the application can see of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VisibleState {
    /// The newest epoch of all views of the node since its first start, crashes included.
    pub(crate) newest: Epoch,
    /// The view of the node, if it runs.
    pub(crate) view: Option<View>,
    /// The moment at which the lease of the node ends, in nanoseconds, if the node leads and has a
    /// lease.
    pub(crate) lease_until: Option<u64>,
}

impl<A: ElectionAlgorithm> Node<A> {
    /// Returns what other nodes and the application can see of the node. `lease` is the duration of
    /// a lease.
    pub(crate) fn seen(&self, lease: Duration) -> VisibleState {
        let mut seen = VisibleState {
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

    /// Returns the node after one tick, the unit of time of the search, has passed.
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

/// Applies the timer changes of a step to the timers of its node. The timers are in ascending
/// order, and stay so. `tick` is the length of a tick. If `tick` is `None`, the search has no time,
/// and each timer may elapse immediately.
pub(crate) fn change_timers<T: Copy + Ord>(
    timers: &mut Vec<Timer<T>>,
    changes: &[TimerChange<T>],
    tick: Option<Duration>,
) {
    for change in changes {
        let name = change.timer();
        timers.retain(|other| other.name != name);
        if let TimerChange::Set(_, delay) = *change {
            let place = timers.partition_point(|other| other.name < name);
            let timer = Timer {
                name,
                ticks: tick.map_or(0, |tick| ticks(delay.min, tick)),
                is_immediate: delay == Delay::ZERO,
            };
            timers.insert(place, timer);
        }
    }
}

/// Returns the smallest number of ticks that take at least this duration.
fn ticks(duration: Duration, tick: Duration) -> u32 {
    let ticks = duration.as_nanos().div_ceil(tick.as_nanos().max(1));
    u32::try_from(ticks).unwrap_or(u32::MAX)
}
