use std::collections::{HashMap, VecDeque};

use elector_core::{
    NodeId, Purpose,
    trace::{Event, Loss, Record, Stimulus},
};

/// A message, and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Flight<'a> {
    /// Its number in the trace; 0 if its host does not number messages.
    pub(crate) id: u64,
    /// Who sent it.
    pub(crate) from: NodeId,
    /// Whom it is for.
    pub(crate) to: NodeId,
    /// Its name in its algorithm.
    pub(crate) kind: &'a str,
    /// What it is for.
    pub(crate) purpose: Purpose,
    /// Its `Debug` text.
    pub(crate) detail: &'a str,
    /// When it left.
    pub(crate) sent_ns: u64,
    /// One for every copy of it that arrived or was lost; none while it is on its way.
    pub(crate) ends: Vec<End>,
}

/// What became of one copy of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It arrived.
    Received(u64),
    /// It never will.
    Lost(u64, Loss),
}

impl End {
    /// When.
    pub(crate) fn at_ns(self) -> u64 {
        match self {
            Self::Received(at_ns) | Self::Lost(at_ns, _) => at_ns,
        }
    }
}

impl Flight<'_> {
    /// Whether it is part of the steady state, and of no election.
    pub(crate) fn is_routine(&self) -> bool {
        self.purpose == Purpose::Liveness
    }

    /// How long its first copy to arrive took.
    pub(crate) fn time_ns(&self) -> Option<u64> {
        self.ends.iter().find_map(|end| match end {
            End::Received(at_ns) => Some(at_ns.saturating_sub(self.sent_ns)),
            End::Lost(..) => None,
        })
    }

    /// The last moment at which something happened to it.
    pub(crate) fn last_ns(&self) -> u64 {
        let ends = self.ends.iter().map(|end| end.at_ns());
        ends.fold(self.sent_ns, u64::max)
    }
}

/// Why a message was lost, for people.
pub(crate) fn word_loss(why: Loss) -> &'static str {
    match why {
        Loss::Chance => "the network lost it",
        Loss::Cut => "the link was cut",
        Loss::Dead => "the receiver was not running",
        Loss::Full => "a queue was full",
    }
}

/// Pairs what was sent with what arrived.
#[derive(Debug, Default)]
pub(super) struct Flights<'a> {
    flights: Vec<Flight<'a>>,
    by_id: HashMap<u64, usize>,
    // Where a host does not number its messages, the oldest alike is the one that arrived.
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
                detail,
                ..
            } => {
                let flight = Flight {
                    id: *id,
                    from: node,
                    to: *to,
                    kind,
                    purpose: *purpose,
                    detail,
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
        let place = self.flights.len();
        if flight.id == 0 {
            let alike = (flight.from, flight.to, flight.kind);
            self.unnumbered.entry(alike).or_default().push_back(place);
        } else {
            self.by_id.insert(flight.id, place);
        }
        self.flights.push(flight);
    }

    fn ended(&mut self, id: u64, alike: (NodeId, NodeId, &'a str), end: End) {
        let place = if id == 0 {
            self.unnumbered
                .get_mut(&alike)
                .and_then(VecDeque::pop_front)
        } else {
            self.by_id.get(&id).copied()
        };
        if let Some(flight) = place.and_then(|place| self.flights.get_mut(place)) {
            flight.ends.push(end);
        }
    }
}
