use std::collections::VecDeque;

use elector_core::{
    Command, Configuration, ElectionAlgorithm, Membership, Moment, NodeId, Process, View, nanos,
};

use crate::timers::Timers;

/// A simulated machine: a clock, a disk, and at most one process that runs the algorithm.
#[derive(Debug)]
pub(crate) struct Machine<A: ElectionAlgorithm> {
    pub(crate) members: Membership,
    pub(crate) config: A::Config,
    pub(crate) process: Option<Process<A>>,
    pub(crate) timers: Timers<A::Timer>,
    pub(crate) paused: bool,
    /// The events for the process while it is paused, in order.
    pub(crate) backlog: Vec<MachineEvent<A>>,
    /// The number of the current life of the process. The first life is 1.
    pub(crate) life: u32,
    pub(crate) clock: Clock,
    pub(crate) disk: DiskState<A>,
}

/// An event at a machine.
#[derive(Clone, Debug)]
pub(crate) enum MachineEvent<A: ElectionAlgorithm> {
    Arrived {
        from: usize,
        id: u64,
        message: A::Message,
        origin: Origin,
    },
    TimerDue {
        life: u32,
        timer: u32,
    },
    /// The disk has ended the write of this step. The process may be paused.
    Written {
        life: u32,
        number: u64,
    },
    /// The process is notified that the write has ended.
    Persisted {
        life: u32,
        number: u64,
    },
    Suspected {
        peer: NodeId,
    },
    /// The host receives messages from this peer again.
    Returned {
        peer: NodeId,
    },
    /// The host receives a proof that the life `life` of a peer has ended. The proof may be false.
    Died {
        peer: usize,
        life: u32,
    },
    /// The next false suspicion occurs, somewhere in the cluster. This event belongs to no machine.
    FalseSuspicion,
    /// The operator with this number asks the leader to change the members. This event belongs to
    /// no machine.
    OperatorAsks {
        number: usize,
    },
    Commanded {
        command: Command,
    },
}

/// The origin of a message that arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A node sent it.
    Node,
    /// The network made this copy. No node sent it, so its loss is not counted.
    Network,
}

/// The state of a disk: what is durable, and which writes wait.
#[derive(Debug)]
pub(crate) struct DiskState<A: ElectionAlgorithm> {
    pub(crate) durable: A::Durable,
    /// Whether the disk was emptied after the beginning of the run.
    pub(crate) wiped: bool,
    /// The last step of the current life whose write is durable.
    pub(crate) number: u64,
    /// The write that is under way, and the writes that wait behind it, in order.
    pub(crate) pending: VecDeque<Write<A>>,
    /// No write begins or ends before this moment.
    pub(crate) stalled_until: u64,
}

/// A write, and how long it takes.
#[derive(Debug)]
pub(crate) struct Write<A: ElectionAlgorithm> {
    pub(crate) number: u64,
    pub(crate) durable: A::Durable,
    pub(crate) takes: u64,
}

/// A clock that may run fast or slow. All clocks start at 0 at the same moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    rate: f64,
    true_base: u64,
    local_base: u64,
}

impl Clock {
    fn new() -> Self {
        Self {
            rate: 1.0,
            true_base: 0,
            local_base: 0,
        }
    }

    pub(crate) fn local(&self, now: u64) -> u64 {
        let passed = now - self.true_base;
        // A clock at the true rate is computed with integers, because an `f64` has a precision of
        // 53 bits only.
        let run = if self.rate == 1.0 {
            passed
        } else {
            (passed as f64 * self.rate) as u64
        };
        self.local_base.saturating_add(run)
    }

    /// Returns how long `span` of this clock takes in true time.
    pub(crate) fn true_span(&self, span: u64) -> u64 {
        if self.rate == 1.0 {
            span
        } else {
            (span as f64 / self.rate) as u64
        }
    }

    pub(crate) fn drifts(&self) -> bool {
        self.rate != 1.0
    }

    /// Changes the rate. Returns a factor: the true time that is left until any later moment of
    /// this clock is multiplied by it.
    pub(crate) fn set_rate(&mut self, rate: f64, now: u64) -> f64 {
        let factor = self.rate / rate;
        *self = Self {
            rate,
            true_base: now,
            local_base: self.local(now),
        };
        factor
    }
}

impl<A: ElectionAlgorithm> Machine<A> {
    /// Creates a machine with this state on its disk.
    pub(crate) fn new(members: Membership, config: A::Config, durable: A::Durable) -> Self {
        Self {
            members,
            config,
            process: None,
            timers: Timers::new(),
            paused: false,
            backlog: Vec::new(),
            life: 0,
            clock: Clock::new(),
            disk: DiskState {
                durable,
                wiped: false,
                number: 0,
                pending: VecDeque::new(),
                stalled_until: 0,
            },
        }
    }

    pub(crate) fn id(&self) -> NodeId {
        self.members.me()
    }

    pub(crate) fn running(&self) -> bool {
        self.process.is_some() && !self.paused
    }

    /// Starts the process from the state on the disk. Returns the view of the process.
    pub(crate) fn boot(&mut self) -> View {
        let durable = self.disk.durable.clone();
        let process = Process::restore(&self.config, self.members.clone(), durable);
        let view = process.published();
        self.process = Some(process);
        self.life += 1;
        self.disk.number = 0;
        view
    }

    /// Ends the process: timers, writes that have not ended and everything in memory are lost.
    pub(crate) fn crash(&mut self) {
        self.process = None;
        self.timers.clear();
        self.paused = false;
        self.disk.pending.clear();
    }

    /// Returns `true` if the process holds a lease at `now`, by its own clock.
    pub(crate) fn holds_lease(&self, now: u64) -> bool {
        let stamp = self.process.as_ref().and_then(Process::lease);
        stamp.is_some_and(|stamp| {
            let lease = nanos(self.config.timing().lease);
            let until = stamp.nanos().saturating_add(lease);
            self.clock.local(now) < until
        })
    }

    pub(crate) fn moment(&self, now: u64) -> Moment {
        Moment::from_nanos(self.clock.local(now))
    }
}
