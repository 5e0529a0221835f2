use std::time::Duration;

use elector_core::{Command, ElectionAlgorithm, Input, NodeId, nanos, trace::Event};

use crate::{Simulation, connectivity::Connectivity, machine::MachineEvent, members::disk_id};

/// Methods that inject faults and that end them. Each method takes effect at the current moment of
/// virtual time. A method does nothing if no node has the given id, or if the fault is already in
/// effect.
impl<A: ElectionAlgorithm> Simulation<A> {
    /// Ends the process of a node. Durable state stays; writes that have not ended are lost. If
    /// [`Setup::hints`](crate::Setup::hints) is on, the watcher of the node, which sees the node's
    /// process end and does not end with it, gives a proof of death to every peer that it can
    /// reach. Each proof takes the delay of a message.
    pub fn crash(&mut self, node: NodeId) {
        if let Some(node) = self.position(node) {
            self.crash_at(node);
        }
    }

    /// Starts the process of a crashed node from the state on its disk.
    pub fn restart(&mut self, node: NodeId) {
        if let Some(node) = self.position(node)
            && self.machines[node].process.is_none()
        {
            self.boot(node);
        }
    }

    /// Stops the process of a node as SIGSTOP does. Until [`resume`](Self::resume) the process
    /// handles nothing, and all messages, timers and other events for the node wait.
    pub fn pause(&mut self, node: NodeId) {
        let Some(node) = self.position(node) else {
            return;
        };
        let machine = &mut self.machines[node];
        if machine.process.is_some() && !machine.paused {
            machine.paused = true;
            self.record(Some(node), || Event::Paused);
            self.set_running(node, false);
        }
    }

    /// Resumes a paused node. At the current moment, the node handles all events that waited for
    /// it, in order.
    pub fn resume(&mut self, node: NodeId) {
        let Some(node) = self.position(node) else {
            return;
        };
        let machine = &mut self.machines[node];
        if !machine.paused {
            return;
        }
        machine.paused = false;
        let backlog = std::mem::take(&mut machine.backlog);
        self.record(Some(node), || Event::Resumed);
        self.set_running(node, true);
        for event in backlog {
            self.queue.push(self.now, (node as u32, event));
        }
    }

    /// Ends the process of a node and empties its disk. After a restart the node has no state, like
    /// a node that has never run. A quorum algorithm is then no longer safe, unless its members can
    /// change ([`Setup::members`](crate::Setup::members)). In that case the node gets a new disk
    /// with another disk id, so that its peers can distinguish the new disk from the lost one.
    pub fn wipe(&mut self, node: NodeId) {
        let Some(place) = self.position(node) else {
            return;
        };
        self.crash_at(place);
        let machine = &mut self.machines[place];
        machine.disk.durable = A::Durable::default();
        machine.disk.wiped = true;
        self.record(Some(place), || Event::Wiped);
        if let Some(access) = self.setup.members {
            self.replaced_disks += 1;
            let disk = disk_id(node, self.replaced_disks);
            access.set_disk(&mut self.machines[place].config, disk);
            self.invariants.history.replaced(node);
            self.rosters_changed();
        }
    }

    /// Gives a node another configuration. Its algorithm uses this configuration from the next
    /// start of the node on.
    pub fn set_config(&mut self, node: NodeId, config: A::Config) {
        if let Some(node) = self.position(node) {
            self.machines[node].config = config;
        }
    }

    /// Cuts directed links, each given as (sender, receiver). Messages that are sent over these
    /// links from now on are lost.
    pub fn cut(&mut self, links: &[(NodeId, NodeId)]) {
        self.change_links(links, Connectivity::cut);
    }

    /// Mends directed links, each given as (sender, receiver).
    pub fn mend(&mut self, links: &[(NodeId, NodeId)]) {
        self.change_links(links, Connectivity::mend);
    }

    fn change_links(
        &mut self,
        links: &[(NodeId, NodeId)],
        change: fn(&mut Connectivity, usize, usize),
    ) {
        for &(from, to) in links {
            if let (Some(from), Some(to)) = (self.position(from), self.position(to)) {
                change(&mut self.connectivity, from, to);
            }
        }
        self.connectivity_changed();
    }

    /// Mends all links.
    pub fn heal(&mut self) {
        if self.connectivity.any_cut() {
            self.connectivity.mend_all();
            self.connectivity_changed();
        }
    }

    /// Makes the clock of a node run at `rate` times the true rate, also for timers that are
    /// already running. Rates are clamped to 0.01..=100; NaN changes nothing.
    pub fn drift(&mut self, node: NodeId, rate: f64) {
        let Some(node) = self.position(node).filter(|_| !rate.is_nan()) else {
            return;
        };
        let rate = rate.clamp(0.01, 100.0);
        let machine = &mut self.machines[node];
        let factor = machine.clock.set_rate(rate, self.now);
        let life = machine.life;
        for (timer, due) in machine.timers.rescale(self.now, factor) {
            let event = MachineEvent::TimerDue { life, timer };
            self.queue.push(due, (node as u32, event));
        }
        let text = format!("clock runs at {rate}");
        self.record(Some(node), || Event::Note { text });
    }

    /// Stalls the disk of a node: for this duration no write ends, not even one that has already
    /// begun.
    pub fn stall(&mut self, node: NodeId, duration: Duration) {
        if let Some(node) = self.position(node) {
            let until = self.now.saturating_add(nanos(duration));
            let disk = &mut self.machines[node].disk;
            disk.stalled_until = disk.stalled_until.max(until);
            let text = format!("disk stalls for {} ms", duration.as_millis());
            self.record(Some(node), || Event::Note { text });
        }
    }

    /// Ends the stall of the disk of a node, if there is one. The oldest write that waits begins
    /// now.
    pub(crate) fn unstall(&mut self, node: NodeId) {
        if let Some(node) = self.position(node) {
            let disk = &mut self.machines[node].disk;
            if disk.stalled_until > self.now {
                disk.stalled_until = self.now;
                self.next_write(node);
            }
        }
    }

    /// Makes a node suspect that its connection to a peer broke. The suspicion may be wrong.
    pub fn suspect(&mut self, node: NodeId, peer: NodeId) {
        self.push_now(node, MachineEvent::Suspected { peer });
    }

    /// Gives a node a proof that the current process of a peer has ended. If the process still
    /// runs, the proof is false. Then no lease is safe, because a new leader can be elected before
    /// the lease of the old leader ends.
    pub fn prove(&mut self, node: NodeId, peer: NodeId) {
        if let Some(peer) = self.position(peer) {
            let life = self.machines[peer].life;
            self.push_now(node, MachineEvent::Died { peer, life });
        }
    }

    /// Handles a proof of death that arrives at the host of a node. A proof names one life of the
    /// peer (one process, from its start to its end). The host knows the current life of the peer
    /// from the connection over which the proof came, and drops a proof of an earlier life.
    pub(crate) fn handle_proof(&mut self, node: usize, peer: usize, life: u32) {
        let machine = &self.machines[peer];
        if machine.life == life {
            let peer = machine.id();
            self.feed(node, Input::Died(peer), 0);
        }
    }

    /// Gives a command of the application to a node.
    pub fn command(&mut self, node: NodeId, command: Command) {
        self.push_now(node, MachineEvent::Commanded { command });
    }

    pub(crate) fn boot(&mut self, node: usize) {
        let machine = &mut self.machines[node];
        let (id, view) = (machine.id(), machine.boot());
        self.record(Some(node), || Event::Booted);
        let violations = self.invariants.history.viewed(id, view);
        self.record_violations(violations);
        self.meter.viewed(node, view, self.now, &self.connectivity);
        self.note_vote(node);
        self.set_running(node, true);
        self.feed(node, Input::Started, 0);
        if self.setup.hints && self.machines[node].life > 1 {
            self.notify_reachable(node, |_| MachineEvent::Returned { peer: id });
        }
    }

    pub(crate) fn crash_at(&mut self, node: usize) {
        if self.machines[node].process.is_none() {
            return;
        }
        let waiting = std::mem::take(&mut self.machines[node].backlog);
        self.machines[node].crash();
        self.invariants.history.ended(self.machines[node].id());
        self.record(Some(node), || Event::Crashed);
        self.set_running(node, false);
        // The events that waited for the paused process now arrive at a node without a process. So
        // the messages among them are lost.
        for event in waiting {
            self.handle(node, event);
        }
        if self.setup.hints {
            let life = self.machines[node].life;
            self.notify_reachable(node, |peer| MachineEvent::Died { peer, life });
        }
    }

    /// Gives an event about the node at the position `about` to every node that this node can
    /// reach, after the delay of a message. `what` makes the event from the position.
    fn notify_reachable(&mut self, about: usize, what: impl Fn(usize) -> MachineEvent<A>) {
        for node in 0..self.machines.len() {
            if node != about && !self.connectivity.is_cut(about, node) {
                let flight = self.setup.network.flight_ns(about, node, &mut self.rng);
                let at = self.now.saturating_add(flight);
                self.queue.push(at, (node as u32, what(about)));
            }
        }
    }

    fn push_now(&mut self, node: NodeId, event: MachineEvent<A>) {
        if let Some(node) = self.position(node) {
            self.queue.push(self.now, (node as u32, event));
        }
    }

    fn connectivity_changed(&mut self) {
        if self.setup.trace {
            let id = |place: usize| self.machines[place].id();
            let links = self.connectivity.list().into_iter();
            let blocked = links.map(|(from, to)| (id(from), id(to))).collect();
            self.record(None, || Event::Cut { blocked });
        }
        self.meter
            .connectivity_changed(self.now, &self.connectivity);
    }

    fn set_running(&mut self, node: usize, running: bool) {
        let (now, connectivity) = (self.now, &self.connectivity);
        self.meter.set_running(node, running, now, connectivity);
    }

    pub(crate) fn position(&self, node: NodeId) -> Option<usize> {
        self.machines.first()?.members.position(node)
    }
}
