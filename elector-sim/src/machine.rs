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
    /// The events that wait for the process while it is paused, in order.
    pub(crate) backlog: Vec<MachineEvent<A>>,
    /// The number of the current life: how often the process of this machine was started. The first
    /// life is 1.
    pub(crate) life: u32,
    pub(crate) clock: Clock,
    pub(crate) disk: DiskState<A>,
}

/// An event that occurs at a machine.
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
    /// The disk has ended the write of the step `number`. This event occurs even while the process
    /// is paused.
    Written {
        life: u32,
        number: u64,
    },
    /// The process is notified that the write of the step `number` has ended.
    Persisted {
        life: u32,
        number: u64,
    },
    Suspected {
        peer: NodeId,
    },
    /// The host of the machine receives messages from `peer` again.
    Returned {
        peer: NodeId,
    },
    /// The host of the machine receives a proof that the process with the number `life` of the node
    /// at the position `peer` has ended. The proof may be false.
    Died {
        peer: usize,
        life: u32,
    },
    /// The next false suspicion occurs somewhere in the cluster: one or more nodes suspect that a
    /// connection broke, although it did not. This event concerns the whole cluster and not one
    /// machine.
    FalseSuspicion,
    /// The operator with this number asks the leader to change the members. This event concerns the
    /// whole cluster and not one machine.
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
    /// A node sent the message.
    Node,
    /// The network made the message as a copy of another message. No node sent this copy, so its
    /// loss is not counted.
    Network,
}

/// The state of a disk: what is durable, and which writes wait.
#[derive(Debug)]
pub(crate) struct DiskState<A: ElectionAlgorithm> {
    pub(crate) durable: A::Durable,
    /// Whether the disk was emptied after the beginning of the run.
    pub(crate) wiped: bool,
    /// The number of the last step whose write is durable, in the current life of the process; 0
    /// before the first one.
    pub(crate) number: u64,
    /// The write that is under way, and the writes that wait behind it, in order.
    pub(crate) pending: VecDeque<Write<A>>,
    /// The virtual time, in nanoseconds, before which no write begins or ends.
    pub(crate) stalled_until: u64,
}

/// The write of the step `number`, and how long it takes, in nanoseconds.
#[derive(Debug)]
pub(crate) struct Write<A: ElectionAlgorithm> {
    pub(crate) number: u64,
    pub(crate) durable: A::Durable,
    pub(crate) takes: u64,
}

/// The clock of a machine, which may run fast or slow. All clocks start at 0 at the same moment.
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
        // A clock at the true rate is computed with integers, because an `f64` has only 53 bits of
        // precision, and a large number of nanoseconds needs more.
        let run = if self.rate == 1.0 {
            passed
        } else {
            (passed as f64 * self.rate) as u64
        };
        self.local_base.saturating_add(run)
    }

    /// Returns the true time in which this clock advances by `span`. Both are in nanoseconds.
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

    /// Changes the rate of the clock from `now` on. Returns the factor by which the true time
    /// changes that is left until a later moment of this clock. The caller multiplies the remaining
    /// time of each timer by this factor.
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
    /// Creates a machine without a process, and with the state `durable` on its disk.
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
