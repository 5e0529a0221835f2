//! Faults of some messages, with Raft.

use std::{collections::BTreeMap, time::Duration};

use elector_core::{
    NodeId, Purpose,
    trace::{Event, Loss, Stimulus},
};
use elector_raft::Raft;
use elector_sim::{
    Disk, Network, Scenario, Setup, Simulation,
    scenario::{Action, MessageFault, Selector},
};

const MS: Duration = Duration::from_millis(1);

/// Creates a cluster of three nodes in which each message takes 1 ms, and runs it until it has a
/// leader.
fn cluster() -> Simulation<Raft> {
    let mut setup = Setup::new(3);
    (setup.network, setup.trace) = (Network::constant(MS), true);
    let mut sim = Simulation::new(setup);
    sim.run_until_settled(2_000 * MS)
        .expect("the cluster elects at boot");
    sim.run_for(100 * MS);
    sim
}

/// The deliveries and losses of the messages that were sent after a place in the trace.
#[derive(Debug, Default)]
struct Seen {
    /// For the number of each message: its kind, its sender, its receiver, and for each delivery
    /// the time since the message was sent, in milliseconds.
    sent: BTreeMap<u64, (String, NodeId, NodeId, Vec<u64>)>,
    lost: Vec<u64>,
}

fn seen(sim: &Simulation<Raft>, from: usize) -> Seen {
    let mut seen = Seen::default();
    let mut began = BTreeMap::new();
    for record in &sim.trace()[from..] {
        match &record.event {
            Event::Sent { id, to, kind, .. } => {
                let node = record.node.expect("a node sends");
                began.insert(*id, record.at_ns);
                let message = (kind.clone(), node, *to, Vec::new());
                seen.sent.insert(*id, message);
            }
            Event::Stepped {
                input: Stimulus::Received { id, .. },
                ..
            } => {
                if let Some(message) = seen.sent.get_mut(id) {
                    message.3.push((record.at_ns - began[id]) / 1_000_000);
                }
            }
            Event::Lost {
                id,
                why: Loss::Chance,
                ..
            } => seen.lost.push(*id),
            _ => {}
        }
    }
    seen
}

/// Runs a cluster with this fault for a second, and then without faults for half a second, in which
/// the messages arrive.
fn under(fault: MessageFault) -> Seen {
    let mut sim = cluster();
    let from = sim.trace().len();
    sim.act(&Action::Messages(fault));
    sim.run_for(1_000 * MS);
    sim.act(&Action::Heal);
    sim.run_for(500 * MS);
    seen(&sim, from)
}

// The fault must delay the acknowledgements of one follower to the leader by exactly 30 ms. It must
// not delay any other message.
#[test]
fn a_delay_applies_to_exactly_the_selected_messages() {
    let seen = under(MessageFault {
        kind: Some("HeartbeatAck".to_owned()),
        from: Some(Selector::Follower(1)),
        to: Some(Selector::Leader),
        delay: 30 * MS,
        ..MessageFault::default()
    });
    let late = |flights: &[u64]| flights == [31];
    let struck: Vec<_> = seen.sent.values().filter(|m| late(&m.3)).collect();
    let (kind, from, to, _) = struck[0].clone();
    assert_eq!(kind, "HeartbeatAck");
    assert!(struck.len() >= 19, "{} in a second", struck.len());
    // A message without a delivery was sent last, and is still in flight.
    for message in seen.sent.values().filter(|m| !m.3.is_empty()) {
        let named = (&message.0, message.1, message.2) == (&kind, from, to);
        assert!(late(&message.3) == named || message.3 == [1], "{message:?}");
    }
    // After `heal`, messages of the same kind on the same link are on time. About ten of them are
    // sent in 500 ms, and the last one is still in flight.
    let healed = |m: &&(String, NodeId, NodeId, Vec<u64>)| {
        (&m.0, m.1, m.2) == (&kind, from, to) && m.3 == [1]
    };
    assert!(seen.sent.values().filter(healed).count() >= 8);
}

// With a late copy, an old answer arrives after newer ones. Only the copy must be late, and not the
// first delivery.
#[test]
fn a_late_duplicate_does_not_delay_the_first_delivery() {
    let seen = under(MessageFault {
        purpose: Some(Purpose::Liveness),
        delay: 70 * MS,
        duplicate: true,
        times: Some(3),
        ..MessageFault::default()
    });
    let twice: Vec<_> = seen.sent.values().filter(|m| m.3.len() > 1).collect();
    assert_eq!(twice.len(), 3);
    assert!(twice.iter().all(|m| m.3 == [1, 71]), "{twice:?}");
}

// The loss of one message is the smallest possible fault, and a scenario must be able to cause
// exactly this fault.
#[test]
fn exactly_one_message_is_lost() {
    let seen = under(MessageFault {
        lose: true,
        times: Some(1),
        ..MessageFault::default()
    });
    assert_eq!(seen.lost.len(), 1);
}

// A fault with a chance of 0.4 must apply to about this share of the messages.
#[test]
fn a_chance_applies_to_its_share_of_messages() {
    let seen = under(MessageFault {
        kind: Some("Heartbeat".to_owned()),
        lose: true,
        chance: 0.4,
        ..MessageFault::default()
    });
    let heartbeats = seen.sent.values().filter(|m| m.0 == "Heartbeat").count() as f64;
    // The fault is in effect for one second of the one and a half seconds, so two thirds of the
    // heartbeats are sent in this time.
    let share = seen.lost.len() as f64 / (heartbeats * 2.0 / 3.0);
    assert!((0.15..0.65).contains(&share), "{share} lost of 0.4");
}

// If a fault were still in effect after the end of all faults, the nodes could not agree on a
// leader, as the run then expects.
#[test]
fn the_end_of_all_faults_ends_message_faults_too() {
    let mut sim = cluster();
    sim.act(&Action::Messages(MessageFault {
        lose: true,
        ..MessageFault::default()
    }));
    sim.run_for(1_000 * MS);
    assert_eq!(sim.settled(), None, "every message is lost");
    sim.end_faults(&Network::constant(MS), Disk::default());
    assert!(sim.run_until_settled(5_000 * MS).is_some());
}

// The fault that the scenario runs must be the fault that the user wrote in the file.
#[test]
fn a_message_fault_is_parsed_from_one_line() {
    let text = "name = \"x\"\nsummary = \"y\"\n[[step]]\nmessages = { kind = \"Vote\", purpose = \
                \"election\", from = \"leader\", to = \"follower 1\", delay_ms = 200, duplicate = \
                true, times = 1, chance = 0.5 }\n";
    let scenario = Scenario::parse(text, "mine.toml").expect("the file is valid");
    let fault = MessageFault {
        kind: Some("Vote".to_owned()),
        purpose: Some(Purpose::Election),
        from: Some(Selector::Leader),
        to: Some(Selector::Follower(1)),
        delay: 200 * MS,
        lose: false,
        duplicate: true,
        chance: 0.5,
        times: Some(1),
    };
    let text = "messages: Vote from leader to follower 1, duplicated, late by 200ms, 50 % of \
                them, once";
    assert_eq!(fault.to_string(), text);
    assert_eq!(scenario.steps[0].action, Action::Messages(fault));
}
