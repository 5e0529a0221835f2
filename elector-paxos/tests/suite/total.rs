//! Tests that no input from any sender breaks a node in any state.

use std::collections::BTreeMap;

use elector_core::{
    Command, Driver, ElectionAlgorithm as _, Epoch, Input, Membership, Message as _, Moment,
    NodeId, Pledge, Role,
};
use elector_paxos::{
    Ballot, Learning, Paxos, PaxosConfig, PaxosDurable, PaxosMessage, PaxosTimer, Proposal,
};
use proptest::{collection::vec, option, prelude::*};

fn number() -> impl Strategy<Value = u64> {
    // Large numbers are rare, because a node that enters one of the highest possible epochs stays
    // there.
    prop_oneof![
        400 => 0_u64..6,
        1 => Just(u64::MAX),
        1 => Just(u64::MAX - 1),
        1 => any::<u64>(),
    ]
}

/// Returns the id of any node. Nodes 1 to 3 are members; 0 and 4 are unknown peers.
fn any_node() -> impl Strategy<Value = NodeId> {
    (0_u64..5).prop_map(NodeId)
}

fn epoch() -> impl Strategy<Value = Epoch> {
    number().prop_map(Epoch)
}

fn ballot() -> impl Strategy<Value = Ballot> {
    (number(), any_node()).prop_map(|(counter, node)| Ballot { counter, node })
}

fn proposal() -> impl Strategy<Value = Proposal> {
    (ballot(), any_node()).prop_map(|(ballot, value)| Proposal { ballot, value })
}

fn message() -> impl Strategy<Value = PaxosMessage> {
    let sent = || number().prop_map(Moment::from_nanos);
    prop_oneof![
        4 => (epoch(), ballot(), any::<bool>()).prop_map(|(epoch, ballot, handover)| {
            PaxosMessage::Prepare { epoch, ballot, handover }
        }),
        4 => (epoch(), ballot(), option::of(proposal())).prop_map(|(epoch, ballot, accepted)| {
            PaxosMessage::Promise { epoch, ballot, accepted }
        }),
        2 => (ballot(), epoch(), option::of(any_node()), epoch(), option::of(ballot())).prop_map(
            |(ballot, epoch, leader, instance, promised)| PaxosMessage::Reject {
                ballot, epoch, leader, instance, promised,
            }
        ),
        4 => (epoch(), proposal()).prop_map(|(epoch, proposal)| {
            PaxosMessage::Accept { epoch, proposal }
        }),
        4 => (epoch(), proposal()).prop_map(|(epoch, proposal)| {
            PaxosMessage::Accepted { epoch, proposal }
        }),
        1 => (epoch(), any_node(), sent()).prop_map(|(epoch, leader, sent)| {
            PaxosMessage::Learn { epoch, leader, sent }
        }),
        1 => (epoch(), sent()).prop_map(|(epoch, sent)| PaxosMessage::Heartbeat { epoch, sent }),
        1 => (epoch(), sent()).prop_map(|(epoch, sent)| {
            PaxosMessage::HeartbeatAck { epoch, sent }
        }),
        1 => epoch().prop_map(|epoch| PaxosMessage::Handover { epoch }),
    ]
}

fn timer() -> impl Strategy<Value = PaxosTimer> {
    prop_oneof![
        1 => Just(PaxosTimer::Vigil),
        1 => Just(PaxosTimer::Stagger),
        1 => Just(PaxosTimer::Retry),
        4 => Just(PaxosTimer::OwnPromise),
        4 => Just(PaxosTimer::OwnAccept),
        1 => Just(PaxosTimer::Heartbeat),
        1 => Just(PaxosTimer::Quorum),
    ]
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        4 => Just(Command::Campaign),
        1 => Just(Command::Resign),
        1 => any_node().prop_map(Command::TransferTo),
    ]
}

/// An event for the node: an input, a crash, or a crash after which `ElectionAlgorithm::raised`
/// moves the node's durable state above this epoch.
#[derive(Clone, Debug)]
enum Event {
    Stepped(Input<PaxosMessage, PaxosTimer>),
    Crashed,
    Raised(Epoch),
}

fn received(from: NodeId, message: PaxosMessage) -> Event {
    Event::Stepped(Input::Received { from, message })
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        1 => Just(Event::Crashed),
        1 => epoch().prop_map(Event::Raised),
        1 => Just(Event::Stepped(Input::Started)),
        10 => (any_node(), message()).prop_map(|(from, message)| received(from, message)),
        // Valid messages of nodes 1 and 3: the ballots belong to the sender.
        30 => (prop_oneof![Just(NodeId(1)), Just(NodeId(3))], message()).prop_map(
            |(from, mut message)| {
                match &mut message {
                    PaxosMessage::Prepare { ballot, .. } => ballot.node = from,
                    PaxosMessage::Accept { proposal, .. } => proposal.ballot.node = from,
                    _ => {}
                }
                received(from, message)
            }
        ),
        12 => timer().prop_map(|timer| Event::Stepped(Input::Elapsed(timer))),
        1 => any_node().prop_map(|peer| Event::Stepped(Input::Suspected(peer))),
        1 => any_node().prop_map(|peer| Event::Stepped(Input::Silent(peer))),
        1 => any_node().prop_map(|peer| Event::Stepped(Input::Returned(peer))),
        1 => any_node().prop_map(|peer| Event::Stepped(Input::Died(peer))),
        4 => command().prop_map(|command| Event::Stepped(Input::Commanded(command))),
    ]
}

fn config() -> impl Strategy<Value = PaxosConfig> {
    (any::<bool>(), any::<bool>(), option::of(number())).prop_map(|(broadcast, thrifty, first)| {
        PaxosConfig {
            learning: if broadcast {
                Learning::Broadcast
            } else {
                Learning::Distinguished
            },
            thrifty,
            first_ballot: first.into_iter().map(|first| (NodeId(2), first)).collect(),
            ..PaxosConfig::default()
        }
    })
}

/// Returns `true` if the acceptor keeps its earlier pledges. `pledged` has its highest pledge
/// (promise, acceptance or proposal) in each instance, across restarts.
fn keeps_pledges(pledged: &mut BTreeMap<Epoch, Pledge>, pledge: Pledge) -> bool {
    let before = pledged.get(&pledge.epoch).copied();
    let Some(bound) = before.map_or(Some(pledge), |before| before.then(pledge)) else {
        return false;
    };
    pledged.insert(pledge.epoch, bound);
    true
}

/// Returns `true` if a crash cannot lose the pledge. Either the disk has the promise, or the
/// counter on disk vouches for it: after a restart, the node refuses all ballots up to this
/// counter.
fn is_durable(durable: &PaxosDurable, pledge: Pledge) -> bool {
    let written = durable.promised.is_some_and(|promised| {
        durable.instance == pledge.epoch && (promised.counter, promised.node.0) == pledge.rank
    });
    let vouched = durable.instance == durable.epoch
        && pledge.epoch == durable.epoch.next()
        && pledge.rank.0 <= durable.counter;
    written || vouched
}

proptest! {
    // A peer may be broken, hostile or of another version. For all messages, a node does not panic
    // and keeps the contract of `ElectionAlgorithm`. After a crash the node has its old epoch, and
    // it keeps its pledges (promises, acceptances and proposals). After some crashes, the host (the
    // program that runs the algorithm) also raises the node's epoch above a floor, which is a given
    // epoch, and the node never goes below this floor.
    // Invariants: I1, I2, I5.
    #[test]
    fn any_input_in_any_state(
        config in config(),
        events in vec(event(), 1..160),
    ) {
        let members = Membership::new(NodeId(2), (1..=3).map(NodeId)).unwrap();
        let boot = |durable: PaxosDurable| {
            Driver::<Paxos>::restore(&config, members.clone(), durable)
        };
        let mut driver = boot(PaxosDurable::default());
        let mut durable = PaxosDurable::default();
        let mut pledged = BTreeMap::new();
        let mut lowest = Epoch::ZERO;
        for (at, event) in events.into_iter().enumerate() {
            let input = match event {
                Event::Stepped(input) => input,
                Event::Crashed => {
                    let epoch = driver.view().epoch;
                    driver = boot(durable.clone());
                    prop_assert_eq!(driver.view().epoch, epoch, "a restart keeps the epoch");
                    Input::Started
                }
                Event::Raised(floor) => {
                    let Some(raised) = Paxos::raised(&durable, floor) else {
                        continue; // There is no epoch above the floor.
                    };
                    prop_assert!(raised.epoch > floor && raised.epoch >= durable.epoch);
                    durable = raised;
                    lowest = lowest.max(floor.next());
                    driver = boot(durable.clone());
                    Input::Started
                }
            };
            let step = driver.step(input, Moment::from_nanos(at as u64));
            prop_assert!(step.is_ok(), "{:?}", step);
            let step = step.unwrap();
            if let Some(persist) = step.persist {
                prop_assert!(persist.epoch >= durable.epoch);
                prop_assert!(persist.instance >= durable.instance.max(persist.epoch));
                prop_assert!(persist.counter >= durable.counter);
                durable = persist;
            }
            for out in &step.sends {
                if let Some(pledge) = out.message.pledge(out.to) {
                    prop_assert!(pledge.epoch >= lowest, "{:?} is below {:?}", out, lowest);
                    prop_assert!(keeps_pledges(&mut pledged, pledge), "{:?}", out);
                    prop_assert!(is_durable(&durable, pledge), "not on disk: {:?}", out);
                }
            }
            prop_assert!(driver.view().role != Role::Leader || driver.view().epoch >= lowest);
        }
    }
}
