//! The sentences of the paper (Garcia-Molina 1982, the Bully election algorithm), one test each.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod node;

use elector_bully::BullyTimer;
use elector_core::{Command, Epoch, Input, NodeId, View};
use node::{Node, all, answer, coordinator, election, heartbeat, patient, preempting};

// "sends ELECTION to all processes with higher IDs": not to lower ones, and in an order that a
// seed fixes.
#[test]
fn a_node_that_misses_the_coordinator_asks_all_higher_nodes() {
    let mut node = Node::follower(3, &preempting());
    assert_eq!(node.elapse(BullyTimer::Vigil), []);
    assert_eq!(node.elapse(BullyTimer::Stagger), all([4, 5], &election(1)));
    assert_eq!(node.view(), View::campaigning(Epoch(1)));
}

// "If no one responds, P wins": and tells the lower nodes only, under a new and durable epoch.
// Invariant: I1.
#[test]
fn silence_makes_a_coordinator() {
    let mut node = Node::follower(3, &preempting());
    node.order(Command::Campaign);
    let step = node.give(Input::Elapsed(BullyTimer::Answer));
    assert_eq!(step.sends, all([1, 2], &coordinator(2)));
    assert_eq!(step.persist.unwrap().epoch, Epoch(2));
    assert_eq!(step.needs, step.number, "not sent before it is durable");
    assert_eq!(node.view(), View::leading(Epoch(2), NodeId(3)));
}

// "Q sends an OK message back to P and starts its own election": once, however many ask.
// Invariant: I5.
#[test]
fn an_asked_node_answers_and_asks_once() {
    let mut node = Node::follower(3, &preempting());
    let mut sent = all([1], &answer(1));
    sent.extend(all([4, 5], &election(1)));
    assert_eq!(node.hear(1, election(1)), sent);
    assert_eq!(node.hear(2, election(1)), all([2], &answer(1)));
    assert_eq!(node.hear(1, election(1)), all([1], &answer(1)));
}

// "P is then out of the running": its answer timeout must not make it coordinator any more.
#[test]
fn an_answered_node_waits_for_the_coordinator() {
    let mut node = Node::follower(3, &preempting());
    node.order(Command::Campaign);
    node.hear(4, answer(1));
    assert_eq!(node.elapse(BullyTimer::Answer), []);
    assert_eq!(node.view(), View::campaigning(Epoch(1)));
    node.hear(4, coordinator(2));
    assert_eq!(node.view(), View::following(Epoch(2), Some(NodeId(4))));
}

// The one who answered may die before it wins: then somebody must ask again.
#[test]
fn an_answered_node_asks_again_if_no_coordinator_comes() {
    let mut node = Node::follower(3, &preempting());
    node.order(Command::Campaign);
    node.hear(4, answer(1));
    assert_eq!(
        node.elapse(BullyTimer::Coordinator),
        all([4, 5], &election(1))
    );
    assert_eq!(
        node.elapse(BullyTimer::Answer),
        all([1, 2], &coordinator(2))
    );
}

// Only a higher node can take an election over; an answer from below would leave nobody to lead.
#[test]
fn an_answer_from_below_counts_for_nothing() {
    let mut node = Node::follower(3, &preempting());
    node.order(Command::Campaign);
    node.hear(2, answer(1));
    assert_eq!(
        node.elapse(BullyTimer::Answer),
        all([1, 2], &coordinator(2))
    );
}

// A recovering node calls an election at once. The highest has nobody to ask but for the
// coordinator that it takes over from.
#[test]
fn a_recovering_node_takes_over_from_a_lower_coordinator() {
    let mut node = Node::new(5, &preempting(), 1);
    assert_eq!(node.give(Input::Started).sends, all(1..=4, &election(1)));
    let sent = node.hear(4, coordinator(7));
    assert_eq!(sent, all(1..=4, &coordinator(8)));
    assert_eq!(node.view(), View::leading(Epoch(8), NodeId(5)));
}

// Nobody may lead: a recovering node must not wait for a coordinator that there is not.
#[test]
fn a_recovering_node_leads_if_nobody_does() {
    let mut node = Node::new(4, &preempting(), 1);
    assert_eq!(node.give(Input::Started).sends, all([5], &election(1)));
    assert_eq!(node.elapse(BullyTimer::Answer), all(1..=3, &election(1)));
    assert_eq!(node.elapse(BullyTimer::Answer), all(1..=3, &coordinator(2)));
}

// Without preemption a recovering node has to listen before it speaks.
#[test]
fn without_preemption_a_recovering_node_follows_a_lower_coordinator() {
    let mut node = Node::new(5, &patient(), 1);
    assert_eq!(node.give(Input::Started).sends, []);
    assert_eq!(node.hear(2, heartbeat(2)), []);
    assert_eq!(node.view(), View::following(Epoch(2), Some(NodeId(2))));
    // Somebody else lost a heartbeat. That is no reason to depose a coordinator that 5 hears.
    assert_eq!(node.hear(1, election(2)), all([1], &answer(2)));
    assert_eq!(node.view(), View::following(Epoch(2), Some(NodeId(2))));
}

// The paper's coordinator is asked by a node that was cut off for a moment: nothing is elected.
#[test]
fn a_live_coordinator_says_so_and_stays() {
    let mut node = Node::leader(5, &preempting());
    assert_eq!(node.hear(2, election(1)), all([2], &coordinator(1)));
    assert_eq!(node.hear(2, election(0)), all([2], &coordinator(1)));
    assert_eq!(node.view(), View::leading(Epoch(1), NodeId(5)));
}

// An ELECTION that was in flight while the election ended must not begin another, or a large
// cluster never comes to rest.
#[test]
fn an_election_that_misses_an_older_coordinator_is_only_answered() {
    let mut node = Node::follower(3, &preempting());
    assert_eq!(node.hear(1, election(0)), all([1], &answer(1)));
    assert_eq!(node.view(), View::following(Epoch(1), Some(NodeId(5))));
}
