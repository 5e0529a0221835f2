use elector_core::ElectionAlgorithm;

use crate::walk::{
    cluster::{Cluster, InFlight},
    event::{Event, Line},
};

/// A continuation of a walk: a copy of the cluster, and the events since the copy was made.
pub(super) struct Branch<A: ElectionAlgorithm> {
    pub(super) cluster: Cluster<A>,
    pub(super) lines: Vec<Line<A::Timer>>,
    pub(super) first: u32,
}

impl<A: ElectionAlgorithm> Branch<A> {
    pub(super) fn next(&self) -> u32 {
        self.first + self.lines.len() as u32
    }

    /// Applies an event, if it is possible, and ends all writes that the event began. This leaves
    /// out no case: a write that takes longer has the same effect as messages that take longer.
    pub(super) fn apply(&mut self, event: Event<A::Timer>) {
        let mut next = Some(event);
        while let Some(event) = next
            && self.cluster.violation.is_none()
        {
            let number = self.next();
            if !self.cluster.apply(number, &event) {
                return;
            }
            self.lines.push(Line { number, event });
            let mut nodes = 0..self.cluster.machines.len();
            let busy = nodes.find(|&node| self.cluster.has_writes(node));
            next = busy.map(|node| Event::Written { node });
        }
    }

    /// Returns the messages in flight between these nodes, each with the line that sent it.
    pub(super) fn arriving(&self, group: &[bool]) -> impl Iterator<Item = (u32, Event<A::Timer>)> {
        let between = |sent: &&InFlight<A::Message>| group[sent.from] && group[sent.to];
        self.cluster.in_flight.iter().filter(between).map(|sent| {
            let (node, message) = (sent.to, sent.id);
            (message.line, Event::Received { node, message })
        })
    }

    /// Returns the timers of a node that are due, each with the line that set it.
    pub(super) fn due(&self, node: usize) -> Vec<(u32, Event<A::Timer>)> {
        let local = self.cluster.machines[node].clock.local(self.cluster.now);
        let timers = self.cluster.timers(node).iter();
        timers
            .filter(|running| running.due <= local)
            .map(|running| {
                let timer = running.timer;
                (running.line, Event::Elapsed { node, timer })
            })
            .collect()
    }
}
