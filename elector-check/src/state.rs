/// The whole cluster at one moment. Nodes, messages and histories are numbers: their
/// [`Pool`](crate::pool::Pool)s hold what they stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// How many ticks have begun; 0 if the search has no time.
    pub(crate) now: u32,
    pub(crate) left: Budgets,
    pub(crate) history: u32,
    /// By position: node 1 comes first.
    pub(crate) nodes: Vec<u32>,
    /// The messages in flight, in ascending order. Any of them may be delivered next, so messages
    /// overtake each other; one that is never delivered is lost. A set, so that heartbeats do not
    /// pile up: two equal messages in flight are one.
    pub(crate) network: Vec<Flight>,
}

/// A message in flight: the number of its envelope, and whether it is late, that is, was sent in an
/// earlier tick. Only a bound on late messages makes any of them late.
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

/// How much of what is bounded may still happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Budgets {
    pub(crate) crashes: u32,
    pub(crate) suspicions: u32,
    pub(crate) commands: u32,
    /// `None` for no bound.
    pub(crate) timeouts: Option<u32>,
    /// `None` for no bound.
    pub(crate) late: Option<u32>,
}

impl State {
    /// Takes over what `other` is, without new memory.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        (self.now, self.left, self.history) = (other.now, other.left, other.history);
        self.nodes.clone_from(&other.nodes);
        self.network.clone_from(&other.network);
    }

    /// Adds a message to those in flight. It takes the place of the same message that is late:
    /// whatever that one could do, this one can.
    pub(crate) fn send(&mut self, envelope: u32) {
        let sent = Flight::new(envelope);
        if let Err(place) = self.network.binary_search(&sent) {
            match self.network.get_mut(place) {
                Some(next) if *next == sent.late() => *next = sent,
                _ => self.network.insert(place, sent),
            }
        }
    }

    /// The messages in flight become late, or are lost if no late one may be delivered any more.
    pub(crate) fn age(&mut self) {
        match self.left.late {
            None => {}
            Some(0) => self.network.clear(),
            Some(_) => self.network.iter_mut().for_each(|sent| *sent = sent.late()),
        }
    }

    /// Replaces `bytes` with this state: equal states have equal bytes, and different states
    /// different ones.
    pub(crate) fn pack(&self, bytes: &mut Vec<u8>) {
        bytes.clear();
        let left = self.left;
        let optional = |count: Option<u32>| count.map_or(0, |count| count.saturating_add(1));
        let (timeouts, late) = (optional(left.timeouts), optional(left.late));
        put(self.now, bytes);
        for count in [left.crashes, left.suspicions, left.commands, timeouts, late] {
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

    /// Replaces this state with the packed one, of a cluster of `nodes`.
    pub(crate) fn unpack(&mut self, mut bytes: &[u8], nodes: usize) {
        let from = &mut bytes;
        self.now = take(from);
        self.left = Budgets {
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

/// Appends a number, seven bits a byte, the lowest first; the last byte has no high bit.
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

    // A message that is sent again is not late any more; both at once would be two states for one.
    #[test]
    fn a_message_is_in_flight_once() {
        let mut state = State::default();
        state.left.late = Some(1);
        for envelope in [7, 3, 7] {
            state.send(envelope);
        }
        state.age();
        assert_eq!(state.network, [3, 7].map(|it| Flight::new(it).late()));
        state.send(3);
        assert_eq!(state.network, [Flight::new(3), Flight::new(7).late()]);
        state.left.late = Some(0);
        state.age();
        assert_eq!(state.network, []);
    }

    // Two states that share their bytes would be one to the search, and one of them overlooked.
    #[test]
    fn a_packed_state_comes_back_as_it_was() {
        let mut state = State {
            now: 300,
            left: Budgets {
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
            state.left.timeouts = timeouts;
            state.pack(&mut bytes);
            back.unpack(&bytes, 3);
            assert_eq!(back, state);
        }
    }
}
