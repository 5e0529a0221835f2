//! Tests the rules for proposers that the paper does not define: when they propose, which nodes
//! they ask, and which answers they count.

use crate::node::*;
use elector_core::{Command, Moment, NodeId, Timing};
use elector_paxos::{PaxosConfig, PaxosMessage, PaxosTimer};
use std::time::Duration;

// A proof that the leader has died ends the election timeout of a node. The nodes must not all
// propose at once. So a node first waits one round trip for each node between the leader and
// itself, in the ring of ids.
#[test]
fn a_proof_starts_an_election_by_rank() {
    let mut next = Node::new(5, &PaxosConfig::default());
    next.receive(5, heartbeat(e(1)));
    let step = next.prove_dead(5);
    assert_eq!(step.sends.len(), 4, "node 1 comes after node 5");
    let mut third = Node::new(5, &PaxosConfig::default());
    third.receive(3, heartbeat(e(1)));
    let step = third.prove_dead(3);
    assert_eq!(step.sends, []);
    let turn = set(&step, PaxosTimer::Stagger).unwrap();
    let round_trip = Timing::default().round_trip;
    assert_eq!(turn.min, 2 * round_trip, "nodes 4 and 5 are first");
    let mut second = Node::new(5, &PaxosConfig::default());
    second.receive(3, heartbeat(e(1)));
    second.suspect(4);
    let turn = set(&second.prove_dead(3), PaxosTimer::Stagger).unwrap();
    assert_eq!(turn.min, round_trip, "suspected nodes have no turn");
    assert!(turn.max < 2 * round_trip);
}

// Followers send nothing to each other. So a follower that has restarted stays suspected until the
// host (the program that runs the algorithm) reports that it has returned, or until it campaigns by
// itself. In the next election nodes campaign one after another, in the order of their ids. Without
// the report, the other nodes would skip this follower's turn. Then two nodes would campaign at
// once, and beat each other.
#[test]
fn a_peer_that_returns_has_its_turn_again() {
    let turn = |returned: bool| {
        let mut node = Node::new(3, &PaxosConfig::default());
        node.receive(2, heartbeat(e(1)));
        node.suspect(3);
        if returned {
            let step = node.peer_returned(3);
            assert!(step.sends.is_empty() && step.timers.is_empty());
        }
        node.prove_dead(2).sends.is_empty()
    };
    assert!(!turn(false), "node 3 is first, but suspected");
    assert!(turn(true), "node 3 is first");
}

// A leader that has restarted does not lead any more, so a node still suspects the leader after the
// leader's process has returned. When the silence that it owes the leader ends, `election_min`
// after the last heartbeat, the node waits only for its turn (nodes propose one after another, in
// the order of their ids). If the return cleared the suspicion, the node would wait for a random
// time instead. Here node 1 is not the next node after the leader in the ring of ids, so node 1 has
// not sent a `Prepare` because of the suspicion.
#[test]
fn a_leader_that_returns_is_still_suspected() {
    let mut node = Node::new(3, &PaxosConfig::default());
    node.receive(2, heartbeat(e(1)));
    node.suspect(2);
    node.peer_returned(2);
    let step = node.elapse(PaxosTimer::Vigil);
    let turn = set(&step, PaxosTimer::Stagger).unwrap();
    assert_eq!(
        turn.min,
        Timing::default().round_trip,
        "the node has its turn, and no random wait"
    );
}

// A suspicion may be wrong: the leader may hold a valid lease while a proxy refuses connections. A
// node that suspects the leader may send `Prepare`. It must not promise, even to itself, before its
// own silence has ended: for `election_min` after the last heartbeat it may support no other node.
// Otherwise a second node could be chosen during the lease. Invariant: I6.
#[test]
fn a_suspicion_asks_but_ends_no_silence() {
    let mut node = Node::new(5, &PaxosConfig::default());
    node.receive(5, heartbeat(e(1)));
    let step = node.suspect(5);
    let Some(PaxosMessage::Prepare { ballot, .. }) = sent(&step, 2) else {
        panic!("it does not ask: {step:?}");
    };
    assert_eq!(step.timers, [], "its silence continues");
    assert_eq!(node.suspect(5).sends, [], "it has asked already");
    assert_eq!(
        node.elapse(PaxosTimer::OwnPromise).sends,
        [],
        "a stale timer"
    );
    for peer in 2..=4 {
        let step = node.receive(peer, promise(e(2), ballot, None));
        assert_eq!(step.sends, [], "its own promise is missing");
    }
    let step = node.elapse(PaxosTimer::Vigil);
    assert_eq!(sent(&step, 2), Some(accept(e(2), ballot, 1)));
}

// A suspicion of the leader does not end the silence of an acceptor, because the leader may hold a
// lease. The acceptor refuses requests for `election_min` after the last heartbeat, and then
// answers the last request.
#[test]
fn an_acceptor_with_a_suspicion_keeps_its_silence() {
    let mut node = Node::new(3, &PaxosConfig::default());
    node.receive(2, heartbeat(e(1)));
    let ballot = ballot(5, 3);
    assert!(rejects(&node.receive(3, prepare(e(2), ballot)), 3));
    assert_eq!(node.suspect(2).sends, []);
    assert!(rejects(&node.receive(3, accept(e(2), ballot, 3)), 3));
    let step = node.elapse(PaxosTimer::Vigil);
    assert_eq!(sent(&step, 3), Some(promise(e(2), ballot, None)));
}

// A node may propose before its own silence has ended, in which it may not promise anything. A
// refusal by a majority ends such a proposal, but does not end the silence that the node owes its
// leader. Otherwise the node would promise to a rival while the leader may hold a lease.
#[test]
fn a_defeat_ends_no_silence() {
    let mut node = Node::new(3, &PaxosConfig::default());
    node.receive(3, heartbeat(e(1)));
    let step = node.suspect(3);
    let Some(PaxosMessage::Prepare { ballot: mine, .. }) = sent(&step, 2) else {
        panic!("it does not ask: {step:?}");
    };
    for peer in [2, 3] {
        let step = node.receive(
            peer,
            PaxosMessage::Reject {
                ballot: mine,
                epoch: e(1),
                leader: Some(NodeId(3)),
                instance: e(2),
                promised: Some(ballot(9, peer)),
            },
        );
        assert_eq!(step.timers, []);
    }
    assert!(rejects(&node.receive(2, prepare(e(2), ballot(10, 2))), 2));
}

// If a follower suspects a peer that does not lead, it sends nothing and sets no timer. If a leader
// suspects a peer, it sends nothing and sets no timer either: otherwise one broken connection could
// end the tenure of a leader that works. The leader only refuses to transfer its leadership to the
// peer, until the peer answers.
#[test]
fn other_suspicions_start_nothing() {
    let mut node = follower();
    let step = node.suspect(3);
    assert!(step.sends.is_empty() && step.timers.is_empty());
    let mut leader = Node::new(3, &PaxosConfig::default());
    leader.lead();
    let step = leader.suspect(2);
    assert!(step.sends.is_empty() && step.timers.is_empty());
    let refusal = leader.command(Command::TransferTo(NodeId(2))).refusal;
    assert!(refusal.is_some(), "the peer is suspected");
    leader.receive(2, ack(e(1), Moment::ZERO));
    let refusal = leader.command(Command::TransferTo(NodeId(2))).refusal;
    assert_eq!(refusal, None, "the peer has answered");
}

// A thrifty proposer first sends `Accept` only to as many nodes that promised as a bare majority
// needs. If this attempt fails, it asks all nodes.
#[test]
fn a_thrifty_proposer_asks_a_bare_majority_at_first() {
    let config = PaxosConfig {
        thrifty: true,
        ..PaxosConfig::default()
    };
    let mut node = Node::new(5, &config);
    let first = node.propose();
    node.receive(3, promise(e(1), first, None));
    let step = node.receive(5, promise(e(1), first, None));
    let asked: Vec<u64> = step.sends.iter().map(|out| out.to.0).collect();
    assert_eq!(asked, [3, 5]);
    node.elapse(PaxosTimer::Retry);
    node.elapse(PaxosTimer::OwnPromise);
    let second = ballot(2, 1);
    node.receive(3, promise(e(1), second, None));
    let step = node.receive(5, promise(e(1), second, None));
    assert_eq!(step.sends.len(), 4);
}

// Timers of length zero let a proposer send its requests before it writes its own promise. Its own
// promise must be among the counted promises, and a higher ballot that arrives before its own
// promise must win.
#[test]
fn the_own_promise_is_counted_after_it_is_made() {
    let mut node = Node::new(3, &PaxosConfig::default());
    node.elapse(PaxosTimer::Vigil);
    let step = node.elapse(PaxosTimer::Stagger);
    assert_eq!(step.persist, None, "the requests do not wait for a write");
    for peer in [2, 3] {
        let step = node.receive(peer, promise(e(1), ballot(1, 1), None));
        assert_eq!(step.sends, [], "its own acceptor has not promised");
    }
    let step = node.elapse(PaxosTimer::OwnPromise);
    assert!(step.persist.is_some());
    assert_eq!(sent(&step, 3), Some(accept(e(1), ballot(1, 1), 1)));

    let mut node = Node::new(3, &PaxosConfig::default());
    node.elapse(PaxosTimer::Vigil);
    node.elapse(PaxosTimer::Stagger);
    node.receive(3, prepare(e(1), ballot(1, 3)));
    let step = node.elapse(PaxosTimer::OwnPromise);
    assert_eq!(step.persist, None, "it has promised a higher ballot");
    assert_eq!(node.disk.promised, Some(ballot(1, 3)));
}

// A proposer that gets no answer has no rivals. When its peers can answer again, the proposer's
// waits must not have become long.
#[test]
fn unanswered_proposals_hardly_widen_the_wait() {
    let mut node = Node::new(3, &PaxosConfig::default());
    node.elapse(PaxosTimer::Vigil);
    let mut step = node.elapse(PaxosTimer::Stagger);
    for _ in 0..20 {
        step = node.elapse(PaxosTimer::Retry);
    }
    let wait = set(&step, PaxosTimer::Retry).unwrap();
    assert!(wait.max <= Duration::from_millis(340), "{wait:?}");
}

// A proposer that is refused only because other nodes have a live leader has no rivals, too. Its
// waits must not become long.
#[test]
fn proposals_that_meet_silence_hardly_widen_the_wait() {
    let mut node = Node::new(25, &PaxosConfig::default());
    let mut step = node.elapse(PaxosTimer::Vigil);
    for _ in 0..20 {
        let mine = node.propose();
        for peer in 2..=25 {
            let silence = PaxosMessage::Reject {
                ballot: mine,
                epoch: e(0),
                leader: None,
                instance: e(0),
                promised: None,
            };
            node.receive(peer, silence);
        }
        step = node.elapse(PaxosTimer::Retry);
    }
    let wait = set(&step, PaxosTimer::Retry).unwrap();
    assert!(wait.max <= Duration::from_millis(340), "{wait:?}");
}

// A proposer that asks again and again, and never sends `Accept`, reaches no quorum. Acceptors give
// such a proposer their promises, but they must be able to propose too. So an acceptor restarts its
// wait only with its first promise to each proposer.
#[test]
fn the_wait_begins_anew_once_for_each_proposer() {
    let mut node = Node::new(5, &PaxosConfig::default());
    let step = node.receive(2, prepare(e(1), ballot(1, 2)));
    assert!(set(&step, PaxosTimer::Retry).is_some());
    let step = node.receive(2, prepare(e(1), ballot(2, 2)));
    assert_eq!(sent(&step, 2), Some(promise(e(1), ballot(2, 2), None)));
    assert_eq!(set(&step, PaxosTimer::Retry), None);
    let step = node.receive(3, prepare(e(1), ballot(3, 3)));
    assert!(set(&step, PaxosTimer::Retry).is_some());
    let step = node.receive(2, accept(e(1), ballot(4, 2), 2));
    assert!(
        set(&step, PaxosTimer::Retry).is_some(),
        "a proposer that sends `Accept` has a quorum"
    );
}

// The node's own `Prepare` counts as soon as it is sent. A lower `Prepare` of a peer may arrive
// before the node's own promise is durable. The node must not promise the lower ballot, because
// such a promise would end the node's own, higher proposal.
#[test]
fn the_own_prepare_counts_before_the_own_promise() {
    let config = PaxosConfig {
        first_ballot: [(NodeId(1), 100)].into(),
        ..PaxosConfig::default()
    };
    let mut node = Node::new(3, &config);
    node.elapse(PaxosTimer::Vigil);
    node.elapse(PaxosTimer::Stagger);
    assert!(rejects(&node.receive(2, prepare(e(1), ballot(99, 2))), 2));
    assert!(rejects(&node.receive(2, accept(e(1), ballot(99, 2), 2)), 2));
    node.elapse(PaxosTimer::OwnPromise);
    assert_eq!(node.disk.promised, Some(ballot(100, 1)));
}

// Acceptors of a newer instance refuse requests for an older one. So the next attempt is for the
// newest of the instances in which this node, or a peer that has refused, is an acceptor.
#[test]
fn the_next_attempt_is_for_the_newest_instance() {
    let mut node = Node::new(3, &PaxosConfig::default());
    let mine = node.propose();
    let reject = PaxosMessage::Reject {
        ballot: mine,
        epoch: e(0),
        leader: None,
        instance: e(4),
        promised: Some(ballot(1, 2)),
    };
    node.receive(2, reject);
    node.propose();
    assert_eq!(node.disk.instance, e(4));

    let mut node = follower();
    node.elapse(PaxosTimer::Vigil);
    node.receive(3, prepare(e(4), ballot(5, 3)));
    let step = node.elapse(PaxosTimer::Retry);
    assert_eq!(sent(&step, 2), Some(prepare(e(4), ballot(6, 1))));
}

// Failed attempts before a successful election must not make the next election slower.
#[test]
fn a_success_resets_the_count_of_attempts() {
    let mut node = Node::new(3, &PaxosConfig::default());
    for counter in [10, 20, 30, 40] {
        let mine = node.propose();
        node.receive(2, reject(mine, ballot(counter, 2)));
        node.receive(3, reject(mine, ballot(counter, 2)));
    }
    node.lead();
    node.elapse(PaxosTimer::Quorum);
    node.elapse(PaxosTimer::Vigil);
    let step = node.elapse(PaxosTimer::Stagger);
    let wait = set(&step, PaxosTimer::Retry).unwrap();
    assert_eq!(wait.max, Duration::from_millis(190));
}
