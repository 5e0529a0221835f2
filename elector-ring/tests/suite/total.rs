//! No input from any sender breaks a node in any state.

use std::collections::BTreeSet;

use elector_core::{
    Command, Driver, ElectionAlgorithm, Epoch, Input, Membership, Moment, NodeId, Outbox,
    TimerChange,
};
use elector_ring::{
    Ring, RingConfig, RingDurable, RingMessage, RingTimer, RingVariant, Serial, Token, TokenBody,
    Way,
};
use proptest::prelude::*;

type AnyInput = Input<RingMessage, RingTimer>;

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0_u64..6, 1 => (u64::MAX - 3)..=u64::MAX]
}

fn epoch() -> impl Strategy<Value = Epoch> {
    number().prop_map(Epoch)
}

/// Members are 10, 20, ... 50; other ids are unknown peers.
fn any_node() -> impl Strategy<Value = NodeId> {
    let member = (1_u64..=5).prop_map(|node| node * 10);
    prop_oneof![8 => member, 1 => any::<u64>()].prop_map(NodeId)
}

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

/// Often a token that the node has sent itself, because serials start with 1.1.
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

/// A configuration, also with an order of the ring that validation rejects.
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

fn members(me: u64) -> Membership {
    Membership::new(NodeId(me), (1..=5).map(|node| NodeId(node * 10))).unwrap()
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
    // and keeps its contract. Exactly one timer that makes it act runs, and no token has more hops
    // than a lap. After a crash it has its old epoch. Timers elapse as in a host: only if they run,
    // except for stray timers that never ran.
    // Invariants: I1, I6.
    #[test]
    fn any_input_in_any_state(
        config in config(),
        me in (1_u64..=5).prop_map(|node| node * 10),
        start in epoch(),
        inputs in prop::collection::vec((input(), any::<usize>()), 0..80),
        floor in epoch(),
    ) {
        let durable = RingDurable { epoch: start, life: start.0 };
        let mut driver = Driver::<Ring>::restore(&config, members(me), durable);
        let mut running = BTreeSet::new();
        let first = (Input::Started, 0);
        for (input, choice) in std::iter::once(first).chain(inputs) {
            let input = match input {
                Input::Started => {
                    let (saved, epoch) = (*driver.algorithm().durable(), driver.view().epoch);
                    // With a crash, the epochs of the node may get a floor.
                    let raised = Ring::raised(&saved, floor).filter(|_| choice % 2 == 1);
                    driver = Driver::restore(&config, members(me), raised.unwrap_or(saved));
                    prop_assert!(driver.view().epoch >= epoch);
                    prop_assert!(raised.is_none() || driver.view().epoch > floor);
                    prop_assert!(raised.is_some() || driver.view().epoch == epoch);
                    running.clear();
                    Input::Started
                }
                Input::Elapsed(stray) if !running.contains(&stray) => {
                    let timers: Vec<RingTimer> = running.iter().copied().collect();
                    let timer = timers[choice % timers.len()];
                    running.remove(&timer);
                    Input::Elapsed(timer)
                }
                Input::Elapsed(timer) => {
                    running.remove(&timer);
                    Input::Elapsed(timer)
                }
                other => other,
            };
            let step = driver.step(input.clone(), Moment::ZERO);
            let step = step.map_err(|error| TestCaseError::fail(format!("{input:?}: {error}")))?;
            for order in &step.timers {
                match *order {
                    TimerChange::Set(timer, _) => running.insert(timer),
                    TimerChange::Cancel(timer) => running.remove(&timer),
                };
            }
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

    // The same holds without a driver that drops the messages of unknown peers, and for timers that
    // do not run.
    #[test]
    fn unknown_peers_and_stray_timers_cannot_make_it_panic(
        config in config(),
        inputs in prop::collection::vec(input(), 0..80),
    ) {
        let mut node = Ring::restore(&config, members(30), RingDurable::default());
        let mut epoch = node.view().epoch;
        for input in inputs {
            let mut out = Outbox::new(members(30), Moment::ZERO);
            node.step(input, &mut out);
            prop_assert!(node.view().epoch >= epoch);
            epoch = node.view().epoch;
        }
    }
}
