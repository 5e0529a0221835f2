use elector_core::ElectionAlgorithm;

use crate::walk::{
    cluster::{Cluster, InFlight},
    event::{Event, Line},
};

/// A continuation of a random walk: a copy of the cluster, and the events since the copy was made.
/// The first of these events has the number `first`.
pub(super) struct Branch<A: ElectionAlgorithm> {
    pub(super) cluster: Cluster<A>,
    pub(super) lines: Vec<Line<A::Timer>>,
    pub(super) first: u32,
}

impl<A: ElectionAlgorithm> Branch<A> {
    pub(super) fn next(&self) -> u32 {
        self.first + self.lines.len() as u32
    }

    /// Applies an event, if it is possible, and then ends all writes that wait for a disk. To end
    /// writes at once leaves out no case: a write that takes longer has the same effect as messages
    /// that take longer.
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

    /// Returns one event for each message in flight between the nodes of `group`: the message
    /// arrives. Each event has the number of the line whose step sent the message.
    pub(super) fn arriving(&self, group: &[bool]) -> impl Iterator<Item = (u32, Event<A::Timer>)> {
        let between = |sent: &&InFlight<A::Message>| group[sent.from] && group[sent.to];
        self.cluster.in_flight.iter().filter(between).map(|sent| {
            let (node, message) = (sent.to, sent.id);
            (message.line, Event::Received { node, message })
        })
    }

    /// Returns one event for each timer of a node that is due: the timer elapses. Each event has
    /// the number of the line whose step set the timer.
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
