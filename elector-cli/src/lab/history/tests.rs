use elector_core::{
    Epoch, NodeId, Purpose, View,
    trace::{Event, Loss, Record, Stimulus},
};

use super::*;

fn at(at_ns: u64, node: u64, event: Event) -> Record {
    let node = Some(NodeId(node));
    Record { at_ns, node, event }
}

fn leads(at_ns: u64, node: u64, epoch: u64) -> Record {
    let view = View::leading(Epoch(epoch), NodeId(node));
    at(at_ns, node, Event::Viewed { step: 1, view })
}

// A paused or crashed node cannot act as leader. If it counted as a leader, the diagram would show
// a split brain that did not happen.
#[test]
fn only_running_nodes_lead() {
    let records = [
        leads(10, 1, 1),
        at(20, 1, Event::Paused),
        leads(30, 2, 2),
        at(40, 1, Event::Resumed),
        at(50, 2, Event::Crashed),
        at(60, 2, Event::Booted),
    ];
    let history = History::read(&records);
    let leaders = history.leaders();
    let spans: Vec<(u64, u64, Vec<u64>)> = leaders
        .iter()
        .map(|span| {
            (
                span.from_ns,
                span.to_ns,
                span.what.iter().map(|one| one.0.0).collect(),
            )
        })
        .collect();
    let expected = [
        (10, 20, vec![1]),
        (20, 30, vec![]),
        (30, 40, vec![2]),
        (40, 50, vec![1, 2]),
        (50, 60, vec![1]),
    ];
    assert_eq!(spans, expected);
}

// Some hosts do not number their messages. The arrow of each message must still end at the arrival
// of this message.
#[test]
fn unnumbered_messages_are_paired_in_order() {
    let sent = |at_ns: u64, kind: &str| {
        let event = Event::Sent {
            step: 1,
            id: 0,
            to: NodeId(2),
            kind: kind.to_owned(),
            purpose: Purpose::Election,
            message: String::new(),
        };
        at(at_ns, 1, event)
    };
    let received = |at_ns: u64, kind: &str| {
        let input = Stimulus::Received {
            from: NodeId(1),
            id: 0,
            kind: kind.to_owned(),
            message: String::new(),
        };
        at(at_ns, 2, Event::Stepped { step: 1, input })
    };
    let records = [
        sent(1, "A"),
        sent(2, "B"),
        sent(3, "A"),
        received(4, "B"),
        received(5, "A"),
    ];
    let history = History::read(&records);
    let ends: Vec<Vec<End>> = history
        .flights
        .iter()
        .map(|flight| flight.ends.clone())
        .collect();
    assert_eq!(
        ends,
        [vec![End::Received(5)], vec![End::Received(4)], vec![]]
    );
}

// Many bugs come from a write that was lost in a crash, so readers look for it. It must not look
// durable.
#[test]
fn a_crash_ends_writes_that_are_not_durable() {
    let persisting = |at_ns: u64, step: u64| {
        let durable = String::new();
        at(at_ns, 1, Event::Persisting { step, durable })
    };
    let records = [
        persisting(1, 1),
        persisting(2, 2),
        at(3, 1, Event::Persisted { step: 1 }),
        at(4, 1, Event::Crashed),
        at(5, 1, Event::Booted),
        persisting(6, 1),
        at(8, 1, Event::Persisted { step: 1 }),
    ];
    let history = History::read(&records);
    let writes = history.lanes[0].writes.iter();
    let ends: Vec<(Option<u64>, u64)> = writes
        .map(|write| (write.durable_ns, write.to_ns))
        .collect();
    assert_eq!(ends, [(Some(3), 3), (None, 4), (Some(8), 8)]);
}

// If a message is duplicated, and one copy arrives and the other copy is lost, the message has two
// ends.
#[test]
fn every_copy_of_a_message_has_its_end() {
    let sent = Event::Sent {
        step: 1,
        id: 7,
        to: NodeId(2),
        kind: "A".to_owned(),
        purpose: Purpose::Liveness,
        message: String::new(),
    };
    let input = Stimulus::Received {
        from: NodeId(1),
        id: 7,
        kind: "A".to_owned(),
        message: String::new(),
    };
    let lost = Event::Lost {
        id: 7,
        to: NodeId(2),
        why: Loss::Chance,
    };
    let node = None;
    let records = [
        at(1, 1, sent),
        at(2, 2, Event::Stepped { step: 1, input }),
        Record {
            at_ns: 3,
            node,
            event: lost,
        },
    ];
    let history = History::read(&records);
    let ends = [End::Received(2), End::Lost(3, Loss::Chance)];
    assert_eq!(history.flights[0].ends, ends);
    assert_eq!(history.rounds(), [(1, 3)]);
}
