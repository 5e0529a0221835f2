use std::time::Duration;

use elector_core::{Command, ElectionAlgorithm, Input, NodeId, nanos, trace::Event};

use crate::{Simulation, machine::Happening};

/// Faults, and their ends. Each holds from the present moment on; a name that is no node's, or a
/// fault that holds already, changes nothing.
impl<A: ElectionAlgorithm> Simulation<A> {
    /// Ends the process of a node. Durable state stays; writes under way are lost. With hints on,
    /// its companion, which outlives it, proves that to every peer that it can reach, after a
    /// network delay.
    pub fn crash(&mut self, node: NodeId) {
        if let Some(node) = self.position(node) {
            self.crash_at(node);
        }
    }

    /// Starts the process of a crashed node from what its disk holds.
    pub fn restart(&mut self, node: NodeId) {
        if let Some(node) = self.position(node)
            && self.machines[node].process.is_none()
        {
            self.boot(node);
        }
    }

    /// Stops a node as SIGSTOP does: it sees and does nothing; what arrives waits for it.
    pub fn pause(&mut self, node: NodeId) {
        let Some(node) = self.position(node) else {
            return;
        };
        let machine = &mut self.machines[node];
        if machine.process.is_some() && !machine.paused {
            machine.paused = true;
            self.record(Some(node), || Event::Paused);
            self.observer.stops(node, self.now, &self.links);
        }
    }

    /// Lets a paused node run on. What waited for it happens now, in order.
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
        self.observer.starts(node, self.now, &self.links);
        for happening in backlog {
            self.queue.push(self.now, (node as u32, happening));
        }
    }

    /// Ends the process of a node, and empties its disk. Restarted, it is a node that never ran:
    /// no quorum algorithm is safe then.
    pub fn wipe(&mut self, node: NodeId) {
        if let Some(node) = self.position(node) {
            self.crash_at(node);
            self.machines[node].disk.durable = A::Durable::default();
            self.record(Some(node), || Event::Wiped);
        }
    }

    /// Cuts directed links: what is sent over them from now on is lost.
    pub fn cut(&mut self, links: &[(NodeId, NodeId)]) {
        for &(from, to) in links {
            if let (Some(from), Some(to)) = (self.position(from), self.position(to)) {
                self.links.cut(from, to);
            }
        }
        self.links_changed();
    }

    /// Mends directed links.
    pub fn mend(&mut self, links: &[(NodeId, NodeId)]) {
        for &(from, to) in links {
            if let (Some(from), Some(to)) = (self.position(from), self.position(to)) {
                self.links.mend(from, to);
            }
        }
        self.links_changed();
    }

    /// Mends all links.
    pub fn heal(&mut self) {
        if self.links.any_cut() {
            self.links.mend_all();
            self.links_changed();
        }
    }

    /// Makes the clock of a node run at `rate` times the true rate, and with it the timers that
    /// run. Rates are kept to 0.01..=100; what is no number changes nothing.
    pub fn drift(&mut self, node: NodeId, rate: f64) {
        let Some(node) = self.position(node).filter(|_| !rate.is_nan()) else {
            return;
        };
        let rate = rate.clamp(0.01, 100.0);
        let machine = &mut self.machines[node];
        let factor = machine.clock.set_rate(rate, self.now);
        let life = machine.life;
        for (timer, due) in machine.timers.rescale(self.now, factor) {
            let event = Happening::TimerDue { life, timer };
            self.queue.push(due, (node as u32, event));
        }
        let text = format!("clock runs at {rate}");
        self.record(Some(node), || Event::Note { text });
    }

    /// Lets the disk of a node finish nothing for this long, the write under way included.
    pub fn stall(&mut self, node: NodeId, duration: Duration) {
        if let Some(node) = self.position(node) {
            let until = self.now.saturating_add(nanos(duration));
            let disk = &mut self.machines[node].disk;
            disk.stalled_until = disk.stalled_until.max(until);
            let text = format!("disk stalls for {} ms", duration.as_millis());
            self.record(Some(node), || Event::Note { text });
        }
    }

    /// Ends the stall of a disk, if it stalls: what waits is written now.
    pub(crate) fn unstall(&mut self, node: NodeId) {
        if let Some(node) = self.position(node) {
            let disk = &mut self.machines[node].disk;
            if disk.stalled_until > self.now {
                disk.stalled_until = self.now;
                self.next_write(node);
            }
        }
    }

    /// Tells a node, rightly or wrongly, that its connection to a peer broke.
    pub fn suspect(&mut self, node: NodeId, peer: NodeId) {
        self.now_at(node, Happening::Suspected { peer });
    }

    /// Tells a node that the present life of a peer has ended. If that is false, no lease is safe.
    pub fn prove(&mut self, node: NodeId, peer: NodeId) {
        if let Some(peer) = self.position(peer) {
            let life = self.machines[peer].life;
            self.now_at(node, Happening::Died { peer, life });
        }
    }

    /// A proof names one life. The host of the node drops one of an earlier life than the present
    /// one, which it knows from the connection that the proof came over.
    pub(crate) fn proven(&mut self, node: usize, peer: usize, life: u32) {
        let machine = &self.machines[peer];
        if machine.life == life {
            let peer = machine.id();
            self.feed(node, Input::Died(peer), 0);
        }
    }

    /// Gives a node a command of its application.
    pub fn command(&mut self, node: NodeId, command: Command) {
        self.now_at(node, Happening::Commanded { command });
    }

    pub(crate) fn boot(&mut self, node: usize) {
        let machine = &mut self.machines[node];
        let (id, view) = (machine.id(), machine.boot(&self.setup.config));
        self.record(Some(node), || Event::Booted);
        let broken = self.invariants.history.viewed(id, view);
        self.broken(broken);
        self.observer.viewed(node, view, self.now, &self.links);
        self.observer.starts(node, self.now, &self.links);
        self.feed(node, Input::Started, 0);
        if self.setup.hints && self.machines[node].life > 1 {
            self.tell_others(node, |_| Happening::Returned { peer: id });
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
        self.observer.stops(node, self.now, &self.links);
        // What waited for a paused process has arrived where no process runs.
        for happening in waiting {
            self.happen(node, happening);
        }
        if self.setup.hints {
            let life = self.machines[node].life;
            self.tell_others(node, |peer| Happening::Died { peer, life });
        }
    }

    /// Tells the nodes that `about` can reach something of it, as soon as a message would arrive.
    fn tell_others(&mut self, about: usize, what: impl Fn(usize) -> Happening<A>) {
        for node in 0..self.machines.len() {
            if node != about && !self.links.is_cut(about, node) {
                let flight = self.setup.network.flight_ns(about, node, &mut self.rng);
                let at = self.now.saturating_add(flight);
                self.queue.push(at, (node as u32, what(about)));
            }
        }
    }

    fn now_at(&mut self, node: NodeId, happening: Happening<A>) {
        if let Some(node) = self.position(node) {
            self.queue.push(self.now, (node as u32, happening));
        }
    }

    fn links_changed(&mut self) {
        if self.setup.trace {
            let id = |place: usize| self.machines[place].id();
            let links = self.links.list().into_iter();
            let blocked = links.map(|(from, to)| (id(from), id(to))).collect();
            self.record(None, || Event::Cut { blocked });
        }
        self.observer.links_changed(self.now, &self.links);
    }

    pub(crate) fn position(&self, node: NodeId) -> Option<usize> {
        self.machines.first()?.members.position(node)
    }
}
