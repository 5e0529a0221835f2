//! The contents of a trace in the order of time: when each node ran, what it published, and what
//! happened to every message.

mod flight;
mod lane;
mod links;
mod track;

use std::collections::BTreeMap;

use elector_core::{
    Epoch, NodeId, Role, View,
    trace::{Event, Record, Stimulus},
};

pub(crate) use flight::{End, Flight, loss_text};
pub(crate) use lane::{Lane, Life, Mark};
pub(crate) use track::{Span, Track};

use flight::Flights;

/// Links over which no message passes, as `(from, to)`.
pub(crate) type Blocked<'a> = &'a [(NodeId, NodeId)];

/// A note of the host: its moment in nanoseconds, its node (`None` for the whole network), and its
/// text.
pub(crate) type Note<'a> = (u64, Option<NodeId>, &'a str);

/// The contents of a trace, which is the record of one run.
#[derive(Debug)]
pub(crate) struct History<'a> {
    /// The moment of the first record in the trace, in nanoseconds.
    pub(crate) start_ns: u64,
    /// The moment of the last record in the trace, in nanoseconds.
    pub(crate) end_ns: u64,
    /// What happened to each node in the trace, in the order of the ids of the nodes.
    pub(crate) lanes: Vec<Lane<'a>>,
    /// All messages that were sent, in the order in which they were sent.
    pub(crate) flights: Vec<Flight<'a>>,
    /// The spans of time during which links were cut, with the cut links.
    pub(crate) cuts: Vec<Span<Blocked<'a>>>,
    /// The notes that the host, for example the simulator, wrote for the reader.
    pub(crate) notes: Vec<Note<'a>>,
}

/// The running nodes that lead by their own view, each with its epoch.
pub(crate) type Leaders = Vec<(NodeId, Epoch)>;

impl<'a> History<'a> {
    /// Reads a trace. The records may be in any order. Records of the same moment keep their order.
    pub(crate) fn read(records: &'a [Record]) -> Self {
        let mut ordered: Vec<&Record> = records.iter().collect();
        ordered.sort_by_key(|record| record.at_ns);
        let start_ns = ordered.first().map_or(0, |record| record.at_ns);
        let end_ns = ordered.last().map_or(0, |record| record.at_ns);
        let mut lanes = BTreeMap::new();
        let mut flights = Flights::default();
        let mut cuts = Track::default();
        let mut notes = Vec::new();
        for record in ordered {
            for node in named(record) {
                lanes.entry(node).or_insert_with(|| Lane::new(node));
            }
            flights.read(record);
            let lane = record.node.and_then(|node| lanes.get_mut(&node));
            if let Some(lane) = lane {
                lane.read(record);
            }
            match &record.event {
                Event::Cut { blocked } => cuts.set(record.at_ns, blocked.as_slice()),
                Event::Note { text } => notes.push((record.at_ns, record.node, text.as_str())),
                _ => {}
            }
        }
        let mut lanes: Vec<Lane<'a>> = lanes.into_values().collect();
        for lane in &mut lanes {
            lane.finish(start_ns, end_ns);
        }
        let mut cuts = cuts.finish(end_ns);
        cuts.retain(|span| !span.what.is_empty());
        Self {
            start_ns,
            end_ns,
            lanes,
            flights: flights.finish(),
            cuts,
            notes,
        }
    }

    /// Returns the nodes that lead by their own view, as consecutive spans that cover the whole
    /// run. The list of a span is empty if no node leads, and has two or more nodes during a split
    /// brain.
    pub(crate) fn leaders(&self) -> Vec<Span<Leaders>> {
        let mut changes: BTreeMap<u64, Vec<(NodeId, Option<Epoch>)>> = BTreeMap::new();
        for lane in &self.lanes {
            for span in lane.leading() {
                // If a node stops leading at the moment at which it begins to lead another epoch,
                // the end must be applied first. If the end was applied last, it would remove the
                // node from the leaders.
                changes
                    .entry(span.to_ns)
                    .or_default()
                    .insert(0, (lane.node, None));
                let begin = changes.entry(span.from_ns).or_default();
                begin.push((lane.node, Some(span.what)));
            }
        }
        let mut present: BTreeMap<NodeId, Epoch> = BTreeMap::new();
        let mut track = Track::default();
        track.set(self.start_ns, Leaders::new());
        for (at_ns, changes) in changes {
            for (node, epoch) in changes {
                match epoch {
                    Some(epoch) => present.insert(node, epoch),
                    None => present.remove(&node),
                };
            }
            let leaders = present.iter().map(|(&node, &epoch)| (node, epoch));
            track.set(at_ns, leaders.collect());
        }
        track.finish(self.end_ns)
    }

    /// Returns `true` if the cluster is settled at this moment: no node is paused, exactly one node
    /// leads, and every running node with working links to and from the leader follows the leader.
    /// These nodes and the leader together must be at least half of all running nodes.
    pub(crate) fn is_settled(&self, at_ns: u64) -> bool {
        let mut views: Vec<(NodeId, View)> = Vec::new();
        for lane in &self.lanes {
            match lane.life_at(at_ns) {
                Life::Paused => return false,
                Life::Down => {}
                Life::Running => {
                    views.push((lane.node, lane.view_at(at_ns).unwrap_or_default()));
                }
            }
        }
        let mut leaders = views.iter().filter(|(_, view)| view.role == Role::Leader);
        let (Some(&(leader, led)), None) = (leaders.next(), leaders.next()) else {
            return false;
        };
        let cut = self.cuts.iter().find(|cut| cut.contains(at_ns));
        let blocked = cut.map_or(&[][..], |cut| cut.what);
        let reached =
            |node: NodeId| !blocked.contains(&(node, leader)) && !blocked.contains(&(leader, node));
        let near = views.iter().filter(|(node, _)| reached(*node));
        let agrees = |view: &View| (view.epoch, view.leader) == (led.epoch, led.leader);
        near.clone().all(|(_, view)| agrees(view)) && near.count() * 2 >= views.len()
    }

    /// Returns every moment at which the result of [`is_settled`](Self::is_settled) can change, in
    /// ascending order.
    pub(crate) fn changes(&self) -> Vec<u64> {
        let lives = self.lanes.iter().flat_map(|lane| &lane.life);
        let views = self.lanes.iter().flat_map(|lane| &lane.views);
        let mut changes: Vec<u64> = lives.flat_map(|span| [span.from_ns, span.to_ns]).collect();
        changes.extend(views.flat_map(|span| [span.from_ns, span.to_ns]));
        changes.extend(self.cuts.iter().flat_map(|cut| [cut.from_ns, cut.to_ns]));
        changes.sort_unstable();
        changes.dedup();
        changes
    }

    /// Describes the blocked links in a few words.
    pub(crate) fn describe_cut(&self, blocked: Blocked<'_>) -> String {
        let nodes: Vec<NodeId> = self.lanes.iter().map(|lane| lane.node).collect();
        links::describe(&nodes, blocked)
    }

    /// Returns the spans of time during which routine messages are in flight, as `(start, end)` in
    /// nanoseconds. Two spans are merged if the second starts at most one usual flight time after
    /// the end of the first. Usually a merged span is a round: the heartbeats that a leader sends
    /// at one time, and their acknowledgements.
    pub(crate) fn rounds(&self) -> Vec<(u64, u64)> {
        let slack = self.usual_flight_ns().unwrap_or(0);
        let mut rounds: Vec<(u64, u64)> = Vec::new();
        for flight in self.flights.iter().filter(|flight| flight.is_routine()) {
            match rounds.last_mut() {
                Some(last) if flight.sent_ns <= last.1.saturating_add(slack) => {
                    last.1 = last.1.max(flight.last_ns());
                }
                _ => rounds.push((flight.sent_ns, flight.last_ns())),
            }
        }
        rounds
    }

    /// Returns the median time that a message of an election takes, in nanoseconds. If no message
    /// of an election arrived, it is the median of all messages. Returns `None` if no message
    /// arrived.
    pub(crate) fn usual_flight_ns(&self) -> Option<u64> {
        let flights = self.flights.iter();
        let election = flights.clone().filter(|flight| !flight.is_routine());
        let mut times: Vec<u64> = election.filter_map(Flight::time_ns).collect();
        if times.is_empty() {
            times = flights.filter_map(Flight::time_ns).collect();
        }
        times.sort_unstable();
        times.get(times.len() / 2).copied()
    }
}

/// Returns the nodes that occur in a record.
fn named(record: &Record) -> impl Iterator<Item = NodeId> + '_ {
    let blocked = match &record.event {
        Event::Cut { blocked } => blocked.as_slice(),
        _ => &[],
    };
    let other = match &record.event {
        Event::Sent { to, .. } | Event::Lost { to, .. } => Some(*to),
        Event::Stepped {
            input: Stimulus::Received { from, .. },
            ..
        } => Some(*from),
        _ => None,
    };
    let links = blocked.iter().flat_map(|&(from, to)| [from, to]);
    record.node.into_iter().chain(other).chain(links)
}

#[cfg(test)]
mod tests;
