//! Tests the rules of the paper, one test each: Lamport, "Paxos Made Simple", 2001.

use crate::node::*;
use elector_core::{NodeId, Role, View};
use elector_paxos::{Learning, PaxosConfig, PaxosMessage, PaxosTimer};

fn plain() -> PaxosConfig {
    PaxosConfig::default()
}

// Section 2.2: "If an acceptor receives a prepare request with number n greater than that of any
// prepare request to which it has already responded, then it responds to the request with a promise
// not to accept any more proposals numbered less than n".
// Invariant: I1.
#[test]
fn an_acceptor_promises_only_upwards() {
    let mut node = Node::new(3, &plain());
    let step = node.receive(2, prepare(e(1), ballot(5, 2)));
    assert_eq!(sent(&step, 2), Some(promise(e(1), ballot(5, 2), None)));
    assert!(rejects(&node.receive(3, prepare(e(1), ballot(4, 3))), 3));
    assert!(rejects(&node.receive(3, accept(e(1), ballot(4, 3), 3)), 3));
    assert_eq!(node.disk.promised, Some(ballot(5, 2)));
    let step = node.receive(3, prepare(e(1), ballot(5, 3)));
    assert_eq!(
        sent(&step, 3),
        Some(promise(e(1), ballot(5, 3), None)),
        "of two equal counters the higher node is the higher ballot"
    );
    assert!(rejects(&node.receive(2, accept(e(1), ballot(5, 2), 2)), 2));
}

// Section 2.2: "...and with the highest-numbered proposal (if any) that it has accepted." If the
// promise did not name this proposal, the proposer could choose a second value.
#[test]
fn a_promise_names_what_was_accepted() {
    let mut node = Node::new(3, &plain());
    let step = node.receive(2, accept(e(1), ballot(5, 2), 2));
    assert_eq!(
        sent(&step, 2),
        Some(accepted(e(1), ballot(5, 2), 2)),
        "an acceptor may accept without a `Prepare` before"
    );
    let step = node.receive(3, prepare(e(1), ballot(6, 3)));
    let named = Some(proposal(ballot(5, 2), 2));
    assert_eq!(sent(&step, 3), Some(promise(e(1), ballot(6, 3), named)));
    let step = node.receive(3, accept(e(1), ballot(6, 3), 2));
    assert_eq!(sent(&step, 3), Some(accepted(e(1), ballot(6, 3), 2)));
    let step = node.receive(2, prepare(e(1), ballot(7, 2)));
    let named = Some(proposal(ballot(6, 3), 2));
    assert_eq!(sent(&step, 2), Some(promise(e(1), ballot(7, 2), named)));
}

// Section 2.2: an acceptor "must remember this information even if it fails and then restarts".
// Invariant: I1.
#[test]
fn promises_and_acceptances_survive_a_restart() {
    let mut node = Node::new(3, &plain());
    node.receive(2, accept(e(1), ballot(5, 2), 2));
    node.receive(3, prepare(e(1), ballot(6, 3)));
    node.restart();
    assert_eq!(node.view(), View::following(e(1), None));
    // The node may have acknowledged the leader of this epoch before the restart, so it keeps
    // silence: it makes no promise for `election_min`.
    assert!(rejects(&node.receive(2, prepare(e(1), ballot(7, 2))), 2));
    node.elapse(PaxosTimer::Vigil);
    assert!(rejects(&node.receive(2, accept(e(1), ballot(5, 2), 2)), 2));
    let step = node.receive(2, prepare(e(1), ballot(7, 2)));
    let named = Some(proposal(ballot(5, 2), 2));
    assert_eq!(sent(&step, 2), Some(promise(e(1), ballot(7, 2), named)));
}

// Section 2.2 (P2c): the value is "the value of the highest-numbered proposal among the
// responses". It is not the value named most often, not the last one, and not the proposer itself.
// Invariant: I3.
#[test]
fn a_proposer_takes_over_the_value_of_the_highest_ballot() {
    let mut node = Node::new(5, &plain());
    node.receive(2, prepare(e(1), ballot(8, 2)));
    let mine = node.propose();
    assert_eq!(mine, ballot(9, 1));
    let high = proposal(ballot(7, 4), 4);
    let low = proposal(ballot(3, 5), 5);
    node.receive(3, promise(e(1), mine, Some(high)));
    let step = node.receive(2, promise(e(1), mine, Some(low)));
    for peer in 2..=5 {
        assert_eq!(sent(&step, peer), Some(accept(e(1), mine, 4)));
    }
}

// A proposer also takes over the value that its own acceptor has accepted, because this acceptor
// belongs to the majority.
// Invariant: I3.
#[test]
fn a_proposer_takes_over_the_value_that_it_has_accepted_itself() {
    let mut node = Node::new(3, &plain());
    node.receive(2, accept(e(1), ballot(5, 2), 2));
    let mine = node.propose();
    let step = node.receive(3, promise(e(1), mine, None));
    assert_eq!(sent(&step, 3), Some(accept(e(1), mine, 2)));
}

// Section 2.2: "or is any value if the responses reported no proposals". Here this value is the
// proposer itself.
// Invariant: I3.
#[test]
fn a_proposer_that_learns_of_no_proposal_proposes_itself() {
    let mut node = Node::new(3, &plain());
    let mine = node.propose();
    let step = node.receive(2, promise(e(1), mine, None));
    assert_eq!(sent(&step, 3), Some(accept(e(1), mine, 1)));
    let again = node.receive(3, promise(e(1), mine, None));
    assert_eq!(again.sends, [], "the majority was complete");
}

// Only promises of different acceptors, for exactly the proposer's present ballot and instance,
// make a majority.
// Invariant: I3.
#[test]
fn promises_that_do_not_belong_to_the_proposal_do_not_count() {
    let mut node = Node::new(5, &plain());
    let old = node.propose();
    node.receive(2, promise(e(1), old, None));
    node.elapse(PaxosTimer::Retry);
    node.elapse(PaxosTimer::OwnPromise);
    let mine = ballot(2, 1);
    for (from, message) in [
        (3, promise(e(1), old, None)),
        (4, promise(e(2), mine, None)),
        (3, promise(e(1), ballot(2, 3), None)),
        (2, promise(e(1), mine, None)),
        (2, promise(e(1), mine, None)),
    ] {
        assert_eq!(node.receive(from, message).sends, [], "{message:?}");
    }
    let step = node.receive(3, promise(e(1), mine, None));
    assert_eq!(sent(&step, 5), Some(accept(e(1), mine, 1)));
}

// Section 2.2: "A value is chosen when a single proposal with that value has been accepted by a
// majority of the acceptors". If the acceptors of two proposals together are a majority, but the
// acceptors of each proposal alone are not, no value is chosen.
// Invariant: I4.
#[test]
fn acceptances_of_two_ballots_do_not_add_up() {
    let config = PaxosConfig {
        learning: Learning::Broadcast,
        ..plain()
    };
    let mut node = Node::new(5, &config);
    node.receive(2, accepted(e(1), ballot(1, 2), 2));
    node.receive(3, accepted(e(1), ballot(1, 2), 2));
    node.receive(4, accepted(e(1), ballot(2, 4), 4));
    node.receive(3, accepted(e(1), ballot(2, 4), 4));
    node.receive(3, accepted(e(1), ballot(2, 4), 4));
    assert_eq!(node.view().leader, None, "two acceptors each");
    node.receive(5, accepted(e(1), ballot(2, 4), 4));
    assert_eq!(node.view(), View::following(e(1), Some(NodeId(4))));
}

// Section 2.3: "the acceptors respond ... to a distinguished learner, which in turn informs the
// other learners when a value has been chosen."
#[test]
fn the_proposer_notifies_all_nodes_of_the_chosen_value() {
    let mut node = Node::new(3, &plain());
    let mine = node.propose();
    node.receive(2, promise(e(1), mine, None));
    node.elapse(PaxosTimer::OwnAccept);
    let step = node.receive(3, accepted(e(1), mine, 1));
    for to in [2, 3] {
        let Some(PaxosMessage::Learn { epoch, leader, .. }) = sent(&step, to) else {
            panic!("node {to} is not notified: {step:?}");
        };
        assert_eq!((epoch, leader), (e(1), NodeId(1)));
    }
    assert_eq!(node.view(), View::leading(e(1), NodeId(1)));
    let step = node.receive(2, accepted(e(1), mine, 1));
    assert_eq!(step.sends, [], "all nodes are notified already");
}

// Section 2.3: "have each acceptor, whenever it accepts a proposal, respond to all learners".
#[test]
fn with_broadcast_learning_acceptors_notify_all_nodes() {
    let config = PaxosConfig {
        learning: Learning::Broadcast,
        ..plain()
    };
    let mut node = Node::new(3, &config);
    let step = node.receive(2, accept(e(1), ballot(1, 2), 2));
    let notice = Some(accepted(e(1), ballot(1, 2), 2));
    assert_eq!([2, 3].map(|to| sent(&step, to)), [notice; 2]);
    let step = node.receive(2, accepted(e(1), ballot(1, 2), 2));
    assert_eq!(node.view(), View::following(e(1), Some(NodeId(2))));
    assert_eq!(step.sends, [], "each node counts for itself");
}

// Section 2.4: "It's easy to construct a scenario in which two proposers each keep issuing a
// sequence of proposals with increasing numbers, none of which are ever chosen." So a proposer that
// a higher ballot has beaten waits for a random time, and this time grows with each attempt.
#[test]
fn a_beaten_proposer_waits_longer_each_time() {
    let mut node = Node::new(3, &plain());
    let mut longest = Vec::new();
    for counter in [10, 20, 30, 40, 50] {
        let mine = node.propose();
        node.receive(2, reject(mine, ballot(counter, 2)));
        assert_eq!(node.view().role, Role::Candidate, "node 3 may promise");
        let step = node.receive(3, reject(mine, ballot(counter, 2)));
        assert_eq!(node.view().role, Role::Follower);
        let wait = set(&step, PaxosTimer::Retry).unwrap();
        assert!(wait.min < wait.max);
        longest.push(wait.max);
    }
    assert!(longest.is_sorted() && longest[4] > 4 * longest[0]);
}

// Section 2.4: "By abandoning a proposal and trying again if it learns about some request with a
// higher proposal number, the distinguished proposer will eventually choose a high enough proposal
// number." Section 2.5: a proposer "remembers (in stable storage) the highest-numbered proposal it
// has tried to issue", so a proposer uses no ballot twice.
// Invariant: I2.
#[test]
fn ballots_are_above_all_seen_and_never_used_twice() {
    let mut node = Node::new(3, &plain());
    let mine = node.propose();
    assert_eq!(mine, ballot(1, 1));
    node.receive(2, reject(mine, ballot(7, 2)));
    assert_eq!(node.propose(), ballot(8, 1));
    node.restart();
    assert_eq!(node.propose(), ballot(9, 1));
    node.receive(2, accept(e(1), ballot(20, 2), 2));
    assert_eq!(node.propose(), ballot(21, 1));
}

// Section 2.5: an acceptor "records its intended response in stable storage before actually
// sending" it. The host (the program that runs the algorithm) writes the durable state of a step
// before it sends the messages of the step. So the durable state must contain the response.
#[test]
fn the_durable_state_has_every_response() {
    let mut node = Node::new(3, &plain());
    let step = node.receive(2, prepare(e(1), ballot(5, 2)));
    assert_eq!(step.persist.unwrap().promised, Some(ballot(5, 2)));
    let step = node.receive(2, accept(e(1), ballot(5, 2), 2));
    let durable = step.persist.unwrap();
    assert_eq!(durable.accepted, Some(proposal(ballot(5, 2), 2)));
    assert_eq!(durable.epoch, e(1));
    let step = node.receive(2, accept(e(1), ballot(5, 2), 2));
    assert_eq!(step.persist, None, "a duplicate costs no write");
    assert!(matches!(
        sent(&step, 2),
        Some(PaxosMessage::Accepted { .. })
    ));
}
