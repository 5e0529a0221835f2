use std::time::Duration;

use elector_core::{
    Command, ElectionAlgorithm, NodeId, Process, Purpose, View, log::Entry, nanos, trace::RecordOf,
};

use crate::{
    Counts, Digest, Election, Settled, Simulation, Times, invariants::Violation, machine::Machine,
};

/// Methods that run the cluster and read what happened.
impl<A: ElectionAlgorithm> Simulation<A> {
    /// Runs the cluster for this span of virtual time.
    pub fn run_for(&mut self, duration: Duration) {
        self.run_until_ns(self.now.saturating_add(nanos(duration)));
    }

    /// Runs the cluster until this moment, in nanoseconds of virtual time.
    pub fn run_until_ns(&mut self, limit_ns: u64) {
        while self.step_until(limit_ns) {}
    }

    /// Runs the cluster until all running voters that the leader can reach agree on this leader,
    /// for at most `limit` of virtual time. Returns the agreement, or `None` if the nodes do not
    /// agree within this time. Returns immediately if they already agree.
    pub fn run_until_settled(&mut self, limit: Duration) -> Option<Settled> {
        let limit = self.now.saturating_add(nanos(limit));
        while self.meter.settled().is_none() && self.step_until(limit) {}
        self.meter.settled()
    }

    /// Runs the cluster until every running node, reachable or not, agrees on one leader, and the
    /// members are those that the operators want. Returns `true` if both are reached within
    /// `limit`.
    pub(crate) fn run_until_unanimous(&mut self, limit: Duration) -> bool {
        let limit = self.now.saturating_add(nanos(limit));
        let is_reached = |sim: &Self| sim.meter.unanimous() && sim.missed_goal().is_none();
        while !is_reached(self) && self.step_until(limit) {}
        is_reached(self)
    }

    /// Returns the virtual time since boot, in nanoseconds.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        self.now
    }

    /// Returns the ids of all nodes, in ascending order.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeId> {
        self.machines.iter().map(Machine::id).collect()
    }

    /// Returns the tenure (the epoch and its leader) on which the nodes agree now: all running
    /// voters that the leader can reach. Returns `None` if they do not agree.
    #[must_use]
    pub fn settled(&self) -> Option<Settled> {
        self.meter.settled()
    }

    /// Returns the view of a node's algorithm after its last step, or the default view if the node
    /// does not run.
    #[must_use]
    pub fn view(&self, node: NodeId) -> View {
        let process = self.process(node);
        process.map_or_else(View::default, |process| process.driver().view())
    }

    /// Returns the algorithm's state on a node, if the node runs.
    #[must_use]
    pub fn algorithm(&self, node: NodeId) -> Option<&A> {
        self.process(node)
            .map(|process| process.driver().algorithm())
    }

    /// Returns the state on the disk of a node.
    #[must_use]
    pub fn durable(&self, node: NodeId) -> Option<&A::Durable> {
        let machine = &self.machines[self.position(node)?];
        Some(&machine.disk.durable)
    }

    fn process(&self, node: NodeId) -> Option<&Process<A>> {
        self.machines[self.position(node)?].process.as_ref()
    }

    /// Returns `true` if a node's process runs: it has not crashed, and is not paused.
    #[must_use]
    pub fn is_running(&self, node: NodeId) -> bool {
        self.position(node)
            .is_some_and(|node| self.machines[node].running())
    }

    /// Returns the leader of [`settled`](Self::settled). If the nodes do not agree on a leader,
    /// returns the node with the newest epoch among the nodes that believe that they lead.
    #[must_use]
    pub fn leader(&self) -> Option<NodeId> {
        let believers = self.meter.believing().map(|node| self.machines[node].id());
        let newest = believers.max_by_key(|&node| (self.view(node).epoch, node));
        self.settled().map(|settled| settled.leader).or(newest)
    }

    pub(crate) fn crashed(&self) -> Vec<NodeId> {
        self.select(|machine| machine.process.is_none())
    }

    pub(crate) fn paused(&self) -> Vec<NodeId> {
        self.select(|machine| machine.paused)
    }

    pub(crate) fn wiped(&self) -> Vec<NodeId> {
        self.select(|machine| machine.disk.wiped)
    }

    pub(crate) fn has_drift(&self, node: NodeId) -> bool {
        self.position(node)
            .is_some_and(|node| self.machines[node].clock.drifts())
    }

    fn select(&self, which: impl Fn(&Machine<A>) -> bool) -> Vec<NodeId> {
        self.machines
            .iter()
            .filter(|machine| which(machine))
            .map(Machine::id)
            .collect()
    }

    /// Returns `true` if this node holds a lease now, by its own clock.
    #[must_use]
    pub fn holds_lease(&self, node: NodeId) -> bool {
        let node = self.position(node);
        node.is_some_and(|node| self.machines[node].holds_lease(self.now))
    }

    /// Starts all counts again from zero: messages, writes, tenures, the times without a leader or
    /// with several leaders, and the list of elections.
    pub fn reset_counts(&mut self) {
        self.counts = Counts::default();
        self.persists = 0;
        self.meter.restart_counts(self.now);
    }

    /// Returns the message counts since boot or the last [`reset_counts`](Self::reset_counts).
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Returns the number of messages of this kind that were sent since boot or the last
    /// [`reset_counts`](Self::reset_counts).
    #[must_use]
    pub fn sent(&self, kind: &str) -> u64 {
        self.counts.sent(kind)
    }

    /// Returns the number of messages that were sent for this purpose since boot or the last
    /// [`reset_counts`](Self::reset_counts).
    #[must_use]
    pub fn sent_for(&self, purpose: Purpose) -> u64 {
        self.counts.sent_for(purpose).0
    }

    /// Returns the number of messages that were sent over cut links, or that arrived at nodes that
    /// did not run, since boot or the last [`reset_counts`](Self::reset_counts).
    #[must_use]
    pub fn to_dead(&self) -> u64 {
        self.counts.to_dead()
    }

    /// Returns the elections that ended since boot or the last
    /// [`reset_counts`](Self::reset_counts).
    #[must_use]
    pub fn elections(&self) -> Vec<Election> {
        self.meter.elections()
    }

    /// Returns how long no node, and how long two or more nodes, believed that they lead, since
    /// boot or the last [`reset_counts`](Self::reset_counts).
    pub fn times(&mut self) -> Times {
        self.meter.times(self.now)
    }

    /// Returns the number of tenures that began since boot or the last
    /// [`reset_counts`](Self::reset_counts). A tenure is the time in which one node leads one
    /// epoch.
    #[must_use]
    pub fn tenures(&self) -> u64 {
        self.meter.tenures()
    }

    /// Returns the number of inputs (messages, timers, commands and others) that the nodes have
    /// handled since boot.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Returns the violations of invariants so far.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        self.invariants.violations()
    }

    /// Returns the committed entries of the log, as the nodes have published them, from index 1 on.
    /// There are none if the algorithm has no log.
    pub fn committed_entries(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.invariants.history.log().entries()
    }

    /// Returns the trace so far. It is empty unless [`Setup::trace`](crate::Setup::trace) is on.
    #[must_use]
    pub fn trace(&self) -> &[RecordOf<A>] {
        &self.records
    }

    /// Returns the fingerprint of the run so far, which is a hash of its events.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut digest = self.digest;
        digest.seal(&mut self.rng.clone());
        digest
    }

    /// Gives a command of the application to the leader on which the nodes agree (see
    /// [`settled`](Self::settled)). Returns `true` if there is such a leader.
    pub fn command_leader(&mut self, command: Command) -> bool {
        let leader = self.settled().map(|settled| settled.leader);
        if let Some(leader) = leader {
            self.command(leader, command);
        }
        leader.is_some()
    }
}
