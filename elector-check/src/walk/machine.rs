use std::collections::VecDeque;

use elector_core::{ElectionAlgorithm, Membership, Moment, Process, TimerChange, View, nanos};

/// A machine of a random walk: a clock, a disk with a queue of writes, and at most one process.
#[derive(Clone)]
pub(crate) struct Machine<A: ElectionAlgorithm> {
    pub(crate) members: Membership,
    pub(crate) clock: Clock,
    pub(crate) durable: A::Durable,
    /// The writes that wait for the disk, the oldest first.
    pub(crate) writes: VecDeque<Write<A::Durable>>,
    pub(crate) life: Option<Life<A>>,
}

/// One life of a node, which is one process from its start to its end.
#[derive(Clone)]
pub(crate) struct Life<A: ElectionAlgorithm> {
    pub(crate) process: Process<A>,
    pub(crate) timers: Vec<Running<A::Timer>>,
    /// The number of the line of the [`Schedule`](crate::Schedule) that caused each step, in the
    /// order of the steps. Steps are numbered from 1.
    pub(crate) causes: Vec<u32>,
}

/// A write that has not ended.
#[derive(Clone)]
pub(crate) struct Write<D> {
    pub(crate) step: u64,
    pub(crate) durable: D,
    /// When the adversary ends the write; `None` until the adversary has decided.
    pub(crate) planned_at: Option<u64>,
}

/// A timer that runs.
#[derive(Clone)]
pub(crate) struct Running<T> {
    pub(crate) timer: T,
    /// The number of the line of the [`Schedule`](crate::Schedule) whose step set the timer.
    pub(crate) line: u32,
    /// The first moment at which the timer may elapse, by the clock of the node.
    pub(crate) due: u64,
    /// The largest additional delay of the timer, in nanoseconds. A real host draws the additional
    /// delay at random; in a walk the adversary chooses it.
    pub(crate) spread: u64,
    /// When the adversary lets the timer elapse, in true time; `None` until the adversary has
    /// decided.
    pub(crate) planned_at: Option<u64>,
}

/// The clock of a machine, with its own rate. All clocks begin at [`Clock::ORIGIN`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    permille: u64,
    true_base: u64,
    local_base: u64,
}

impl Clock {
    /// The first moment of every clock. It is not zero, because a timestamp of zero means "no
    /// timestamp".
    const ORIGIN: u64 = 1_000_000_000;

    pub(crate) fn new() -> Self {
        Self {
            permille: 1000,
            true_base: 0,
            local_base: Self::ORIGIN,
        }
    }

    pub(crate) fn local(&self, now: u64) -> u64 {
        let run = u128::from(now - self.true_base) * u128::from(self.permille) / 1000;
        let run = u64::try_from(run).unwrap_or(u64::MAX);
        self.local_base.saturating_add(run)
    }

    /// Returns the true time in which this clock advances by `span`, rounded up.
    pub(crate) fn true_span(&self, span: u64) -> u64 {
        let span = (u128::from(span) * 1000).div_ceil(u128::from(self.permille));
        u64::try_from(span).unwrap_or(u64::MAX)
    }

    pub(crate) fn set_rate(&mut self, permille: u64, now: u64) {
        *self = Self {
            permille,
            true_base: now,
            local_base: self.local(now),
        };
    }

    pub(crate) fn is_true(&self) -> bool {
        self.permille == 1000
    }
}

impl<A: ElectionAlgorithm> Machine<A> {
    pub(crate) fn new(members: Membership) -> Self {
        Self {
            members,
            clock: Clock::new(),
            durable: A::Durable::default(),
            writes: VecDeque::new(),
            life: None,
        }
    }

    pub(crate) fn moment(&self, now: u64) -> Moment {
        Moment::from_nanos(self.clock.local(now))
    }

    /// Returns `true` if the process runs.
    pub(crate) fn is_up(&self) -> bool {
        self.life.is_some()
    }

    /// Returns the last published view of the process, if it runs.
    pub(crate) fn view(&self) -> Option<View> {
        self.life.as_ref().map(|life| life.process.published())
    }

    /// Returns `true` if the node runs and votes.
    pub(crate) fn votes(&self) -> bool {
        let life = self.life.as_ref();
        life.is_some_and(|life| life.process.driver().algorithm().votes())
    }

    /// Starts the process from the state on the disk. Returns the first view of the process.
    pub(crate) fn boot(&mut self, config: &A::Config) -> View {
        let process = Process::restore(config, self.members.clone(), self.durable.clone());
        let view = process.published();
        self.life = Some(Life {
            process,
            timers: Vec::new(),
            causes: Vec::new(),
        });
        view
    }

    /// Ends the process. Writes that have not ended are lost.
    pub(crate) fn crash(&mut self) {
        self.life = None;
        self.writes.clear();
    }

    /// Returns the number of the line of the [`Schedule`](crate::Schedule) that caused this step.
    pub(crate) fn cause(&self, step: u64) -> u32 {
        let causes = self.life.as_ref().map_or(&[][..], |life| &life.causes);
        let place = usize::try_from(step - 1).unwrap_or(usize::MAX);
        causes.get(place).copied().unwrap_or_default()
    }

    /// Returns when the lease of the process ends, by the clock of this machine.
    pub(crate) fn lease_end(&self, lease: u64) -> Option<u64> {
        let sent = self.life.as_ref()?.process.lease()?;
        Some(sent.nanos().saturating_add(lease))
    }

    pub(crate) fn change_timer(&mut self, change: TimerChange<A::Timer>, now: u64) {
        let local = self.clock.local(now);
        let Some(life) = &mut self.life else {
            return;
        };
        let timer = change.timer();
        life.timers.retain(|running| running.timer != timer);
        if let TimerChange::Set(_, delay) = change {
            let (min, max) = (nanos(delay.min), nanos(delay.max));
            life.timers.push(Running {
                timer,
                line: life.causes.last().copied().unwrap_or_default(),
                due: local.saturating_add(min),
                spread: max - min,
                planned_at: None,
            });
        }
    }
}
