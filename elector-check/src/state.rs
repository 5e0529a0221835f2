/// The whole cluster at one moment. Nodes, messages and histories are stored as numbers. The
/// [`Pool`](crate::pool::Pool)s hold the values of these numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// The number of ticks that have begun; 0 if the search has no time.
    pub(crate) now: u32,
    pub(crate) budgets: Budgets,
    pub(crate) history: u32,
    /// The nodes by position: node 1 comes first.
    pub(crate) nodes: Vec<u32>,
    /// The set of messages in flight, in ascending order of their numbers. Any of them may be
    /// delivered next, so messages overtake each other. A message that is never delivered is lost.
    /// Two equal messages in flight count as one, so that heartbeats do not accumulate.
    pub(crate) network: Vec<Flight>,
}

/// A message in flight: the number of its envelope, and whether the message is late. A message is
/// late if it was sent in an earlier tick. Messages become late only if late messages are bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Flight(u32);

impl Flight {
    pub(crate) fn new(envelope: u32) -> Self {
        Self(envelope << 1)
    }

    pub(crate) fn envelope(self) -> u32 {
        self.0 >> 1
    }

    pub(crate) fn late(self) -> Self {
        Self(self.0 | 1)
    }

    pub(crate) fn is_late(self) -> bool {
        self.0 & 1 == 1
    }
}

/// How many events of each bounded kind may still happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Budgets {
    pub(crate) crashes: u32,
    pub(crate) suspicions: u32,
    pub(crate) commands: u32,
    /// How many more times a timer may elapse; `None` for no bound.
    pub(crate) timeouts: Option<u32>,
    /// How many more late messages may be delivered; `None` for no bound.
    pub(crate) late: Option<u32>,
}

impl State {
    /// Copies `other` into this state, and reuses the memory of this state where possible.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        (self.now, self.budgets, self.history) = (other.now, other.budgets, other.history);
        self.nodes.clone_from(&other.nodes);
        self.network.clone_from(&other.network);
    }

    /// Adds a message to the messages in flight. If an equal message is in flight and late, the new
    /// message replaces it, because everything that is possible with the late message is possible
    /// with the new one too.
    pub(crate) fn send(&mut self, envelope: u32) {
        let sent = Flight::new(envelope);
        if let Err(place) = self.network.binary_search(&sent) {
            match self.network.get_mut(place) {
                Some(next) if *next == sent.late() => *next = sent,
                _ => self.network.insert(place, sent),
            }
        }
    }

    /// Makes all messages in flight late, because a new tick begins. Does nothing if late messages
    /// are not bounded. If no late message may be delivered any more, all messages in flight are
    /// lost.
    pub(crate) fn age(&mut self) {
        match self.budgets.late {
            None => {}
            Some(0) => self.network.clear(),
            Some(_) => self.network.iter_mut().for_each(|sent| *sent = sent.late()),
        }
    }

    /// Replaces `bytes` with the packed form of this state. Equal states have equal bytes, and
    /// different states have different bytes.
    pub(crate) fn pack(&self, bytes: &mut Vec<u8>) {
        bytes.clear();
        let Budgets {
            crashes,
            suspicions,
            commands,
            timeouts,
            late,
        } = self.budgets;
        let optional = |count: Option<u32>| count.map_or(0, |count| count.saturating_add(1));
        let (timeouts, late) = (optional(timeouts), optional(late));
        put(self.now, bytes);
        for count in [crashes, suspicions, commands, timeouts, late] {
            put(count, bytes);
        }
        put(self.history, bytes);
        for &node in &self.nodes {
            put(node, bytes);
        }
        let mut last = 0;
        for &Flight(number) in &self.network {
            put(number - last, bytes);
            last = number;
        }
    }

    /// Replaces this state with the state of `nodes` nodes that [`pack`](Self::pack) has written as
    /// these bytes.
    pub(crate) fn unpack(&mut self, mut bytes: &[u8], nodes: usize) {
        let from = &mut bytes;
        self.now = take(from);
        self.budgets = Budgets {
            crashes: take(from),
            suspicions: take(from),
            commands: take(from),
            timeouts: take(from).checked_sub(1),
            late: take(from).checked_sub(1),
        };
        self.history = take(from);
        self.nodes.clear();
        self.nodes.extend((0..nodes).map(|_| take(from)));
        self.network.clear();
        let mut last = 0;
        while !from.is_empty() {
            last += take(from);
            self.network.push(Flight(last));
        }
    }
}

/// Appends a number with seven bits in each byte, the lowest bits first. The high bit is 0 in the
/// last byte only.
fn put(mut number: u32, bytes: &mut Vec<u8>) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take(bytes: &mut &[u8]) -> u32 {
    let mut number = 0;
    let mut shift = 0;
    while let Some((&byte, rest)) = bytes.split_first() {
        *bytes = rest;
        number |= u32::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
        shift += 7;
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    // If a node sends a message again, the message is not late any more. If the late message stayed
    // in flight too, one situation would have two different states.
    #[test]
    fn a_message_is_in_flight_once() {
        let mut state = State::default();
        state.budgets.late = Some(1);
        for envelope in [7, 3, 7] {
            state.send(envelope);
        }
        state.age();
        assert_eq!(state.network, [3, 7].map(|it| Flight::new(it).late()));
        state.send(3);
        assert_eq!(state.network, [Flight::new(3), Flight::new(7).late()]);
        state.budgets.late = Some(0);
        state.age();
        assert_eq!(state.network, []);
    }

    // If two states had the same bytes, the search would overlook one of them.
    #[test]
    fn unpacking_a_packed_state_returns_the_same_state() {
        let mut state = State {
            now: 300,
            budgets: Budgets {
                crashes: 1,
                suspicions: 0,
                commands: 128,
                timeouts: Some(0),
                late: None,
            },
            history: u32::MAX,
            nodes: vec![0, 127, 1 << 28],
            network: [0, 1, 129, u32::MAX].map(Flight).to_vec(),
        };
        let (mut bytes, mut back) = (vec![9], State::default());
        for timeouts in [Some(0), None] {
            state.budgets.timeouts = timeouts;
            state.pack(&mut bytes);
            back.unpack(&bytes, 3);
            assert_eq!(back, state);
        }
    }
}
