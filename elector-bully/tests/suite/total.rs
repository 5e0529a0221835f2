//! Tests that no input from any sender breaks a node in any state.

use std::collections::BTreeMap;

use elector_bully::{Bully, BullyConfig, BullyDurable, BullyMessage, BullyTimer};
use elector_core::{Driver, Epoch, Input, Moment, View};
use proptest::{collection::vec, option, prelude::*};

use crate::algorithm::inputs::{
    change, epoch, input, member, members, restart, run_without_driver,
};

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

fn config() -> impl Strategy<Value = BullyConfig> {
    any::<(bool, bool)>().prop_map(|(preempt, skip_suspected)| BullyConfig {
        preempt,
        skip_suspected,
        ..BullyConfig::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    // A peer may be broken, hostile or of another version. For all messages, a node does not panic
    // and keeps the contract of `ElectionAlgorithm`. Exactly one timer runs. After a crash the node
    // has its old epoch, and it never recognises two coordinators of one epoch (except for the last
    // epoch). After some crashes, the host (the program that runs the algorithm) also raises the
    // node's epoch above a floor, which is a given epoch.
    // Invariants: I1, I2, I4.
    #[test]
    fn any_input_in_any_state(
        config in config(),
        me in member(),
        start in epoch(),
        inputs in vec((input(message(), timer()), option::of(epoch())), 0..60),
    ) {
        let durable = BullyDurable {
            epoch: start,
            coordinator: None,
        };
        let mut driver = Driver::<Bully>::restore(&config, members(me), durable);
        let (mut running, mut coordinators) = (Vec::new(), BTreeMap::new());
        for (input, floor) in std::iter::once((Input::Started, None)).chain(inputs) {
            if input == Input::Started {
                driver = restart(&driver, &config, me, floor)?;
                running.clear();
            }
            let step = driver.step(input.clone(), Moment::ZERO);
            let step = step.map_err(|error| TestCaseError::fail(format!("{input:?}: {error}")))?;
            change(&mut running, &step.timers);
            prop_assert_eq!(running.len(), 1, "after {:?}: {:?}", input, running);
            let View { epoch, leader, .. } = driver.view();
            if let Some(leader) = leader.filter(|_| epoch < Epoch(u64::MAX)) {
                prop_assert_eq!(*coordinators.entry(epoch).or_insert(leader), leader);
            }
            driver.recycle(step);
        }
    }

    // A node does not panic even without a `Driver`, which would drop the messages of unknown
    // peers.
    #[test]
    fn unknown_peers_cannot_make_it_panic(
        config in config(),
        inputs in vec(input(message(), timer()), 0..60),
    ) {
        run_without_driver(&config, inputs)?;
    }
}
