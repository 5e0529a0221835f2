//! What this crate adds to the paper: epochs, stepping down and handing over, hints.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod node;

use std::time::Duration;

use elector_bully::{
    Bully, BullyConfig, BullyDurable,
    BullyMessage::{self, Coordinator, Handover, Heartbeat, Outdated},
    BullyTimer,
};
use elector_core::{
    Command, Delay, Driver, Epoch, Input, Membership, Moment, NodeId, Role, TimerChange, View,
};
use node::{Node, all, answer, coordinator, election, heartbeat, patient, preempting};

fn outdated(epoch: u64) -> BullyMessage {
    let epoch = Epoch(epoch);
    Outdated { epoch }
}

// "Highest epoch seen": a winner must number itself above what it heard of in any message.
// Invariant: I3.
#[test]
fn every_message_teaches_its_epoch() {
    let messages = [election(7), outdated(7), heartbeat(7)];
    for message in messages {
        let mut node = Node::follower(4, &preempting());
        node.order(Command::Campaign);
        node.hear(2, message);
        assert_eq!(node.elapse(BullyTimer::Answer), all(1..=3, &coordinator(8)));
    }
}

// A coordinator that learns of a newer epoch claims one above it, whatever taught it: an answer to
// a question that it had long forgotten, too.
#[test]
fn a_late_answer_makes_a_coordinator_catch_up() {
    let mut node = Node::leader(4, &preempting());
    assert_eq!(node.hear(5, answer(7)), all(1..=3, &coordinator(8)));
}

// A higher node that hears a lower coordinator bullies it; one that already follows a higher
// coordinator leaves that to it.
#[test]
fn a_lower_coordinator_is_contested_by_the_highest_that_hears_it() {
    let mut node = Node::leader(5, &preempting());
    assert_eq!(node.hear(2, heartbeat(4)), all(1..=4, &coordinator(5)));
    let mut node = Node::follower(4, &preempting());
    assert_eq!(node.hear(2, heartbeat(4)), []);
    assert_eq!(node.view(), View::following(Epoch(1), Some(NodeId(5))));
    node.elapse(BullyTimer::Vigil);
    assert_eq!(node.hear(2, heartbeat(4)), all([5], &election(4)));
}

// Without preemption the higher epoch wins, ties by id: both sides must come to the same end.
#[test]
fn without_preemption_the_higher_epoch_wins_and_ties_go_by_id() {
    let mut node = Node::leader(3, &patient());
    node.hear(2, heartbeat(2));
    assert_eq!(node.view(), View::following(Epoch(2), Some(NodeId(2))));
    let mut node = Node::leader(3, &patient());
    assert_eq!(node.hear(4, heartbeat(0)), all([4], &heartbeat(1)));
    assert_eq!(node.hear(2, heartbeat(1)), all([1, 2], &coordinator(2)));
    let mut node = Node::leader(3, &patient());
    assert_eq!(node.hear(4, heartbeat(1)), all([4], &outdated(1)));
    node.hear(4, coordinator(2));
    assert_eq!(node.view(), View::following(Epoch(2), Some(NodeId(4))));
}

// Two coordinators of one epoch: a follower of one that came to follow the other could not tell
// their tenures apart.
// Invariant: I2.
#[test]
fn nobody_recognises_two_coordinators_of_one_epoch() {
    let mut node = Node::follower(1, &preempting());
    assert_eq!(node.hear(4, heartbeat(1)), [], "5 hears it too");
    node.elapse(BullyTimer::Vigil);
    assert_eq!(node.hear(4, heartbeat(1)), all([4], &outdated(1)));
    let mut other = Node::leader(4, &preempting());
    assert_eq!(other.hear(1, outdated(1)), all(1..=3, &coordinator(2)));
    assert_eq!(other.hear(2, outdated(1)), [], "settled already");
}

// A paused coordinator comes back: its followers have moved on and must not go back.
// Invariant: I2.
#[test]
fn a_past_coordinator_is_not_followed() {
    let mut node = Node::follower(1, &preempting());
    node.hear(4, coordinator(2));
    assert_eq!(node.hear(5, heartbeat(1)), []);
    assert_eq!(node.view(), View::following(Epoch(2), Some(NodeId(4))));
    node.elapse(BullyTimer::Vigil);
    assert_eq!(node.hear(5, heartbeat(1)), all([5], &outdated(2)));
    assert_eq!(node.view(), View::following(Epoch(2), Some(NodeId(4))));
}

// COORDINATOR may arrive twice, and late: after its sender has lost leadership.
#[test]
fn a_repeated_coordinator_message_changes_nothing() {
    let mut node = Node::follower(1, &preempting());
    node.hear(4, coordinator(2));
    node.hear(3, coordinator(3));
    assert_eq!(node.hear(4, coordinator(2)), []);
    assert_eq!(node.view(), View::following(Epoch(3), Some(NodeId(3))));
}

// Resigning is pointless if the one who resigned wins the next election by its id.
#[test]
fn who_resigned_sits_out() {
    let mut node = Node::leader(5, &preempting());
    let handover = Handover {
        epoch: Epoch(1),
        appointed: false,
    };
    assert_eq!(node.order(Command::Resign), all([4], &handover));
    assert_eq!(node.view(), View::following(Epoch(1), None));
    assert_eq!(node.hear(2, election(1)), [], "as good as dead");
    node.hear(4, heartbeat(2));
    assert_eq!(node.view(), View::following(Epoch(2), Some(NodeId(4))));
    assert_eq!(node.hear(2, election(2)), all([2], &answer(2)));
    assert_eq!(node.view(), View::following(Epoch(2), Some(NodeId(4))));
}

// A node that will not lead must not hold up one that wants to: no answer, or it waits for ever.
// Invariant: I5.
#[test]
fn who_resigned_does_not_hold_up_a_higher_candidate() {
    let mut node = Node::leader(5, &preempting());
    node.order(Command::Resign);
    node.hear(3, heartbeat(2));
    assert_eq!(
        node.hear(4, election(2)),
        [],
        "4 outranks 3 and may have it"
    );
    node.elapse(BullyTimer::Vigil);
    // 3 is gone: 5 takes part again.
    let mut sent = all([2], &answer(2));
    sent.extend(all(1..=4, &coordinator(3)));
    assert_eq!(node.hear(2, election(2)), sent);
}

// If nobody else can lead, sitting out must end.
#[test]
fn who_resigned_comes_back_if_nobody_leads() {
    let mut node = Node::leader(5, &preempting());
    node.order(Command::Resign);
    node.elapse(BullyTimer::Vigil);
    assert_eq!(
        node.elapse(BullyTimer::Stagger),
        all(1..=4, &coordinator(2))
    );
}

// A transfer is a decision of an operator: rank must not undo it.
#[test]
fn an_appointed_coordinator_is_not_preempted() {
    let claim = Heartbeat {
        epoch: Epoch(2),
        appointed: true,
    };
    let mut node = Node::follower(4, &preempting());
    assert_eq!(node.hear(2, claim.clone()), []);
    assert_eq!(node.view(), View::following(Epoch(2), Some(NodeId(2))));
    assert_eq!(node.hear(1, election(2)), all([1], &answer(2)));
    node.elapse(BullyTimer::Vigil);
    assert_eq!(node.elapse(BullyTimer::Stagger), all([5], &election(2)));
    // One that recovers finds out in time, too.
    let mut node = Node::new(5, &preempting(), 1);
    node.give(Input::Started);
    assert_eq!(node.hear(2, claim), []);
    assert_eq!(node.view(), View::following(Epoch(2), Some(NodeId(2))));
}

// A handover makes a coordinator at once, whom the higher nodes too must hear of.
#[test]
fn a_successor_leads_at_once() {
    let handover = Handover {
        epoch: Epoch(1),
        appointed: true,
    };
    let mut node = Node::follower(2, &preempting());
    let tell = Coordinator {
        epoch: Epoch(2),
        appointed: true,
    };
    let claim = Heartbeat {
        epoch: Epoch(2),
        appointed: true,
    };
    let mut sent = all([1], &tell);
    sent.extend(all(3..=5, &claim));
    assert_eq!(node.hear(5, handover.clone()), sent);
    assert_eq!(node.hear(5, handover), [], "a repeated one is stale");
    assert_eq!(node.view(), View::leading(Epoch(2), NodeId(2)));
}

// What makes no sense is refused in words and changes nothing.
#[test]
fn senseless_commands_are_refused() {
    let to = |peer| Command::TransferTo(NodeId(peer));
    let for_a_leader = [Command::Campaign, to(5), to(9)];
    refuses(&mut Node::leader(5, &preempting()), &for_a_leader);
    let for_a_follower = [Command::Resign, to(4)];
    refuses(&mut Node::follower(3, &preempting()), &for_a_follower);
}

fn refuses(node: &mut Node, commands: &[Command]) {
    for &command in commands {
        let view = node.view();
        let step = node.give(Input::Commanded(command));
        assert!(step.refusal.is_some(), "{command:?}");
        assert!(step.sends.is_empty() && step.timers.is_empty());
        assert_eq!(node.view(), view);
    }
}

// A hint never decides: everybody is asked, the one reported gone too.
#[test]
fn a_hint_starts_an_ordinary_election() {
    let mut node = Node::follower(4, &preempting());
    let sent = node.give(Input::Suspected(NodeId(5))).sends;
    assert_eq!(sent, all([5], &election(1)));
    node.hear(5, coordinator(1));
    assert_eq!(node.view(), View::following(Epoch(1), Some(NodeId(5))));
}

// Hosts repeat hints, at each failed reconnection: a turn that each one puts off never comes.
#[test]
fn a_repeated_hint_does_not_put_off_the_turn() {
    let mut node = Node::follower(2, &preempting());
    assert_eq!(node.give(Input::Suspected(NodeId(5))).timers.len(), 2);
    assert!(node.give(Input::Suspected(NodeId(5))).timers.is_empty());
    assert_eq!(node.elapse(BullyTimer::Stagger), all(3..=5, &election(1)));
}

// With `skip_suspected` the last hint that is missing must end the wait, and no earlier one.
#[test]
fn a_trusted_hint_ends_the_wait() {
    let config = BullyConfig {
        skip_suspected: true,
        ..preempting()
    };
    let mut node = Node::follower(3, &config);
    node.order(Command::Campaign);
    assert_eq!(node.give(Input::Suspected(NodeId(5))).sends, []);
    let sent = node.give(Input::Suspected(NodeId(4))).sends;
    assert_eq!(sent, all([1, 2], &coordinator(2)));
}

// A node that was proved dead does not answer, so that nothing is waited for; one that is only
// reported gone may, and one that is heard again lives.
#[test]
fn a_proof_ends_the_wait() {
    let mut node = Node::follower(3, &preempting());
    node.order(Command::Campaign);
    assert_eq!(node.give(Input::Died(NodeId(5))).sends, []);
    assert_eq!(node.give(Input::Suspected(NodeId(4))).sends, []);
    let sent = node.give(Input::Died(NodeId(4))).sends;
    assert_eq!(sent, all([1, 2], &coordinator(2)));

    let mut node = Node::follower(4, &preempting());
    node.give(Input::Died(NodeId(5)));
    node.hear(5, coordinator(3));
    let sent = node.give(Input::Suspected(NodeId(5))).sends;
    assert_eq!(sent, all([5], &election(3)));

    let mut node = Node::follower(3, &preempting());
    node.give(Input::Died(NodeId(5)));
    node.give(Input::Returned(NodeId(5)));
    node.order(Command::Campaign);
    assert_eq!(node.give(Input::Died(NodeId(4))).sends, [], "5 may answer");
}

// Under loss two candidates that always ask at the same moment always lose the same messages: the
// first wait is the shortest that can do, those after a failure are drawn from more and more.
#[test]
fn failed_elections_spread_out() {
    let mut node = Node::follower(3, &preempting());
    node.order(Command::Campaign);
    let mut waits = Vec::new();
    for _ in 0..4 {
        let from = NodeId(4);
        let message = answer(1);
        let timers = node.give(Input::Received { from, message }).timers;
        waits.extend(timers.iter().filter_map(|order| match order {
            TimerChange::Set(BullyTimer::Coordinator, delay) => Some(delay.max.as_millis()),
            _ => None,
        }));
        node.elapse(BullyTimer::Coordinator);
    }
    assert_eq!(waits, [40, 190, 340, 640]);
    node.hear(4, coordinator(2));
    node.order(Command::Campaign);
    let step = node.give(Input::Received {
        from: NodeId(4),
        message: answer(2),
    });
    let first = Delay::exactly(Duration::from_millis(40));
    assert!(
        step.timers
            .contains(&TimerChange::Set(BullyTimer::Coordinator, first))
    );
}

// A claim of the greatest epoch there is must not stop elections, nor overflow.
#[test]
fn the_last_epoch_is_survived() {
    let mut node = Node::follower(3, &preempting());
    node.hear(5, heartbeat(u64::MAX));
    node.order(Command::Campaign);
    assert_eq!(
        node.elapse(BullyTimer::Answer),
        all([1, 2], &coordinator(u64::MAX))
    );
    assert_eq!(node.view().role, Role::Leader);
}

// One node alone must not wait for anybody, nor send anything.
#[test]
fn a_single_node_leads_at_once() {
    let members = Membership::new(NodeId(1), [NodeId(1)]).unwrap();
    let durable = BullyDurable::default();
    let mut node = Driver::<Bully>::restore(&preempting(), members, durable);
    let step = node.step(Input::Started, Moment::ZERO).unwrap();
    assert!(step.sends.is_empty());
    assert_eq!(step.view, Some(View::leading(Epoch(1), NodeId(1))));
}
