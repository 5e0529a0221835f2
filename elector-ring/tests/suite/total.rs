//! Tests that no input from any sender breaks a node in any state.

use elector_core::{Driver, Input, Moment, NodeId};
use elector_ring::{
    Ring, RingConfig, RingDurable, RingMessage, RingTimer, RingVariant, Serial, Token, TokenBody,
    Way,
};
use proptest::prelude::*;

use crate::algorithm::inputs::{
    any_node, change, epoch, input, member, members, number, restart, run_without_driver,
};

fn body() -> impl Strategy<Value = TokenBody> {
    let way = || prop_oneof![Just(Way::Onward), Just(Way::Backward)];
    let level = || prop_oneof![4 => 0_u32..4, 1 => any::<u32>()];
    prop_oneof![
        prop::collection::vec(any_node(), 0..8).prop_map(|ids| TokenBody::Gather { ids }),
        Just(TokenBody::Contend),
        any_node().prop_map(|leader| TokenBody::Coordinator { leader }),
        (level(), way()).prop_map(|(level, way)| TokenBody::Probe { level, way }),
        (level(), way()).prop_map(|(level, way)| TokenBody::Reply { level, way }),
    ]
}

/// Generates tokens. Many of them look like tokens that the node has sent itself, because serials
/// are small numbers: a node's first serial is 1.1.
fn token() -> impl Strategy<Value = Token> {
    let serial = (0_u64..3, number()).prop_map(|(life, count)| Serial { life, count });
    let left = prop_oneof![4 => 0_u32..6, 1 => any::<u32>()];
    (any_node(), serial, epoch(), left, body()).prop_map(|(origin, serial, epoch, left, body)| {
        Token {
            origin,
            serial,
            epoch,
            left,
            body,
        }
    })
}

fn message() -> impl Strategy<Value = RingMessage> {
    prop_oneof![
        4 => token().prop_map(RingMessage::Token),
        1 => token().prop_map(|token| RingMessage::HopAck { token: token.id() }),
        2 => (epoch(), any::<bool>())
            .prop_map(|(epoch, settled)| RingMessage::Heartbeat { epoch, settled }),
        1 => epoch().prop_map(|epoch| RingMessage::Handover { epoch }),
        1 => any::<bool>().prop_map(|ask| RingMessage::Present { ask }),
    ]
}

fn timer() -> impl Strategy<Value = RingTimer> {
    prop_oneof![
        Just(RingTimer::Vigil),
        Just(RingTimer::Stagger),
        Just(RingTimer::Await),
        Just(RingTimer::Lap),
        Just(RingTimer::Heartbeat),
        Just(RingTimer::Settle),
        Just(RingTimer::Aside),
        token().prop_map(|token| RingTimer::Hop(token.id())),
    ]
}

/// Generates configurations. Many of them have an order of the ring that validation rejects.
fn config() -> impl Strategy<Value = RingConfig> {
    let variant = prop_oneof![
        Just(RingVariant::Collect),
        Just(RingVariant::ChangRoberts),
        Just(RingVariant::HirschbergSinclair),
    ];
    let order = Just(vec![10, 50, 30, 20, 40]).prop_shuffle();
    let ring = prop_oneof![order, prop::collection::vec(any::<u64>(), 0..7)];
    (variant, ring).prop_map(|(variant, ring)| RingConfig {
        variant,
        ring: ring.into_iter().map(NodeId).collect(),
        ..RingConfig::default()
    })
}

fn drives_node(timer: RingTimer) -> bool {
    match timer {
        RingTimer::Vigil
        | RingTimer::Stagger
        | RingTimer::Await
        | RingTimer::Lap
        | RingTimer::Heartbeat => true,
        RingTimer::Settle | RingTimer::Aside | RingTimer::Hop(_) => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    // A peer may be broken, hostile or of another version. For all messages, a node does not panic
    // and keeps the contract of `ElectionAlgorithm`. Exactly one of the timers that make the node
    // act runs, and no token has more hops than a lap. After a crash the node has its old epoch. As
    // in a host (a program that runs the algorithm), only timers that run elapse.
    // Invariants: I1, I6.
    #[test]
    fn any_input_in_any_state(
        config in config(),
        me in member(),
        start in epoch(),
        inputs in prop::collection::vec((input(message(), timer()), any::<usize>()), 0..80),
        floor in epoch(),
    ) {
        let durable = RingDurable { epoch: start, life: start.0 };
        let mut driver = Driver::<Ring>::restore(&config, members(me), durable);
        let mut running = Vec::new();
        let first = (Input::Started, 0);
        for (input, choice) in std::iter::once(first).chain(inputs) {
            let input = match input {
                Input::Started => {
                    // After some crashes, the host also raises the node's epoch above a floor (a
                    // given epoch).
                    let floor = Some(floor).filter(|_| choice % 2 == 1);
                    driver = restart(&driver, &config, me, floor)?;
                    running.clear();
                    Input::Started
                }
                Input::Elapsed(stray) if !running.contains(&stray) => {
                    Input::Elapsed(running[choice % running.len()])
                }
                other => other,
            };
            if let Input::Elapsed(timer) = input {
                running.retain(|&other| other != timer);
            }
            let step = driver.step(input.clone(), Moment::ZERO);
            let step = step.map_err(|error| TestCaseError::fail(format!("{input:?}: {error}")))?;
            change(&mut running, &step.timers);
            let acting = running.iter().filter(|&&timer| drives_node(timer)).count();
            prop_assert_eq!(acting, 1, "after {:?}: {:?}", input, running);
            for out in &step.sends {
                if let RingMessage::Token(token) = &out.message {
                    prop_assert!(token.left <= 5 && token.left > 0, "{:?}", token);
                }
            }
            driver.recycle(step);
        }
    }

    // A node does not panic even without a `Driver`, which would drop the messages of unknown
    // peers, and even if a timer elapses that does not run.
    #[test]
    fn unknown_peers_and_stray_timers_cannot_make_it_panic(
        config in config(),
        inputs in prop::collection::vec(input(message(), timer()), 0..80),
    ) {
        run_without_driver(&config, inputs)?;
    }
}
