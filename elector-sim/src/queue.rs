use std::{cmp::Reverse, collections::BinaryHeap};

/// Events in order of time. Events of the same moment keep the order in which they were pushed, so
/// that a run is a function of its seed.
#[derive(Debug)]
pub(crate) struct Queue<E> {
    // The heap moves only small keys. An event stays in its place in `slots` until it is taken.
    heap: BinaryHeap<Reverse<Key>>,
    slots: Vec<Option<E>>,
    free: Vec<u32>,
    arrivals: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    at: u64,
    arrival: u64,
    slot: u32,
}

impl<E> Queue<E> {
    pub(crate) fn new() -> Self {
        Self {
            heap: BinaryHeap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            arrivals: 0,
        }
    }

    pub(crate) fn push(&mut self, at: u64, event: E) {
        let slot = if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = Some(event);
            slot
        } else {
            self.slots.push(Some(event));
            (self.slots.len() - 1) as u32
        };
        self.arrivals += 1;
        self.heap.push(Reverse(Key {
            at,
            arrival: self.arrivals,
            slot,
        }));
    }

    /// Removes the next event if it is due by `limit`. Returns the moment of the event, and the
    /// event.
    pub(crate) fn pop_until(&mut self, limit: u64) -> Option<(u64, E)> {
        if self.heap.peek()?.0.at > limit {
            return None;
        }
        let Reverse(key) = self.heap.pop()?;
        self.free.push(key.slot);
        let event = self.slots[key.slot as usize].take()?;
        Some((key.at, event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A run is a function of its seed only if events of the same moment keep their order.
    #[test]
    fn events_come_by_time_and_then_by_arrival() {
        let mut queue = Queue::new();
        for (at, name) in [(2, 'c'), (1, 'a'), (2, 'd'), (1, 'b')] {
            queue.push(at, name);
        }
        let mut order = String::new();
        while let Some((_, name)) = queue.pop_until(2) {
            order.push(name);
        }
        assert_eq!(order, "abcd");
        queue.push(5, 'e');
        assert_eq!(queue.pop_until(4), None, "an event that is due later stays");
        assert_eq!(queue.pop_until(5), Some((5, 'e')));
    }
}
