use elector_core::ElectionAlgorithm;

use crate::walk::{
    event::{Event, Line},
    world::{Flying, World},
};

/// A continuation under way.
pub(super) struct Path<A: ElectionAlgorithm> {
    pub(super) world: World<A>,
    pub(super) lines: Vec<Line<A::Timer>>,
    pub(super) first: u32,
}

impl<A: ElectionAlgorithm> Path<A> {
    pub(super) fn next(&self) -> u32 {
        self.first + self.lines.len() as u32
    }

    /// Lets an event happen, if it can, and ends the writes that it began: a write that takes
    /// longer is a message that takes longer.
    pub(super) fn apply(&mut self, event: Event<A::Timer>) {
        let mut next = Some(event);
        while let Some(event) = next
            && self.world.broken.is_none()
        {
            let number = self.next();
            if !self.world.apply(number, &event) {
                return;
            }
            self.lines.push(Line { number, event });
            let mut nodes = 0..self.world.machines.len();
            let busy = nodes.find(|&node| self.world.has_writes(node));
            next = busy.map(|node| Event::Written { node });
        }
    }

    /// The messages in flight between these nodes, each with the line that sent it.
    pub(super) fn arriving(&self, side: &[bool]) -> impl Iterator<Item = (u32, Event<A::Timer>)> {
        let between = |sent: &&Flying<A::Message>| side[sent.from] && side[sent.to];
        self.world.flying.iter().filter(between).map(|sent| {
            let (node, message) = (sent.to, sent.id);
            (message.line, Event::Received { node, message })
        })
    }

    /// The timers of a node that are due, each with the line that set it.
    pub(super) fn due(&self, node: usize) -> Vec<(u32, Event<A::Timer>)> {
        let local = self.world.machines[node].clock.local(self.world.now);
        let timers = self.world.timers(node).iter();
        timers
            .filter(|running| running.due <= local)
            .map(|running| {
                let timer = running.timer;
                (running.line, Event::Elapsed { node, timer })
            })
            .collect()
    }
}
