use std::collections::{HashMap, VecDeque};

use elector_core::{
    NodeId, Purpose,
    trace::{Event, Loss, Record, Stimulus},
};

/// A message, from its sender to the arrival or loss of each copy.
#[derive(Clone, Debug)]
pub(crate) struct Flight<'a> {
    /// The number of the message in the trace; 0 if the host does not number messages.
    pub(crate) id: u64,
    /// The node that sent the message.
    pub(crate) from: NodeId,
    /// The node to which the message was sent.
    pub(crate) to: NodeId,
    /// The name of the kind of the message, as the algorithm calls it.
    pub(crate) kind: &'a str,
    /// What the message is for: an election, the steady state (heartbeats and their
    /// acknowledgements), or the application.
    pub(crate) purpose: Purpose,
    /// The `Debug` text of the message.
    pub(crate) detail: &'a str,
    /// The moment at which the message was sent.
    pub(crate) sent_ns: u64,
    /// One end for each copy of the message that arrived or was lost. Empty if the message was
    /// still in flight at the end of the run.
    pub(crate) ends: Vec<End>,
}

/// The end of one copy of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The copy arrived at this moment.
    Received(u64),
    /// The copy was lost at this moment, for this reason.
    Lost(u64, Loss),
}

impl End {
    /// Returns the moment at which the copy arrived or was lost, in nanoseconds.
    pub(crate) fn at_ns(self) -> u64 {
        match self {
            Self::Received(at_ns) | Self::Lost(at_ns, _) => at_ns,
        }
    }
}

impl Flight<'_> {
    /// Returns `true` if the message belongs to the steady state and not to an election.
    pub(crate) fn is_routine(&self) -> bool {
        self.purpose == Purpose::Liveness
    }

    /// Returns the time from the sending of the message to the arrival of its first copy, in
    /// nanoseconds. Returns `None` if no copy arrived.
    pub(crate) fn time_ns(&self) -> Option<u64> {
        self.ends.iter().find_map(|end| match end {
            End::Received(at_ns) => Some(at_ns.saturating_sub(self.sent_ns)),
            End::Lost(..) => None,
        })
    }

    /// Returns the moment of the last arrival or loss of the message, or the moment at which it was
    /// sent if there was none.
    pub(crate) fn last_ns(&self) -> u64 {
        let ends = self.ends.iter().map(|end| end.at_ns());
        ends.fold(self.sent_ns, u64::max)
    }
}

/// Returns the reason for a loss, as text for people.
pub(crate) fn loss_text(why: Loss) -> &'static str {
    match why {
        Loss::Chance => "the network lost it",
        Loss::Cut => "the link was cut",
        Loss::Dead => "the receiver was not running",
        Loss::Full => "a queue was full",
    }
}

/// Finds, for each message that was sent, its arrivals and losses.
#[derive(Debug, Default)]
pub(super) struct Flights<'a> {
    flights: Vec<Flight<'a>>,
    by_id: HashMap<u64, usize>,
    // The messages without a number, for hosts that do not number their messages. If such a message
    // arrives, the oldest message with the same sender, receiver and kind is taken for it.
    unnumbered: HashMap<(NodeId, NodeId, &'a str), VecDeque<usize>>,
}

impl<'a> Flights<'a> {
    pub(super) fn read(&mut self, record: &'a Record) {
        let Some(node) = record.node else {
            return self.read_loss(record);
        };
        match &record.event {
            Event::Sent {
                id,
                to,
                kind,
                purpose,
                message,
                ..
            } => {
                let flight = Flight {
                    id: *id,
                    from: node,
                    to: *to,
                    kind,
                    purpose: *purpose,
                    detail: message,
                    sent_ns: record.at_ns,
                    ends: Vec::new(),
                };
                self.sent(flight);
            }
            Event::Stepped {
                input: Stimulus::Received { from, id, kind, .. },
                ..
            } => self.ended(*id, (*from, node, kind), End::Received(record.at_ns)),
            _ => self.read_loss(record),
        }
    }

    pub(super) fn finish(self) -> Vec<Flight<'a>> {
        self.flights
    }

    fn read_loss(&mut self, record: &'a Record) {
        if let Event::Lost { id, to, why } = &record.event {
            let end = End::Lost(record.at_ns, *why);
            self.ended(*id, (*to, *to, ""), end);
        }
    }

    fn sent(&mut self, flight: Flight<'a>) {
        let index = self.flights.len();
        if flight.id == 0 {
            let key = (flight.from, flight.to, flight.kind);
            self.unnumbered.entry(key).or_default().push_back(index);
        } else {
            self.by_id.insert(flight.id, index);
        }
        self.flights.push(flight);
    }

    fn ended(&mut self, id: u64, key: (NodeId, NodeId, &'a str), end: End) {
        let index = if id == 0 {
            self.unnumbered.get_mut(&key).and_then(VecDeque::pop_front)
        } else {
            self.by_id.get(&id).copied()
        };
        if let Some(flight) = index.and_then(|index| self.flights.get_mut(index)) {
            flight.ends.push(end);
        }
    }
}
