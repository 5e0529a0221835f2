//! Tests of the driver: which input it accepts, which changes it detects, and every rule that it
//! enforces.
#![allow(clippy::unwrap_used, reason = "an unexpected result must end a test")]

mod puppet;

use elector_core::{
    Command, ContractViolation, Delay, Driver, Epoch, Input, Moment, NodeId, Outgoing, Role,
    TimerChange, Timing, View,
};
use proptest::prelude::*;
use puppet::{Act, Disk, Puppet, Script, driver, following, members, obey, received};

/// Runs the script `first` and then the script `then`. Returns the rule of the contract that the
/// script `then` breaks.
fn broken(first: &[Act], then: &[Act]) -> ContractViolation {
    let mut driver = driver::<Puppet>();
    obey(&mut driver, first);
    *driver.step(received(then), Moment::ZERO).unwrap_err()
}

// Fencing tokens are made from epochs. If an epoch went back, a later token could be lower than an
// earlier one.
#[test]
fn an_epoch_that_goes_back_is_caught() {
    assert_eq!(
        broken(&[Act::Show(following(5, 2))], &[Act::Show(following(4, 2))]),
        ContractViolation::EpochWentBack {
            from: Epoch(5),
            to: Epoch(4)
        }
    );
}

// Under the guarantee `Quorum`, an epoch has at most one leader. If a node names a second leader of
// the same epoch, two nodes may have worked as the leader with the same fencing tokens.
#[test]
fn a_second_leader_of_an_epoch_is_caught() {
    let changed = ContractViolation::LeaderChanged {
        epoch: Epoch(5),
        from: NodeId(2),
        to: NodeId(3),
    };
    let first = Act::Show(following(5, 2));
    assert_eq!(
        broken(std::slice::from_ref(&first), &[Act::Show(following(5, 3))]),
        changed
    );

    // The rule also holds if the node forgot the leader of the epoch in between.
    let mut driver = driver::<Puppet>();
    obey(&mut driver, &[first]);
    let forgets = View::following(Epoch(5), None);
    obey(&mut driver, &[Act::Show(forgets)]);
    let step = driver.step(received(&[Act::Show(following(5, 3))]), Moment::ZERO);
    assert_eq!(*step.unwrap_err(), changed);
}

// The same leader again, or another leader in a later epoch, breaks no rule and must not be
// reported.
#[test]
fn later_epochs_may_have_other_leaders() {
    let mut driver = driver::<Puppet>();
    for (epoch, leader) in [(5, 2), (5, 2), (6, 3), (9, 2)] {
        let view = following(epoch, leader);
        obey(
            &mut driver,
            &[Act::Show(View::following(Epoch(epoch), None))],
        );
        assert_eq!(obey(&mut driver, &[Act::Show(view)]).view, Some(view));
    }
}

// An application acts on the role, so the role must never disagree with the leader of the view.
#[test]
fn a_role_that_disagrees_is_caught() {
    let (me, peer) = (Some(NodeId(1)), Some(NodeId(2)));
    let cases = [
        (Role::Leader, peer),
        (Role::Leader, None),
        (Role::Follower, me),
        (Role::Candidate, me),
    ];
    for (role, leader) in cases {
        let epoch = Epoch(1);
        let view = View {
            epoch,
            leader,
            role,
        };
        let expected = ContractViolation::RoleDisagrees { role, leader };
        assert_eq!(broken(&[], &[Act::Show(view)]), expected);
    }
}

// A view that names a leader that is not a member would send the application to a leader that no
// node can reach. It is worse than a view without a leader.
#[test]
fn a_leader_that_is_not_a_member_is_caught() {
    assert_eq!(
        broken(&[], &[Act::Show(following(1, 9))]),
        ContractViolation::UnknownLeader(NodeId(9))
    );
}

// No host can deliver a message to a node that is not a member, and a message to the node itself
// would bypass the network models.
#[test]
fn a_message_to_a_node_that_is_not_a_peer_is_caught() {
    for to in [NodeId(1), NodeId(9)] {
        let acts = [Act::Send(NodeId(2)), Act::Send(to)];
        assert_eq!(broken(&[], &acts), ContractViolation::NotAPeer(to));
    }
}

// An algorithm knows its own invariants best, and the driver calls its `check` after each step.
// Without the check, the messages of the node may show no sign of a violation for a long time.
#[test]
fn a_broken_invariant_is_caught() {
    assert_eq!(
        broken(&[], &[Act::Break]),
        ContractViolation::Invariant("the puppet is broken")
    );
}

// The driver normally checks a view only when it has changed. A view that is wrong from the start
// may never change, so the first step must check it in any case.
#[test]
fn a_wrong_view_at_boot_is_caught_by_the_first_step() {
    let boot = |view| {
        let disk = Disk {
            value: 0,
            boot: view,
        };
        let mut driver = Driver::<Puppet>::restore(&Timing::default(), members(), disk);
        driver.step(Input::Started, Moment::ZERO)
    };
    assert_eq!(
        *boot(following(1, 9)).unwrap_err(),
        ContractViolation::UnknownLeader(NodeId(9))
    );
    assert!(matches!(
        *boot(following(1, 1)).unwrap_err(),
        ContractViolation::RoleDisagrees { .. }
    ));
    let step = boot(following(1, 2)).unwrap();
    assert_eq!(step.view, None, "a valid view is not a change");
}

// The leader that the node knows when it starts counts, too: a restart must not allow a second
// leader of the epoch.
#[test]
fn the_leader_known_at_boot_keeps_its_epoch() {
    let disk = Disk {
        value: 0,
        boot: following(4, 2),
    };
    let mut driver = Driver::<Puppet>::restore(&Timing::default(), members(), disk);
    let error = driver
        .step(received(&[Act::Show(following(4, 3))]), Moment::ZERO)
        .unwrap_err();
    assert!(matches!(*error, ContractViolation::LeaderChanged { .. }));
}

// Operators read violations in the log, so the text of a violation must describe in words what
// happened.
#[test]
fn violations_read_well() {
    let text = broken(&[Act::Show(following(5, 2))], &[Act::Show(following(4, 2))]).to_string();
    assert_eq!(text, "the epoch went back from 5 to 4");
    let text = broken(&[], &[Act::Send(NodeId(9))]).to_string();
    assert_eq!(text, "a message was sent to 9, which is not a peer");
}

// Authentication shows which node speaks, but not that this node is a member. Algorithms rely on
// the driver to drop input of nodes that are not members.
#[test]
fn input_from_the_node_itself_or_from_unknown_peers_changes_nothing() {
    for node in [NodeId(1), NodeId(9)] {
        let acts = Script(vec![
            Act::Persist(7),
            Act::Broadcast,
            Act::Set('a'),
            Act::Show(following(3, 2)),
        ]);
        let received = Input::Received {
            from: node,
            message: acts,
        };
        for input in [
            received,
            Input::Suspected(node),
            Input::Silent(node),
            Input::Returned(node),
            Input::Died(node),
        ] {
            let mut driver = driver::<Puppet>();
            let before = driver.algorithm().clone();
            let step = driver.step(input, Moment::ZERO).unwrap();
            assert_eq!(*driver.algorithm(), before);
            assert_eq!((step.number, step.needs, step.persist), (1, 0, None));
            assert_eq!(
                (step.sends.len(), step.timers.len(), step.view),
                (0, 0, None)
            );
        }
    }
}

// The driver must pass all input of peers, all timers and all commands to the algorithm.
#[test]
fn all_other_input_reaches_the_algorithm() {
    let inputs = [
        Input::Started,
        Input::Elapsed('x'),
        Input::Suspected(NodeId(3)),
        Input::Silent(NodeId(3)),
        Input::Returned(NodeId(3)),
        Input::Died(NodeId(3)),
    ];
    let mut driver = driver::<Puppet>();
    for (input, value) in inputs.into_iter().zip(1..) {
        let step = driver.step(input, Moment::ZERO).unwrap();
        assert_eq!(step.persist.unwrap().value, value);
    }
    let command = Input::Commanded(Command::TransferTo(NodeId(9)));
    let step = driver.step(command, Moment::ZERO).unwrap();
    assert_eq!(step.refusal, Some("a puppet obeys messages only".into()));
    assert_eq!(
        obey(&mut driver, &[]).refusal,
        None,
        "a refusal is not kept for the next step"
    );
}

// The gate holds a step back until the write of step `needs` is durable. If `needs` were too low,
// others could see a vote that the node forgets in a crash.
#[test]
fn a_step_needs_the_newest_write_up_to_itself() {
    let mut driver = driver::<Puppet>();
    let acts: [&[Act]; 6] = [
        &[Act::Broadcast],
        &[Act::Persist(1)],
        &[Act::Broadcast],
        &[Act::Persist(1)],
        &[Act::Persist(2), Act::Broadcast],
        &[Act::Persist(9), Act::Persist(2)],
    ];
    let numbers = acts.map(|acts| {
        let step = obey(&mut driver, acts);
        let persisted = step.persist.map(|disk| disk.value);
        (step.number, step.needs, persisted)
    });
    let expected = [
        (1, 0, None),
        (2, 2, Some(1)),
        (3, 2, None),
        (4, 2, None),
        (5, 5, Some(2)),
        (6, 5, None),
    ];
    assert_eq!(numbers, expected);
}

// The requests of a step must come out in the order in which the algorithm made them, and a view
// only if it changed.
#[test]
fn a_step_keeps_the_order_of_its_requests() {
    let mut driver = driver::<Puppet>();
    let view = following(2, 3);
    let acts = [
        Act::Send(NodeId(3)),
        Act::Set('a'),
        Act::Cancel('b'),
        Act::Broadcast,
        Act::Set('b'),
        Act::Show(view),
    ];
    let step = obey(&mut driver, &acts);
    let to: Vec<u64> = step.sends.iter().map(|out| out.to.0).collect();
    assert_eq!(to, [3, 2, 3]);
    let timers = [
        TimerChange::Set('a', Delay::ZERO),
        TimerChange::Cancel('b'),
        TimerChange::Set('b', Delay::ZERO),
    ];
    assert_eq!(step.timers, timers);
    assert_eq!(step.view, Some(view));
    assert_eq!(obey(&mut driver, &[Act::Show(view)]).view, None);
    assert_eq!(driver.view(), view);
}

// A lease counts from the timestamp of the step, so each step needs the host's current clock
// reading.
#[test]
fn a_step_is_stamped_with_the_clock_of_the_host() {
    let mut driver = driver::<Puppet>();
    assert_eq!(driver.lease(), None);
    for nanos in [5, 8] {
        let now = Moment::from_nanos(nanos);
        driver.step(received(&[Act::Lease]), now).unwrap();
        assert_eq!(driver.lease(), Some(now));
    }
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        (0..3_u64).prop_map(Act::Persist),
        (2..=3_u64).prop_map(|to| Act::Send(NodeId(to))),
        Just(Act::Broadcast),
        (0..3_u64).prop_map(|epoch| Act::Show(View::following(Epoch(epoch), None))),
        proptest::char::range('a', 'c').prop_map(Act::Set),
        proptest::char::range('a', 'c').prop_map(Act::Cancel),
        Just(Act::Refuse),
    ];
    prop::collection::vec(act, 0..6)
}

proptest! {
    // Reused buffers must not leak requests of an older step into a newer one.
    #[test]
    fn recycling_changes_no_step(steps in prop::collection::vec((acts(), any::<bool>()), 0..20)) {
        let (mut plain, mut recycled) = (driver::<Puppet>(), driver::<Puppet>());
        for (acts, give_back) in steps {
            let expected = plain.step(received(&acts), Moment::ZERO);
            let actual = recycled.step(received(&acts), Moment::ZERO);
            prop_assert_eq!(format!("{expected:?}"), format!("{actual:?}"));
            let Ok(actual) = actual else {
                return Ok(());
            };
            if give_back {
                recycled.recycle(actual);
            }
        }
    }

    // Each message of an algorithm leaves the driver exactly once, and goes to peers only.
    #[test]
    fn sends_are_those_of_the_step(acts in acts()) {
        let mut driver = driver::<Puppet>();
        let expected: Vec<Outgoing<Script>> = acts
            .iter()
            .flat_map(|act| match act {
                Act::Send(to) => vec![(*to, Script(Vec::new()))],
                Act::Broadcast => [2, 3]
                    .map(|to| (NodeId(to), Script(vec![Act::Broadcast])))
                    .to_vec(),
                _ => Vec::new(),
            })
            .map(|(to, message)| Outgoing { to, message })
            .collect();
        if let Ok(step) = driver.step(received(&acts), Moment::ZERO) {
            prop_assert_eq!(step.sends, expected);
        }
    }
}
