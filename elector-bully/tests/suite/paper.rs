//! Tests the rules of the paper, one test each: Garcia-Molina 1982, the Bully election algorithm.

use crate::node::{Node, all, answer, coordinator, election, heartbeat, no_preempt, preempt};
use elector_bully::BullyTimer;
use elector_core::{Command, Epoch, Input, NodeId, View};

// "sends ELECTION to all processes with higher IDs": not to lower ones, and always in the same
// order, so that the same seed always gives the same run of the simulator.
#[test]
fn a_node_without_a_coordinator_asks_all_higher_nodes() {
    let mut node = Node::follower(3, &preempt());
    assert_eq!(node.elapse(BullyTimer::Vigil).sends, []);
    assert_eq!(
        node.elapse(BullyTimer::Stagger).sends,
        all([4, 5], &election(1))
    );
    assert_eq!(node.view(), View::campaigning(Epoch(1)));
}

// "If no one responds, P wins". The winner notifies only the lower nodes, with a new and durable
// epoch.
// Invariant: I1.
#[test]
fn a_candidate_without_an_answer_becomes_coordinator() {
    let mut node = Node::follower(3, &preempt());
    node.command(Command::Campaign);
    let step = node.step(Input::Elapsed(BullyTimer::Answer));
    assert_eq!(step.sends, all([1, 2], &coordinator(2)));
    assert_eq!(step.persist.unwrap().epoch, Epoch(2));
    assert_eq!(step.needs, step.number, "the epoch is durable first");
    assert_eq!(node.view(), View::leading(Epoch(2), NodeId(3)));
}

// "Q sends an OK message back to P and starts its own election": only once, even if many nodes ask.
// Invariant: I5.
#[test]
fn an_asked_node_answers_and_asks_once() {
    let mut node = Node::follower(3, &preempt());
    let mut sent = all([1], &answer(1));
    sent.extend(all([4, 5], &election(1)));
    assert_eq!(node.receive(1, election(1)).sends, sent);
    assert_eq!(node.receive(2, election(1)).sends, all([2], &answer(1)));
    assert_eq!(node.receive(1, election(1)).sends, all([1], &answer(1)));
}

// "P is then out of the running": the end of P's answer timeout must not make P coordinator.
#[test]
fn a_candidate_with_an_answer_waits_for_the_coordinator() {
    let mut node = Node::follower(3, &preempt());
    node.command(Command::Campaign);
    node.receive(4, answer(1));
    assert_eq!(node.elapse(BullyTimer::Answer).sends, []);
    assert_eq!(node.view(), View::campaigning(Epoch(1)));
    node.receive(4, coordinator(2));
    assert_eq!(node.view(), View::following(Epoch(2), Some(NodeId(4))));
}

// The node that answered may die before it wins. Then the candidate must ask again.
#[test]
fn a_candidate_with_an_answer_asks_again_if_no_coordinator_appears() {
    let mut node = Node::follower(3, &preempt());
    node.command(Command::Campaign);
    node.receive(4, answer(1));
    assert_eq!(
        node.elapse(BullyTimer::Coordinator).sends,
        all([4, 5], &election(1))
    );
    assert_eq!(
        node.elapse(BullyTimer::Answer).sends,
        all([1, 2], &coordinator(2))
    );
}

// Only a higher node can take over an election. If an answer of a lower node counted, the candidate
// could wait for a node that does not become coordinator.
#[test]
fn an_answer_of_a_lower_node_does_not_count() {
    let mut node = Node::follower(3, &preempt());
    node.command(Command::Campaign);
    node.receive(2, answer(1));
    assert_eq!(
        node.elapse(BullyTimer::Answer).sends,
        all([1, 2], &coordinator(2))
    );
}

// A recovering node starts an election at once. The highest node has no higher node to ask, so it
// only asks the lower nodes for the coordinator that it takes over from.
#[test]
fn a_recovering_node_takes_over_from_a_lower_coordinator() {
    let mut node = Node::new(5, &preempt(), 1);
    assert_eq!(node.step(Input::Started).sends, all(1..=4, &election(1)));
    let sent = node.receive(4, coordinator(7)).sends;
    assert_eq!(sent, all(1..=4, &coordinator(8)));
    assert_eq!(node.view(), View::leading(Epoch(8), NodeId(5)));
}

// There may be no coordinator. A recovering node must not wait for one forever.
#[test]
fn a_recovering_node_leads_if_no_other_node_does() {
    let mut node = Node::new(4, &preempt(), 1);
    assert_eq!(node.step(Input::Started).sends, all([5], &election(1)));
    assert_eq!(
        node.elapse(BullyTimer::Answer).sends,
        all(1..=3, &election(1))
    );
    assert_eq!(
        node.elapse(BullyTimer::Answer).sends,
        all(1..=3, &coordinator(2))
    );
}

// Without preemption a recovering node waits for a heartbeat before it asks the nodes with higher
// ids.
#[test]
fn without_preemption_a_recovering_node_follows_a_lower_coordinator() {
    let mut node = Node::new(5, &no_preempt(), 1);
    assert_eq!(node.step(Input::Started).sends, []);
    assert_eq!(node.receive(2, heartbeat(2)).sends, []);
    assert_eq!(node.view(), View::following(Epoch(2), Some(NodeId(2))));
    // Another node has lost a heartbeat. Node 5 must not replace the live coordinator because of
    // the ELECTION of that node.
    assert_eq!(node.receive(1, election(2)).sends, all([1], &answer(2)));
    assert_eq!(node.view(), View::following(Epoch(2), Some(NodeId(2))));
}

// A node that was cut off for a short time asks a live coordinator. Its ELECTION starts no
// election.
#[test]
fn a_live_coordinator_answers_and_stays() {
    let mut node = Node::leader(5, &preempt());
    assert_eq!(
        node.receive(2, election(1)).sends,
        all([2], &coordinator(1))
    );
    assert_eq!(
        node.receive(2, election(0)).sends,
        all([2], &coordinator(1))
    );
    assert_eq!(node.view(), View::leading(Epoch(1), NodeId(5)));
}

// An ELECTION that was in flight when the election ended must not start another one. Otherwise a
// large cluster would hold elections forever.
#[test]
fn an_election_of_an_older_epoch_is_only_answered() {
    let mut node = Node::follower(3, &preempt());
    assert_eq!(node.receive(1, election(0)).sends, all([1], &answer(1)));
    assert_eq!(node.view(), View::following(Epoch(1), Some(NodeId(5))));
}
