use elector_core::{
    ElectionAlgorithm, Guarantee, Input, TimerChange,
    host::{carry_out, persisted},
    invariants::InvariantViolation,
    trace::{Event, EventOf, Record, RecordOf, Stimulus},
};

use crate::{
    Counts, Digest, Setup, SetupError,
    connectivity::Connectivity,
    false_suspicions::FalseSuspicions,
    host::At,
    invariants::Invariants,
    machine::{Machine, MachineEvent, Write},
    members::Operators,
    message_faults::ActiveFaults,
    meter::Meter,
    queue::Queue,
    rng::Rng,
    timers::Fired,
};

/// A cluster that runs in virtual time. It is deterministic: the same setup, with the same seed,
/// and the same calls give the same run. The caller injects the faults.
///
/// All nodes boot at time 0. This type also has the methods that inject faults:
/// [`crash`](Self::crash), [`cut`](Self::cut) and others. In the code of this type, the position of
/// a node is its index among all nodes in id order, from 0.
#[derive(Debug)]
pub struct Simulation<A: ElectionAlgorithm> {
    pub(crate) setup: Setup<A>,
    pub(crate) now: u64,
    pub(crate) rng: Rng,
    pub(crate) false_suspicions: Option<FalseSuspicions>,
    pub(crate) queue: Queue<(u32, MachineEvent<A>)>,
    pub(crate) machines: Vec<Machine<A>>,
    pub(crate) connectivity: Connectivity,
    pub(crate) message_faults: ActiveFaults,
    pub(crate) meter: Meter,
    pub(crate) counts: Counts,
    pub(crate) invariants: Invariants,
    pub(crate) operators: Operators,
    /// The contradiction that exists now between the rosters (the durable lists of voters) on all
    /// disks, as text. `None` if the rosters do not contradict each other.
    pub(crate) broken_rosters: Option<&'static str>,
    /// The number of disks that were replaced by empty ones.
    pub(crate) replaced_disks: u64,
    pub(crate) digest: Digest,
    pub(crate) records: Vec<RecordOf<A>>,
    pub(crate) events: u64,
    pub(crate) persists: u64,
    pub(crate) next_message: u64,
}

impl<A: ElectionAlgorithm> Simulation<A> {
    /// Creates the cluster and boots all its nodes.
    ///
    /// # Errors
    /// Returns an error if the setup breaks a rule. The error names the rule.
    pub fn try_new(setup: Setup<A>) -> Result<Self, SetupError> {
        let members = setup.members()?;
        let ids = members.nodes().to_vec();
        let machines = ids.iter().filter_map(|&id| {
            let durable = setup.initial.get(&id).cloned().unwrap_or_default();
            let config = setup.config_of(id).clone();
            Some(Machine::new(members.seen_from(id)?, config, durable))
        });
        let mut simulation = Self {
            now: 0,
            rng: Rng::new(setup.seed),
            false_suspicions: None,
            queue: Queue::new(),
            machines: machines.collect(),
            connectivity: Connectivity::new(ids.len()),
            message_faults: ActiveFaults::default(),
            meter: Meter::new(&ids),
            counts: Counts::default(),
            invariants: Invariants::new(A::Guarantee::KIND),
            operators: Operators::default(),
            broken_rosters: None,
            replaced_disks: 0,
            digest: Digest::default(),
            records: Vec::new(),
            events: 0,
            persists: 0,
            next_message: 0,
            setup,
        };
        for node in 0..ids.len() {
            simulation.boot(node);
        }
        Ok(simulation)
    }

    /// Creates the cluster and boots all its nodes.
    ///
    /// # Panics
    /// Panics if the setup breaks a rule. [`try_new`](Self::try_new) returns an error instead.
    #[must_use]
    pub fn new(setup: Setup<A>) -> Self {
        match Self::try_new(setup) {
            Ok(simulation) => simulation,
            Err(error) => panic!("{error}"),
        }
    }

    /// Handles the next event, if it is due by `limit_ns`, and advances virtual time to the moment
    /// of this event. Returns `true` if there was such an event. Otherwise advances virtual time to
    /// `limit_ns`, in nanoseconds, and returns `false`.
    pub fn step_until(&mut self, limit_ns: u64) -> bool {
        let Some((at, (node, event))) = self.queue.pop_until(limit_ns) else {
            self.now = self.now.max(limit_ns);
            return false;
        };
        self.now = at;
        match event {
            MachineEvent::FalseSuspicion => {
                self.spread_false_suspicion();
                return true;
            }
            MachineEvent::OperatorAsks { number } => {
                self.ask(number);
                return true;
            }
            event => self.handle(node as usize, event),
        }
        self.check_leases();
        true
    }

    pub(crate) fn handle(&mut self, node: usize, event: MachineEvent<A>) {
        let machine = &mut self.machines[node];
        // The disk continues to work while the process is paused.
        let of_disk = matches!(event, MachineEvent::Written { .. });
        if machine.paused && !of_disk {
            machine.backlog.push(event);
            return;
        }
        match event {
            MachineEvent::Arrived {
                from,
                id,
                message,
                origin,
            } => {
                if self.machines[node].process.is_some() {
                    let from = self.machines[from].id();
                    self.feed(node, Input::Received { from, message }, id);
                } else {
                    self.miss(node, id, &message, origin);
                }
            }
            MachineEvent::TimerDue { life, timer } => self.timer_due(node, life, timer),
            MachineEvent::Written { life, number } => self.written(node, life, number),
            MachineEvent::Persisted { life, number } => self.persisted(node, life, number),
            MachineEvent::Returned { peer } => self.feed(node, Input::Returned(peer), 0),
            MachineEvent::Suspected { peer } => self.feed(node, Input::Suspected(peer), 0),
            MachineEvent::Died { peer, life } => self.handle_proof(node, peer, life),
            // `step_until` handles these two events itself, because they concern the whole cluster
            // and not one machine.
            MachineEvent::FalseSuspicion | MachineEvent::OperatorAsks { .. } => {}
            MachineEvent::Commanded { command } => self.feed(node, Input::Commanded(command), 0),
        }
    }

    fn timer_due(&mut self, node: usize, life: u32, id: u32) {
        let machine = &mut self.machines[node];
        if machine.life != life {
            return;
        }
        match machine.timers.fired(id, self.now) {
            Fired::Elapsed(timer) => self.feed(node, Input::Elapsed(timer), 0),
            Fired::Later(due) => {
                self.queue.push(
                    due,
                    (node as u32, MachineEvent::TimerDue { life, timer: id }),
                );
            }
            Fired::Stale => {}
        }
    }

    /// Handles the moment at which a write of a node ends. The written state is then on the disk,
    /// and the next write begins. While the disk stalls, no write ends: the method plans the end of
    /// this write for the moment at which the stall ends.
    fn written(&mut self, node: usize, life: u32, number: u64) {
        let machine = &mut self.machines[node];
        let disk = &mut machine.disk;
        let front = disk.pending.front().map(|write| write.number);
        if machine.life != life || front != Some(number) {
            return; // This event is stale: the write was lost in a crash, or has ended already.
        }
        if disk.stalled_until > self.now {
            let event = MachineEvent::Written { life, number };
            return self.queue.push(disk.stalled_until, (node as u32, event));
        }
        if let Some(write) = disk.pending.pop_front() {
            let is_new_roster = self.setup.members.is_some_and(|access| {
                access.roster(&disk.durable) != access.roster(&write.durable)
            });
            disk.durable = write.durable;
            disk.number = number;
            if is_new_roster {
                self.rosters_changed();
            }
        }
        self.next_write(node);
        self.handle(node, MachineEvent::Persisted { life, number });
    }

    /// Begins the oldest write that waits for the disk of a node, if there is one. If the disk
    /// stalls, the write begins when the stall ends.
    pub(crate) fn next_write(&mut self, node: usize) {
        let machine = &self.machines[node];
        let Some(write) = machine.disk.pending.front() else {
            return;
        };
        let begins = self.now.max(machine.disk.stalled_until);
        let (life, number) = (machine.life, write.number);
        self.queue.push(
            begins.saturating_add(write.takes),
            (node as u32, MachineEvent::Written { life, number }),
        );
    }

    fn persisted(&mut self, node: usize, life: u32, number: u64) {
        let machine = &self.machines[node];
        if machine.process.is_some() && machine.life == life {
            self.record(Some(node), || Event::Persisted { step: number });
            persisted(&mut self.at(node), number);
        }
    }

    fn at(&mut self, node: usize) -> At<'_, A> {
        let simulation = self;
        At { simulation, node }
    }

    /// Gives an input to the process of a node, if the process runs. `id` is the number of the
    /// message in the trace, or 0 if the input is not a message.
    pub(crate) fn feed(&mut self, node: usize, input: Input<A::Message, A::Timer>, id: u64) {
        let machine = &mut self.machines[node];
        let moment = machine.moment(self.now);
        let me = machine.id();
        let Some(process) = &mut machine.process else {
            return;
        };
        self.events += 1;
        self.digest.mix_at(self.now, me, kind_code(&input));
        let stimulus = self.setup.trace.then(|| Stimulus::of(&input, id));
        match process.step(input, moment) {
            Ok(step) => {
                if let Some(input) = stimulus {
                    let number = step.number;
                    self.record(Some(node), || Event::Stepped {
                        step: number,
                        input,
                    });
                }
                carry_out(&mut self.at(node), step);
                self.note_vote(node);
            }
            Err(violation) => {
                self.record_violations([InvariantViolation::Contract {
                    node: me,
                    violation: *violation,
                }]);
                self.crash_at(node);
            }
        }
    }

    /// Reports to the [`Meter`], which measures elections, whether the process of a node votes now.
    /// Only running nodes that vote count for the agreement on a leader.
    pub(crate) fn note_vote(&mut self, node: usize) {
        if let Some(process) = &self.machines[node].process {
            let votes = process.driver().algorithm().votes();
            let (now, connectivity) = (self.now, &self.connectivity);
            self.meter.set_votes(node, votes, now, connectivity);
        }
    }

    /// Records these violations with the current virtual time, and adds them to the trace.
    pub(crate) fn record_violations(
        &mut self,
        violations: impl IntoIterator<Item = InvariantViolation>,
    ) {
        let known = self.violations().len();
        self.invariants.record_all(violations, self.now);
        self.trace_violations(known);
    }

    /// Adds all violations except the first `known` ones to the trace. The first `known` violations
    /// are in the trace already.
    pub(crate) fn trace_violations(&mut self, known: usize) {
        if !self.setup.trace {
            return;
        }
        for place in known..self.violations().len() {
            let violation = self.violations()[place].clone();
            self.record(None, || Event::Violated {
                invariant: violation.invariant.to_owned(),
                detail: violation.detail,
            });
        }
    }

    pub(crate) fn write(&mut self, node: usize, number: u64, durable: A::Durable) {
        self.persists += 1;
        let takes = self.setup.disk.write.draw(&mut self.rng);
        let pending = &mut self.machines[node].disk.pending;
        pending.push_back(Write {
            number,
            durable,
            takes,
        });
        if pending.len() == 1 {
            self.next_write(node);
        }
    }

    pub(crate) fn change_timer(&mut self, node: usize, change: TimerChange<A::Timer>) {
        let machine = &mut self.machines[node];
        match change {
            TimerChange::Cancel(timer) => machine.timers.cancel(timer),
            TimerChange::Set(timer, delay) => {
                let runs = machine.clock.true_span(self.rng.delay(delay));
                let due = self.now.saturating_add(runs);
                if let Some(timer) = machine.timers.set(timer, due) {
                    let life = machine.life;
                    self.queue
                        .push(due, (node as u32, MachineEvent::TimerDue { life, timer }));
                }
            }
        }
    }

    /// Adds an event to the trace, if [`Setup::trace`] is on. `node` is the position of the node
    /// that the event concerns; `None` if it concerns the whole cluster.
    pub(crate) fn record(&mut self, node: Option<usize>, event: impl FnOnce() -> EventOf<A>) {
        if self.setup.trace {
            let node = node.map(|node| self.machines[node].id());
            self.records.push(Record {
                at_ns: self.now,
                node,
                event: event(),
            });
        }
    }
}

fn kind_code<M, T>(input: &Input<M, T>) -> u64 {
    match input {
        Input::Started => 1,
        Input::Received { from, .. } => 2 | (from.0 << 40),
        Input::Elapsed(_) => 3,
        Input::Died(_) => 4,
        Input::Commanded(_) => 5,
        Input::Suspected(_) => 6,
        Input::Silent(_) => 7,
        Input::Returned(_) => 8,
    }
}
