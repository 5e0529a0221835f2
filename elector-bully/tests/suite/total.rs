//! No input from any sender breaks a node in any state.

use std::collections::BTreeMap;

use elector_bully::{Bully, BullyConfig, BullyDurable, BullyMessage, BullyTimer};
use elector_core::{
    Command, Driver, ElectionAlgorithm, Epoch, Input, Membership, Moment, NodeId, TimerChange, View,
};
use proptest::prelude::*;

type AnyInput = Input<BullyMessage, BullyTimer>;

fn epoch() -> impl Strategy<Value = Epoch> {
    let near = 0_u64..6;
    prop_oneof![4 => near, 1 => (u64::MAX - 3)..=u64::MAX].prop_map(Epoch)
}

/// Members are 10, 20, ... 50; other ids are unknown peers.
fn any_node() -> impl Strategy<Value = NodeId> {
    let member = (1_u64..=5).prop_map(|node| node * 10);
    prop_oneof![8 => member, 1 => any::<u64>()].prop_map(NodeId)
}

fn message() -> impl Strategy<Value = BullyMessage> {
    (0..6, epoch(), any::<bool>()).prop_map(|(kind, epoch, appointed)| match kind {
        0 => BullyMessage::Election { epoch },
        1 => BullyMessage::Answer { epoch },
        2 => BullyMessage::Coordinator { epoch, appointed },
        3 => BullyMessage::Heartbeat { epoch, appointed },
        4 => BullyMessage::Handover { epoch, appointed },
        _ => BullyMessage::Outdated { epoch },
    })
}

fn timer() -> impl Strategy<Value = BullyTimer> {
    prop_oneof![
        Just(BullyTimer::Vigil),
        Just(BullyTimer::Stagger),
        Just(BullyTimer::Answer),
        Just(BullyTimer::Coordinator),
        Just(BullyTimer::Heartbeat),
    ]
}

fn input() -> impl Strategy<Value = AnyInput> {
    let command = prop_oneof![
        Just(Command::Campaign),
        Just(Command::Resign),
        any_node().prop_map(Command::TransferTo),
    ];
    prop_oneof![
        8 => (any_node(), message())
            .prop_map(|(from, message)| Input::Received { from, message }),
        4 => timer().prop_map(Input::Elapsed),
        1 => any_node().prop_map(Input::Suspected),
        1 => any_node().prop_map(Input::Silent),
        1 => any_node().prop_map(Input::Returned),
        1 => any_node().prop_map(Input::Died),
        2 => command.prop_map(Input::Commanded),
        1 => Just(Input::Started),
    ]
}

fn config() -> impl Strategy<Value = BullyConfig> {
    any::<(bool, bool)>().prop_map(|(preempt, skip_suspected)| BullyConfig {
        preempt,
        skip_suspected,
        ..BullyConfig::default()
    })
}

fn members(me: u64) -> Membership {
    Membership::new(NodeId(me), (1..=5).map(|node| NodeId(node * 10))).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    // A peer may be broken, hostile or of another version. For all messages, a node does not panic
    // and keeps its contract. Exactly one timer runs. After a crash it has its old epoch, and it
    // never recognises two coordinators of one epoch (except for the last epoch).
    // Invariants: I1, I2, I4.
    #[test]
    fn any_input_in_any_state(
        config in config(),
        me in (1_u64..=5).prop_map(|node| node * 10),
        start in epoch(),
        inputs in prop::collection::vec(input(), 0..60),
    ) {
        let durable = BullyDurable {
            epoch: start,
            coordinator: None,
        };
        let mut driver = Driver::<Bully>::restore(&config, members(me), durable);
        let (mut running, mut coordinators) = (Vec::new(), BTreeMap::new());
        for input in std::iter::once(Input::Started).chain(inputs) {
            if input == Input::Started {
                let (saved, epoch) = (driver.algorithm().durable().clone(), driver.view().epoch);
                driver = Driver::restore(&config, members(me), saved);
                prop_assert_eq!(driver.view().epoch, epoch);
                running.clear();
            }
            let step = driver.step(input.clone(), Moment::ZERO);
            let step = step.map_err(|error| TestCaseError::fail(format!("{input:?}: {error}")))?;
            for order in &step.timers {
                let (TimerChange::Set(timer, _) | TimerChange::Cancel(timer)) = *order;
                running.retain(|&other| other != timer);
                if let TimerChange::Set(..) = order {
                    running.push(timer);
                }
            }
            prop_assert_eq!(running.len(), 1, "after {:?}: {:?}", input, running);
            let View { epoch, leader, .. } = driver.view();
            if let Some(leader) = leader.filter(|_| epoch < Epoch(u64::MAX)) {
                prop_assert_eq!(*coordinators.entry(epoch).or_insert(leader), leader);
            }
            driver.recycle(step);
        }
    }

    // The same holds without a driver that drops the messages of unknown peers.
    #[test]
    fn unknown_peers_cannot_make_it_panic(
        config in config(),
        inputs in prop::collection::vec(input(), 0..60),
    ) {
        let mut node = Bully::restore(&config, members(30), BullyDurable::default());
        let mut epoch = node.view().epoch;
        for input in inputs {
            let mut out = elector_core::Outbox::new(members(30), Moment::ZERO);
            node.step(input, &mut out);
            prop_assert!(node.view().epoch >= epoch);
            epoch = node.view().epoch;
        }
    }
}
