use std::time::Duration;

use elector_core::{Command, ElectionAlgorithm, NodeId, Purpose, View, nanos, trace::Record};

use crate::{
    Counts, Digest, Election, Settled, Simulation, Times, invariants::Violation, machine::Machine,
};

/// Running, and reading what happened.
impl<A: ElectionAlgorithm> Simulation<A> {
    /// Runs for this much virtual time.
    pub fn run_for(&mut self, duration: Duration) {
        self.run_until_ns(self.now.saturating_add(nanos(duration)));
    }

    /// Runs until this moment, in nanoseconds of virtual time.
    pub fn run_until_ns(&mut self, limit_ns: u64) {
        while self.step_until(limit_ns) {}
    }

    /// Runs until all running, reachable nodes agree on a leader, for at most `limit`. Returns at
    /// once if they do already.
    pub fn run_until_settled(&mut self, limit: Duration) -> Option<Settled> {
        let limit = self.now.saturating_add(nanos(limit));
        while self.observer.settled().is_none() && self.step_until(limit) {}
        self.observer.settled()
    }

    /// Runs until every running node, reachable or not, agrees on one leader.
    pub(crate) fn run_until_unanimous(&mut self, limit: Duration) -> bool {
        let limit = self.now.saturating_add(nanos(limit));
        while !self.observer.unanimous() && self.step_until(limit) {}
        self.observer.unanimous()
    }

    /// Virtual time since boot, in nanoseconds.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        self.now
    }

    /// The ids of all nodes, in ascending order.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeId> {
        self.machines.iter().map(Machine::id).collect()
    }

    /// The tenure that all running, reachable nodes agree on now.
    #[must_use]
    pub fn settled(&self) -> Option<Settled> {
        self.observer.settled()
    }

    /// What a node's algorithm shows after its last step; the default view if it does not run.
    #[must_use]
    pub fn view(&self, node: NodeId) -> View {
        let process = self
            .position(node)
            .and_then(|node| self.machines[node].process.as_ref());
        process
            .map(|process| process.driver().view())
            .unwrap_or_default()
    }

    /// The algorithm's state on a node that runs.
    #[must_use]
    pub fn algorithm(&self, node: NodeId) -> Option<&A> {
        let process = self
            .position(node)
            .and_then(|node| self.machines[node].process.as_ref());
        process.map(|process| process.driver().algorithm())
    }

    /// Returns `true` if a node's process runs: it has not crashed, and is not paused.
    #[must_use]
    pub fn is_running(&self, node: NodeId) -> bool {
        self.position(node)
            .is_some_and(|node| self.machines[node].running())
    }

    /// The leader that all agree on; without one, the believer with the newest epoch.
    #[must_use]
    pub fn leader(&self) -> Option<NodeId> {
        let believers = self
            .observer
            .believing()
            .map(|node| self.machines[node].id());
        let newest = believers.max_by_key(|&node| (self.view(node).epoch, node));
        self.settled().map(|settled| settled.leader).or(newest)
    }

    pub(crate) fn crashed(&self) -> Vec<NodeId> {
        self.those(|machine| machine.process.is_none())
    }

    pub(crate) fn paused(&self) -> Vec<NodeId> {
        self.those(|machine| machine.paused)
    }

    pub(crate) fn has_drift(&self, node: NodeId) -> bool {
        self.position(node)
            .is_some_and(|node| self.machines[node].clock.drifts())
    }

    fn those(&self, which: impl Fn(&Machine<A>) -> bool) -> Vec<NodeId> {
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
        node.is_some_and(|node| self.machines[node].holds_lease(&self.setup.config, self.now))
    }

    /// Begins message counts, times and the list of elections anew.
    pub fn reset_counts(&mut self) {
        self.counts = Counts::default();
        self.persists = 0;
        self.observer.restart_counts(self.now);
    }

    /// Message counts since the last reset.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Messages of this kind sent since the last reset.
    #[must_use]
    pub fn sent(&self, kind: &str) -> u64 {
        self.counts.sent(kind)
    }

    /// Messages sent for this purpose since the last reset.
    #[must_use]
    pub fn sent_for(&self, purpose: Purpose) -> u64 {
        self.counts.sent_for(purpose).0
    }

    /// Messages sent over cut links or to nodes that did not run, since the last reset.
    #[must_use]
    pub fn to_dead(&self) -> u64 {
        self.counts.to_dead()
    }

    /// The elections that ended since the last reset.
    #[must_use]
    pub fn elections(&self) -> Vec<Election> {
        self.observer.elections()
    }

    /// Leaderless and split-brain time since the last reset.
    pub fn times(&mut self) -> Times {
        self.observer.times(self.now)
    }

    /// Tenures begun since the last reset.
    #[must_use]
    pub fn tenures(&self) -> u64 {
        self.observer.tenures()
    }

    /// Inputs stepped since boot.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }

    /// What did not hold so far.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        self.invariants.violations()
    }

    /// The trace so far; empty unless [`Setup::trace`](crate::Setup::trace) is on.
    #[must_use]
    pub fn trace(&self) -> &[Record] {
        &self.records
    }

    /// The fingerprint of the run so far.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut digest = self.digest;
        digest.seal(&mut self.rng.clone());
        digest
    }

    /// Gives a command to the leader that all agree on. Returns `true` if there was one.
    pub fn command_leader(&mut self, command: Command) -> bool {
        let leader = self.settled().map(|settled| settled.leader);
        if let Some(leader) = leader {
            self.command(leader, command);
        }
        leader.is_some()
    }
}
