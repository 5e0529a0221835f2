//! Tests the additions of this crate to the paper: epochs, commands and handovers, suspicions.

use std::time::Duration;

use crate::node::{Node, all, answer, coordinator, election, heartbeat, no_preempt, preempt};
use elector_bully::{
    Bully, BullyConfig, BullyDurable,
    BullyMessage::{self, Coordinator, Handover, Heartbeat, Outdated},
    BullyTimer,
};
use elector_core::{
    Command, Delay, Driver, Epoch, Input, Membership, Moment, NodeId, Role, TimerChange, View,
};

fn outdated(epoch: u64) -> BullyMessage {
    let epoch = Epoch(epoch);
    Outdated { epoch }
}

// A winner's epoch must be above the epochs of all messages that it has received.
// Invariant: I3.
#[test]
fn a_winner_counts_the_epoch_of_every_message() {
    let messages = [election(7), outdated(7), heartbeat(7)];
    for message in messages {
        let mut node = Node::follower(4, &preempt());
        node.command(Command::Campaign);
        node.receive(2, message);
        assert_eq!(
            node.elapse(BullyTimer::Answer).sends,
            all(1..=3, &coordinator(8))
        );
    }
}

// A coordinator that learns of a newer epoch moves to an epoch above the newer one, even if it
// learns of the newer epoch from a late answer.
#[test]
fn a_late_answer_makes_a_coordinator_catch_up() {
    let mut node = Node::leader(4, &preempt());
    assert_eq!(
        node.receive(5, answer(7)).sends,
        all(1..=3, &coordinator(8))
    );
}

// A node takes over from a coordinator with a lower id. But a node that follows a coordinator with
// a higher id leaves this to its coordinator: otherwise each node above the lower coordinator would
// start an election.
#[test]
fn the_highest_node_contests_a_lower_coordinator() {
    let mut node = Node::leader(5, &preempt());
    assert_eq!(
        node.receive(2, heartbeat(4)).sends,
        all(1..=4, &coordinator(5))
    );
    let mut node = Node::follower(4, &preempt());
    assert_eq!(node.receive(2, heartbeat(4)).sends, []);
    assert_eq!(node.view(), View::following(Epoch(1), Some(NodeId(5))));
    node.elapse(BullyTimer::Vigil);
    assert_eq!(node.receive(2, heartbeat(4)).sends, all([5], &election(4)));
}

// Without preemption, the coordinator with the higher epoch wins. If both coordinators have the
// same epoch, the one with the higher id wins. Both coordinators must come to the same result.
#[test]
fn without_preemption_the_higher_epoch_wins_and_then_the_higher_id() {
    let mut node = Node::leader(3, &no_preempt());
    node.receive(2, heartbeat(2));
    assert_eq!(node.view(), View::following(Epoch(2), Some(NodeId(2))));
    let mut node = Node::leader(3, &no_preempt());
    assert_eq!(node.receive(4, heartbeat(0)).sends, all([4], &heartbeat(1)));
    assert_eq!(
        node.receive(2, heartbeat(1)).sends,
        all([1, 2], &coordinator(2))
    );
    let mut node = Node::leader(3, &no_preempt());
    assert_eq!(node.receive(4, heartbeat(1)).sends, all([4], &outdated(1)));
    node.receive(4, coordinator(2));
    assert_eq!(node.view(), View::following(Epoch(2), Some(NodeId(4))));
}

// If a node followed two coordinators of one epoch, it could not distinguish their tenures.
// Invariant: I2.
#[test]
fn no_node_recognises_two_coordinators_of_one_epoch() {
    let mut node = Node::follower(1, &preempt());
    assert_eq!(node.receive(4, heartbeat(1)).sends, [], "left to node 5");
    node.elapse(BullyTimer::Vigil);
    assert_eq!(node.receive(4, heartbeat(1)).sends, all([4], &outdated(1)));
    let mut other = Node::leader(4, &preempt());
    assert_eq!(
        other.receive(1, outdated(1)).sends,
        all(1..=3, &coordinator(2))
    );
    assert_eq!(other.receive(2, outdated(1)).sends, [], "settled already");
}

// A coordinator that was paused sends heartbeats of its old epoch when it runs again. Nodes that
// know a newer epoch must not follow this coordinator again.
// Invariant: I2.
#[test]
fn a_past_coordinator_is_not_followed() {
    let mut node = Node::follower(1, &preempt());
    node.receive(4, coordinator(2));
    assert_eq!(node.receive(5, heartbeat(1)).sends, []);
    assert_eq!(node.view(), View::following(Epoch(2), Some(NodeId(4))));
    node.elapse(BullyTimer::Vigil);
    assert_eq!(node.receive(5, heartbeat(1)).sends, all([5], &outdated(2)));
    assert_eq!(node.view(), View::following(Epoch(2), Some(NodeId(4))));
}

// A second copy of COORDINATOR may arrive after its sender has stepped down. This copy must not
// make a node follow the sender again.
#[test]
fn a_repeated_coordinator_message_changes_nothing() {
    let mut node = Node::follower(1, &preempt());
    node.receive(4, coordinator(2));
    node.receive(3, coordinator(3));
    assert_eq!(node.receive(4, coordinator(2)).sends, []);
    assert_eq!(node.view(), View::following(Epoch(3), Some(NodeId(3))));
}

// The command to resign would have no effect if the node won the next election again, because it
// has the highest id.
#[test]
fn a_node_that_resigned_takes_no_part_in_the_election() {
    let mut node = Node::leader(5, &preempt());
    let handover = Handover {
        epoch: Epoch(1),
        appointed: false,
    };
    assert_eq!(node.command(Command::Resign).sends, all([4], &handover));
    assert_eq!(node.view(), View::following(Epoch(1), None));
    assert_eq!(node.receive(2, election(1)).sends, [], "as if it were dead");
    node.receive(4, heartbeat(2));
    assert_eq!(node.view(), View::following(Epoch(2), Some(NodeId(4))));
    assert_eq!(node.receive(2, election(2)).sends, all([2], &answer(2)));
    assert_eq!(node.view(), View::following(Epoch(2), Some(NodeId(4))));
}

// A node that will not lead must not answer a candidate that may lead. Otherwise the candidate
// waits for that node and asks again, but never leads.
// Invariant: I5.
#[test]
fn a_node_that_resigned_does_not_delay_a_higher_candidate() {
    let mut node = Node::leader(5, &preempt());
    node.command(Command::Resign);
    node.receive(3, heartbeat(2));
    assert_eq!(
        node.receive(4, election(2)).sends,
        [],
        "node 4 is higher than node 3, and may lead"
    );
    node.elapse(BullyTimer::Vigil);
    // The leader, node 3, has failed. So node 5, which has resigned before, takes part in elections
    // again.
    let mut sent = all([2], &answer(2));
    sent.extend(all(1..=4, &coordinator(3)));
    assert_eq!(node.receive(2, election(2)).sends, sent);
}

// A node that has resigned takes no part in elections for a bounded time. If no other node can
// lead, it must campaign again after this time.
#[test]
fn a_node_that_resigned_campaigns_if_no_node_leads() {
    let mut node = Node::leader(5, &preempt());
    node.command(Command::Resign);
    node.elapse(BullyTimer::Vigil);
    assert_eq!(
        node.elapse(BullyTimer::Stagger).sends,
        all(1..=4, &coordinator(2))
    );
}

// A transfer is a decision of an operator. A node with a higher id must not undo this decision.
#[test]
fn an_appointed_coordinator_is_not_preempted() {
    let claim = Heartbeat {
        epoch: Epoch(2),
        appointed: true,
    };
    let mut node = Node::follower(4, &preempt());
    assert_eq!(node.receive(2, claim.clone()).sends, []);
    assert_eq!(node.view(), View::following(Epoch(2), Some(NodeId(2))));
    assert_eq!(node.receive(1, election(2)).sends, all([1], &answer(2)));
    node.elapse(BullyTimer::Vigil);
    assert_eq!(
        node.elapse(BullyTimer::Stagger).sends,
        all([5], &election(2))
    );
    // A node that recovers learns of the appointed coordinator before it takes over.
    let mut node = Node::new(5, &preempt(), 1);
    node.step(Input::Started);
    assert_eq!(node.receive(2, claim).sends, []);
    assert_eq!(node.view(), View::following(Epoch(2), Some(NodeId(2))));
}

// A successor that gets a `Handover` leads at once, and must also inform the nodes with higher ids.
#[test]
fn a_successor_leads_at_once() {
    let handover = Handover {
        epoch: Epoch(1),
        appointed: true,
    };
    let mut node = Node::follower(2, &preempt());
    let notice = Coordinator {
        epoch: Epoch(2),
        appointed: true,
    };
    let claim = Heartbeat {
        epoch: Epoch(2),
        appointed: true,
    };
    let mut sent = all([1], &notice);
    sent.extend(all(3..=5, &claim));
    assert_eq!(node.receive(5, handover.clone()).sends, sent);
    assert_eq!(node.receive(5, handover).sends, [], "a duplicate is stale");
    assert_eq!(node.view(), View::leading(Epoch(2), NodeId(2)));
}

// An invalid command gets a refusal with a reason, and changes nothing.
#[test]
fn invalid_commands_are_refused() {
    let to = |peer| Command::TransferTo(NodeId(peer));
    let for_a_leader = [Command::Campaign, to(5), to(9)];
    assert_refused(&mut Node::leader(5, &preempt()), &for_a_leader);
    let for_a_follower = [Command::Resign, to(4)];
    assert_refused(&mut Node::follower(3, &preempt()), &for_a_follower);
}

fn assert_refused(node: &mut Node, commands: &[Command]) {
    for command in commands {
        let view = node.view();
        let step = node.step(Input::Commanded(command.clone()));
        assert!(step.refusal.is_some(), "{command:?}");
        assert!(step.sends.is_empty() && step.timers.is_empty());
        assert_eq!(node.view(), view);
    }
}

// A suspicion never decides an election: the candidate asks all higher nodes, also the suspected
// one, which may be alive. If it did not ask that node, two nodes would lead.
#[test]
fn a_suspicion_starts_a_normal_election() {
    let mut node = Node::follower(4, &preempt());
    let sent = node.suspect(5).sends;
    assert_eq!(sent, all([5], &election(1)));
    node.receive(5, coordinator(1));
    assert_eq!(node.view(), View::following(Epoch(1), Some(NodeId(5))));
}

// Hosts (the programs that run the algorithm) repeat suspicions at each failed connection. If each
// suspicion restarted the wait of a node for its turn to campaign (the higher nodes go first), the
// node would never have its turn.
#[test]
fn a_repeated_suspicion_does_not_delay_the_turn() {
    let mut node = Node::follower(2, &preempt());
    assert_eq!(node.suspect(5).timers.len(), 2);
    assert!(node.suspect(5).timers.is_empty());
    assert_eq!(
        node.elapse(BullyTimer::Stagger).sends,
        all(3..=5, &election(1))
    );
}

// With `skip_suspected`, a candidate's wait for answers must end when the candidate suspects all
// higher nodes, and not before.
#[test]
fn a_trusted_suspicion_ends_the_wait() {
    let config = BullyConfig {
        skip_suspected: true,
        ..preempt()
    };
    let mut node = Node::follower(3, &config);
    node.command(Command::Campaign);
    assert_eq!(node.suspect(5).sends, []);
    let sent = node.suspect(4).sends;
    assert_eq!(sent, all([1, 2], &coordinator(2)));
}

// A node that is proved dead does not answer, so a candidate does not wait for it. A node that is
// only suspected may answer, and a node that sends a message is alive.
#[test]
fn a_proof_ends_the_wait() {
    let mut node = Node::follower(3, &preempt());
    node.command(Command::Campaign);
    assert_eq!(node.prove_dead(5).sends, []);
    assert_eq!(node.suspect(4).sends, []);
    let sent = node.prove_dead(4).sends;
    assert_eq!(sent, all([1, 2], &coordinator(2)));

    let mut node = Node::follower(4, &preempt());
    node.prove_dead(5);
    node.receive(5, coordinator(3));
    let sent = node.suspect(5).sends;
    assert_eq!(sent, all([5], &election(3)));

    let mut node = Node::follower(3, &preempt());
    node.prove_dead(5);
    node.peer_returned(5);
    node.command(Command::Campaign);
    let sent = node.prove_dead(4).sends;
    assert_eq!(sent, [], "node 5 may answer");
}

// If messages are lost, two candidates that ask at the same time may fail in the same way each
// time. So the first wait for COORDINATOR has no random part, and the waits after failed elections
// have wider and wider random parts.
#[test]
fn failed_elections_spread_out() {
    let mut node = Node::follower(3, &preempt());
    node.command(Command::Campaign);
    let mut waits = Vec::new();
    for _ in 0..4 {
        let from = NodeId(4);
        let message = answer(1);
        let timers = node.step(Input::Received { from, message }).timers;
        waits.extend(timers.iter().filter_map(|order| match order {
            TimerChange::Set(BullyTimer::Coordinator, delay) => Some(delay.max.as_millis()),
            _ => None,
        }));
        node.elapse(BullyTimer::Coordinator);
    }
    assert_eq!(waits, [40, 190, 340, 640]);
    node.receive(4, coordinator(2));
    node.command(Command::Campaign);
    let step = node.step(Input::Received {
        from: NodeId(4),
        message: answer(2),
    });
    let first = Delay::exactly(Duration::from_millis(40));
    assert!(
        step.timers
            .contains(&TimerChange::Set(BullyTimer::Coordinator, first))
    );
}

// A claim to lead the highest epoch that exists (`u64::MAX`) must not stop elections or cause an
// overflow.
#[test]
fn the_last_epoch_does_no_harm() {
    let mut node = Node::follower(3, &preempt());
    node.receive(5, heartbeat(u64::MAX));
    node.command(Command::Campaign);
    assert_eq!(
        node.elapse(BullyTimer::Answer).sends,
        all([1, 2], &coordinator(u64::MAX))
    );
    assert_eq!(node.view().role, Role::Leader);
}

// The only node of a cluster must lead without a wait and without a message.
#[test]
fn a_single_node_leads_at_once() {
    let members = Membership::new(NodeId(1), [NodeId(1)]).unwrap();
    let durable = BullyDurable::default();
    let mut node = Driver::<Bully>::restore(&preempt(), members, durable);
    let step = node.step(Input::Started, Moment::ZERO).unwrap();
    assert!(step.sends.is_empty());
    assert_eq!(step.view, Some(View::leading(Epoch(1), NodeId(1))));
}
