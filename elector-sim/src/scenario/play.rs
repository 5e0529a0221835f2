use std::time::Duration;

use elector_core::{Command, ElectionAlgorithm, NodeId, nanos, trace::Event};

use super::{Action, Churn, MessageFault, Rolling, Selector, Step};
use crate::{Network, Simulation};

/// Methods that run scenarios.
impl<A: ElectionAlgorithm> Simulation<A> {
    /// Does the steps in order, and runs the cluster between them.
    pub fn play(&mut self, steps: &[Step]) {
        for step in steps {
            self.run_for(step.after);
            for repetition in 0..step.times.count(self.nodes().len()) {
                if repetition > 0 {
                    self.run_for(step.every);
                }
                self.act(&step.action);
            }
        }
    }

    /// Does one action at the current moment. An action with a duration lets time pass.
    pub fn act(&mut self, action: &Action) {
        match action {
            Action::Crash(nodes) => self.each(*nodes, Self::crash),
            Action::Restart(nodes) => self.each(*nodes, Self::restart),
            Action::Pause(nodes) => self.each(*nodes, Self::pause),
            Action::Resume(nodes) => self.each(*nodes, Self::resume),
            Action::Wipe(nodes) => self.each(*nodes, Self::wipe),
            Action::Split(side) => self.split(*side),
            Action::Cut(cut) => {
                let (from, to) = (cut.from.resolve(self), cut.to.resolve(self));
                self.cut_where(|a, b| from.contains(&a) && to.contains(&b));
            }
            Action::Star(hub) => {
                let hub = hub.resolve(self);
                self.cut_where(|a, b| !hub.contains(&a) && !hub.contains(&b));
            }
            Action::Line(first) => self.line(*first),
            Action::Graph(graph) => {
                let pairs = graph.draw(self);
                self.heal();
                self.cut_where(|a, b| !pairs.contains(&(a.min(b), a.max(b))));
            }
            Action::Heal => {
                self.heal();
                self.message_faults.clear();
            }
            Action::Network(network) => self.set_network(network.clone()),
            Action::Messages(fault) => self.disturb(fault),
            Action::Disk(disk) => self.setup.disk = *disk,
            Action::Stall(stall) => {
                self.each(stall.node, |sim, node| sim.stall(node, stall.duration));
            }
            Action::Drift(drift) => self.each(drift.node, |sim, node| sim.drift(node, drift.rate)),
            Action::Hints(hints) => self.setup.hints = *hints,
            Action::Suspect(suspicion) => {
                for peer in suspicion.peer.resolve(self) {
                    self.each(suspicion.node, |sim, node| sim.suspect(node, peer));
                }
            }
            Action::Prove(proof) => {
                for peer in proof.peer.resolve(self) {
                    self.each(proof.node, |sim, node| {
                        if node != peer {
                            sim.prove(node, peer);
                        }
                    });
                }
            }
            Action::Campaign(nodes) => {
                self.each(*nodes, |sim, node| sim.command(node, Command::Campaign));
            }
            Action::Resign(nodes) => {
                self.each(*nodes, |sim, node| sim.command(node, Command::Resign));
            }
            Action::Transfer(transfer) => {
                if let Some(&to) = transfer.to.resolve(self).first() {
                    let command = Command::TransferTo(to);
                    self.each(transfer.from, |sim, node| {
                        sim.command(node, command.clone());
                    });
                }
            }
            Action::Members(change) => {
                let change = change.resolve(self);
                self.ask_for_change(change);
            }
            Action::RollingRestart(rolling) => self.roll(*rolling),
            Action::Churn(churn) => self.churn(*churn),
            Action::Compose(compose) => self.compose(compose),
        }
    }

    /// Ends all faults: every node runs, every link works, and every clock runs at the true rate.
    /// From now on the network is `network`, and the disks are `disk`.
    pub fn end_faults(&mut self, network: &Network, disk: crate::Disk) {
        self.heal();
        self.message_faults.clear();
        if self.setup.network != *network {
            self.set_network(network.clone());
        }
        self.setup.disk = disk;
        for node in self.nodes() {
            if self.has_drift(node) {
                self.drift(node, 1.0);
            }
            self.unstall(node);
            self.resume(node);
            self.restart(node);
        }
    }

    pub(super) fn each(&mut self, nodes: Selector, mut action: impl FnMut(&mut Self, NodeId)) {
        for node in nodes.resolve(self) {
            action(self, node);
        }
    }

    fn split(&mut self, side: Selector) {
        let side = side.resolve(self);
        self.cut_where(|a, b| side.contains(&a) != side.contains(&b));
    }

    fn line(&mut self, first: Selector) {
        let Some(&first) = first.resolve(self).first() else {
            return;
        };
        let rest = self.nodes().into_iter().filter(|&node| node != first);
        let line: Vec<NodeId> = std::iter::once(first).chain(rest).collect();
        let place = |node| line.iter().position(|&other| other == node).unwrap_or(0);
        self.cut_where(|a, b| place(a).abs_diff(place(b)) > 1);
    }

    /// Cuts the links for which `cut` returns `true`; its arguments are the sender and the
    /// receiver. Returns these links.
    pub(super) fn cut_where(
        &mut self,
        cut: impl Fn(NodeId, NodeId) -> bool,
    ) -> Vec<(NodeId, NodeId)> {
        let nodes = self.nodes();
        let pairs = nodes
            .iter()
            .flat_map(|&a| nodes.iter().map(move |&b| (a, b)));
        let links: Vec<_> = pairs.filter(|&(a, b)| a != b && cut(a, b)).collect();
        if !links.is_empty() {
            self.cut(&links);
        }
        links
    }

    /// Begins a fault of some messages. If a selector matches no node, the fault covers nothing.
    pub(super) fn disturb(&mut self, fault: &MessageFault) {
        let from = fault.from.map(|nodes| nodes.resolve(self));
        let to = fault.to.map(|nodes| nodes.resolve(self));
        // A reader of the trace cannot know which node a selector matches at this moment. So if the
        // selector matches exactly one node, the note in the trace names that node.
        let shown = |selector, nodes: Option<&Vec<NodeId>>| match nodes.map(Vec::as_slice) {
            Some([node]) => Some(Selector::Node(*node)),
            _ => selector,
        };
        let fault = MessageFault {
            from: shown(fault.from, from.as_ref()),
            to: shown(fault.to, to.as_ref()),
            ..fault.clone()
        };
        let text = fault.to_string();
        let places = |nodes: Vec<NodeId>| {
            let nodes = nodes.into_iter();
            nodes.filter_map(|node| self.position(node)).collect()
        };
        let (from, to) = (from.map(places), to.map(places));
        self.message_faults.add(fault, from, to);
        self.record(None, || Event::Note { text });
    }

    pub(super) fn set_network(&mut self, network: Network) {
        self.setup.network = network;
        let text = format!("network: {}", self.setup.network);
        self.record(None, || Event::Note { text });
    }

    fn roll(&mut self, rolling: Rolling) {
        for node in self.nodes() {
            self.crash(node);
            self.run_for(rolling.down);
            self.restart(node);
            self.run_for(rolling.gap);
        }
    }

    fn churn(&mut self, churn: Churn) {
        let end = self.now.saturating_add(nanos(churn.duration));
        let every = nanos(churn.every);
        while self.now < end {
            let wait = self.rng.exponential(every).min(end - self.now);
            self.run_until_ns(self.now + wait);
            self.random_event(churn);
        }
    }

    fn random_event(&mut self, churn: Churn) {
        type Event<A> = fn(&mut Simulation<A>);
        let more: [(bool, Event<A>); 3] = [
            (churn.commands, Self::random_command),
            (churn.wrong_hints, Self::random_hint),
            (churn.lost_disks, |sim| {
                sim.each(Selector::Random, Self::wipe);
            }),
        ];
        let more: Vec<Event<A>> = more.iter().filter(|(on, _)| *on).map(|(_, e)| *e).collect();
        // A fault occurs in four of five cases, and one of the other events in one case.
        if !more.is_empty() && self.rng.below(5) == 0 {
            let which = self.rng.below(more.len() as u64) as usize;
            return more[which](self);
        }
        self.random_fault();
    }

    fn random_command(&mut self) {
        let command = match self.rng.below(4) {
            0 => Command::Campaign,
            1 => Command::Resign,
            _ => match Selector::Random.resolve(self).first() {
                Some(&peer) => Command::TransferTo(peer),
                None => return,
            },
        };
        // Half of the commands go to the leader, because most commands make sense only at the
        // leader.
        let at = if self.rng.below(2) == 0 {
            Selector::Leader
        } else {
            Selector::Random
        };
        self.each(at, |sim, node| sim.command(node, command.clone()));
    }

    fn random_hint(&mut self) {
        for peer in Selector::Random.resolve(self) {
            self.each(Selector::Random, |sim, node| sim.suspect(node, peer));
        }
    }

    fn random_fault(&mut self) {
        match self.rng.below(14) {
            0 => self.each(Selector::Leader, Self::crash),
            1 | 2 => self.each(Selector::Random, Self::crash),
            3 | 4 => self.each(Selector::Crashed, Self::restart),
            5 => self.each(Selector::Random, Self::pause),
            6 => self.each(Selector::Leader, Self::pause),
            7 | 8 => self.each(Selector::Paused, Self::resume),
            9 => self.split(Selector::Random),
            10 => self.split(Selector::MinorityWithLeader),
            11 => {
                let (from, to) = (
                    Selector::Random.resolve(self),
                    Selector::Random.resolve(self),
                );
                self.cut_where(|a, b| from.contains(&a) && to.contains(&b));
            }
            12 => {
                self.heal();
                let loss = self.rng.below(3) as f64 / 10.0;
                self.set_network(Network {
                    loss,
                    ..self.setup.network.clone()
                });
            }
            _ => {
                let stall = Duration::from_millis(self.rng.below(300));
                self.each(Selector::Random, |sim, node| sim.stall(node, stall));
            }
        }
    }
}
