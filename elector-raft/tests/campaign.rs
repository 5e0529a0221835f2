//! When a node campaigns because of what its host tells it of a peer: a proof of death, a suspicion,
//! and that the peer is heard again.

mod common;

use common::*;
use elector_core::{Command, NodeId, TimerChange};
use elector_raft::{RaftConfig, RaftTimer};

// A proof of death ends the node's own wait. Not all may go at once: who is further from
// the leader in the ring leaves the others a round trip each.
#[test]
fn a_proof_starts_an_election_by_rank() {
    let turn = |leader: u64, gone: &[u64]| {
        let mut node = Node::new(5, &RaftConfig::default());
        node.receive(leader, heartbeat(e(1)));
        for &peer in gone {
            node.suspect(peer);
        }
        let step = node.prove(leader);
        match sent(&step, 2) {
            Some(message) => {
                assert_eq!(message, request_pre_vote(e(2)));
                0
            }
            None => step
                .timers
                .iter()
                .find_map(|order| match order {
                    TimerChange::Set(RaftTimer::Stagger, delay) => Some(delay.min.as_millis()),
                    _ => None,
                })
                .unwrap(),
        }
    };
    assert_eq!(turn(5, &[]), 0, "node 1 comes right after node 5");
    assert_eq!(turn(4, &[]), 20);
    assert_eq!(turn(2, &[]), 60);
    assert_eq!(
        turn(2, &[3, 4]),
        20,
        "those that are gone too are passed over"
    );
}

// Followers say nothing to each other, so a follower that was restarted would be passed over until
// it campaigns; and then two campaign at once, which elects neither.
#[test]
fn a_peer_that_returns_has_its_turn_again() {
    let turn = |returned: bool| {
        let mut node = Node::new(3, &RaftConfig::default());
        node.receive(2, heartbeat(e(1)));
        node.suspect(3);
        if returned {
            let step = node.hear_again(3);
            assert!(step.sends.is_empty() && step.timers.is_empty());
        }
        sent(&node.prove(2), 3).is_none()
    };
    assert!(!turn(false), "node 3 comes first, and is gone");
    assert!(turn(true), "node 3 comes first");
}

// A leader that was restarted is back, and leads nothing.
#[test]
fn a_leader_that_returns_is_suspected_still() {
    let mut node = Node::new(3, &plain());
    node.receive(3, heartbeat(e(1)));
    node.suspect(3);
    node.hear_again(3);
    let step = node.elapse(RaftTimer::Vigil);
    assert_eq!(sent(&step, 2), Some(request_vote(e(2))));
}

// A lease may be valid while a proxy refuses connections. A node that is told so may ask, and must
// not become a candidate, or help to elect one, before its own silence has ended.
// Invariant: I7.
#[test]
fn a_suspicion_asks_and_ends_no_silence() {
    let mut node = Node::new(5, &RaftConfig::default());
    node.receive(5, heartbeat(e(1)));
    let step = node.suspect(5);
    assert_eq!(sent(&step, 2), Some(request_pre_vote(e(2))), "it asks");
    assert!(step.timers.is_empty(), "its silence goes on");
    assert!(node.suspect(5).sends.is_empty(), "it has asked");
    let step = node.receive(2, request_vote(e(2)));
    assert_eq!(sent(&step, 2), Some(no_vote(e(1))));
    for peer in 2..=4 {
        let step = node.receive(peer, pre_vote(e(1), e(2)));
        assert!(step.sends.is_empty(), "the majority does not bind it yet");
    }
    let step = node.elapse(RaftTimer::Vigil);
    assert!(is_set(&step, RaftTimer::OwnVote), "now it counts");
}

// A suspicion that was wrong is forgotten with the next heartbeat.
#[test]
fn a_heartbeat_ends_a_suspicion() {
    let mut node = Node::new(3, &RaftConfig::default());
    node.receive(3, heartbeat(e(1)));
    node.suspect(3);
    let step = node.receive(3, heartbeat(e(1)));
    assert_eq!(step.view.map(|view| view.leader), Some(Some(NodeId(3))));
    assert!(node.elapse(RaftTimer::Vigil).sends.is_empty());
}

// A request for a vote binds the voter that grants it, so without pre-votes none is sent before the
// silence has ended; then the suspicion saves the random wait.
#[test]
fn without_pre_votes_a_suspicion_waits() {
    let mut node = Node::new(3, &plain());
    node.receive(3, heartbeat(e(1)));
    let step = node.suspect(3);
    assert!(step.sends.is_empty() && step.timers.is_empty());
    let step = node.elapse(RaftTimer::Vigil);
    assert_eq!(sent(&step, 2), Some(request_vote(e(2))));
}

// Hints about others, and to a leader, may be remembered and must not disturb anything.
#[test]
fn other_hints_change_nothing() {
    let mut node = Node::new(3, &RaftConfig::default());
    node.receive(2, heartbeat(e(1)));
    let step = node.suspect(3);
    assert!(step.sends.is_empty() && step.timers.is_empty());
    let mut node = Node::new(3, &RaftConfig::default());
    node.lead();
    let step = node.suspect(2);
    assert!(step.sends.is_empty() && step.timers.is_empty() && step.view.is_none());
    let heir = Command::TransferTo(2.into());
    assert!(node.command(heir).refusal.is_some());
    node.receive(2, ack(e(1), node.moment()));
    assert!(node.command(heir).refusal.is_none(), "heard from again");
}

// A voter that is not yet told that the leader is gone refuses, and must not cost the election:
// when it is told, it answers the node that asked, and does not compete.
#[test]
fn a_late_proof_answers_who_asked() {
    let mut node = Node::new(3, &RaftConfig::default());
    node.receive(3, heartbeat(e(1)));
    node.receive(2, request_pre_vote(e(2)));
    assert!(node.suspect(3).sends.is_empty(), "the silence goes on");
    let step = node.prove(3);
    assert_eq!(step.sends.len(), 1);
    assert_eq!(sent(&step, 2), Some(pre_vote(e(1), e(2))));
}
