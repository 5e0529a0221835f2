//! Random inputs for a node: messages from members and from unknown peers, and numbers near zero or
//! near the end of their range.
#![allow(dead_code, reason = "each algorithm uses a part of it")]

use elector_core::{
    Command, Driver, ElectionAlgorithm, Epoch, Input, Membership, Moment, NodeId, Outbox,
    TimerChange,
};
use proptest::prelude::*;

use super::Config;
use crate::Algorithm;

pub(crate) type Message = <Algorithm as ElectionAlgorithm>::Message;
pub(crate) type Timer = <Algorithm as ElectionAlgorithm>::Timer;

pub(crate) fn number() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0_u64..6, 1 => (u64::MAX - 3)..=u64::MAX]
}

pub(crate) fn epoch() -> impl Strategy<Value = Epoch> {
    number().prop_map(Epoch)
}

/// Returns any node id. The members are 10, 20, ... 50; other ids are unknown peers.
pub(crate) fn any_node() -> impl Strategy<Value = NodeId> {
    prop_oneof![8 => member(), 1 => any::<u64>()].prop_map(NodeId)
}

pub(crate) fn member() -> impl Strategy<Value = u64> {
    (1_u64..=5).prop_map(|node| node * 10)
}

pub(crate) fn members(me: u64) -> Membership {
    Membership::new(NodeId(me), (1..=5).map(|node| NodeId(node * 10))).unwrap()
}

/// Returns any input. When a test gets `Input::Started`, it crashes and restarts the node.
pub(crate) fn input(
    message: impl Strategy<Value = Message>,
    timer: impl Strategy<Value = Timer>,
) -> impl Strategy<Value = Input<Message, Timer>> {
    let command = prop_oneof![
        Just(Command::Campaign),
        Just(Command::Resign),
        any_node().prop_map(Command::TransferTo),
    ];
    prop_oneof![
        8 => (any_node(), message).prop_map(|(from, message)| Input::Received { from, message }),
        6 => timer.prop_map(Input::Elapsed),
        1 => any_node().prop_map(Input::Suspected),
        1 => any_node().prop_map(Input::Silent),
        1 => any_node().prop_map(Input::Returned),
        1 => any_node().prop_map(Input::Died),
        2 => command.prop_map(Input::Commanded),
        1 => Just(Input::Started),
    ]
}

/// Applies the timer changes of a step to the list of running timers.
pub(crate) fn change(running: &mut Vec<Timer>, changes: &[TimerChange<Timer>]) {
    for change in changes {
        let (TimerChange::Set(timer, _) | TimerChange::Cancel(timer)) = *change;
        running.retain(|&other| other != timer);
        if let TimerChange::Set(..) = change {
            running.push(timer);
        }
    }
}

/// Crashes the node and starts it again from its durable state. If `floor` is given,
/// [`ElectionAlgorithm::raised`] first raises the durable state above this epoch. Returns an error
/// if the epoch of the restarted node is lower than before. Without a raise, the epoch must be the
/// same as before. After a raise, it must be above `floor`.
pub(crate) fn restart<A: ElectionAlgorithm>(
    driver: &Driver<A>,
    config: &A::Config,
    me: u64,
    floor: Option<Epoch>,
) -> Result<Driver<A>, TestCaseError> {
    let (disk, before) = (driver.algorithm().durable(), driver.view().epoch);
    let raised = floor.and_then(|floor| A::raised(disk, floor));
    let is_raised = raised.is_some();
    let disk = raised.unwrap_or_else(|| disk.clone());
    let restarted = Driver::restore(config, members(me), disk);
    let after = restarted.view().epoch;
    prop_assert!(after >= before);
    prop_assert!(is_raised || after == before);
    prop_assert!(!is_raised || Some(after) > floor);
    Ok(restarted)
}

/// Gives a new node these inputs without a driver, which would drop the messages of unknown peers.
/// The node must not panic, and its epoch must not go back.
pub(crate) fn run_without_driver(
    config: &Config,
    inputs: Vec<Input<Message, Timer>>,
) -> Result<(), TestCaseError> {
    let mut node = Algorithm::restore(config, members(30), Default::default());
    let mut epoch = node.view().epoch;
    for input in inputs {
        let mut out = Outbox::new(members(30), Moment::ZERO);
        node.step(input, &mut out);
        prop_assert!(node.view().epoch >= epoch);
        epoch = node.view().epoch;
    }
    Ok(())
}
