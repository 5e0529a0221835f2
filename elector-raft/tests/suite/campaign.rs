//! Tests when a node campaigns because its host reports a proof of death, a suspicion, or the
//! return of a peer.

use crate::node::*;
use elector_core::{Command, NodeId, TimerChange};
use elector_raft::{RaftConfig, RaftTimer};

// A proof that the leader has died ends the election timeout of a node. The nodes must not all
// campaign at once. So a node waits one round trip for each node that comes between the leader and
// itself in the ring of ids.
#[test]
fn a_proof_starts_an_election_by_rank() {
    let turn = |leader: u64, suspects: &[u64]| {
        let mut node = Node::new(5, &RaftConfig::default());
        node.receive(leader, heartbeat(e(1)));
        for &peer in suspects {
            node.suspect(peer);
        }
        let step = node.prove_dead(leader);
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
    assert_eq!(turn(2, &[3, 4]), 20, "suspected nodes have no turn");
}

// Followers send nothing to each other, so no message clears the suspicion of a follower that has
// restarted. So the host (the program that runs the algorithm) reports that the follower has
// returned. Without this report, the peers would skip the follower's turn in the next election, in
// which nodes campaign one after another in the order of their ids. Then the follower and the next
// node would campaign at the same time, and split the votes.
#[test]
fn a_peer_that_returns_has_its_turn_again() {
    let turn = |returned: bool| {
        let mut node = Node::new(3, &RaftConfig::default());
        node.receive(2, heartbeat(e(1)));
        node.suspect(3);
        if returned {
            let step = node.peer_returned(3);
            assert!(step.sends.is_empty() && step.timers.is_empty());
        }
        sent(&node.prove_dead(2), 3).is_none()
    };
    assert!(!turn(false), "node 3 is first, but suspected");
    assert!(turn(true), "node 3 is first");
}

// A leader that has restarted does not lead any more. So a node still suspects the leader when the
// leader's process returns, and campaigns as soon as the silence ends that it owes the leader
// (`election_min` after the last heartbeat). If the return cleared the suspicion, the node would
// also wait for the random part of its election timeout.
#[test]
fn a_leader_that_returns_is_still_suspected() {
    let mut node = Node::new(3, &plain());
    node.receive(3, heartbeat(e(1)));
    node.suspect(3);
    node.peer_returned(3);
    let step = node.elapse(RaftTimer::Vigil);
    assert_eq!(sent(&step, 2), Some(request_vote(e(2))));
}

// A suspicion may be wrong: the leader may hold a valid lease while a proxy refuses connections. A
// node that suspects the leader may ask for pre-votes. It must not ask for votes, or vote for
// another node, before the silence has ended that it owes the leader, which lasts for
// `election_min` after the last heartbeat. Otherwise a second node could be elected during the
// lease. Invariant: I7.
#[test]
fn a_suspicion_asks_but_ends_no_silence() {
    let mut node = Node::new(5, &RaftConfig::default());
    node.receive(5, heartbeat(e(1)));
    let step = node.suspect(5);
    assert_eq!(sent(&step, 2), Some(request_pre_vote(e(2))));
    assert!(step.timers.is_empty(), "its silence continues");
    assert!(node.suspect(5).sends.is_empty(), "it has asked already");
    let step = node.receive(2, request_vote(e(2)));
    assert_eq!(sent(&step, 2), Some(no_vote(e(1))));
    for peer in 2..=4 {
        let step = node.receive(peer, pre_vote(e(1), e(2)));
        assert!(step.sends.is_empty(), "its own pre-vote is missing");
    }
    let step = node.elapse(RaftTimer::Vigil);
    assert!(is_set(&step, RaftTimer::OwnVote), "its silence has ended");
}

// The next heartbeat of the leader shows that a suspicion of the leader was wrong. So the node
// follows the leader again, and does not campaign when the first part of its election timeout ends.
#[test]
fn a_heartbeat_ends_a_suspicion() {
    let mut node = Node::new(3, &RaftConfig::default());
    node.receive(3, heartbeat(e(1)));
    node.suspect(3);
    let step = node.receive(3, heartbeat(e(1)));
    assert_eq!(step.view.map(|view| view.leader), Some(Some(NodeId(3))));
    assert!(node.elapse(RaftTimer::Vigil).sends.is_empty());
}

// A request for a vote binds the voter that grants it. So without pre-votes, a node that suspects
// the leader asks for votes only when the silence has ended that it owes the leader, `election_min`
// after the last heartbeat. The suspicion then saves the random wait after the silence.
#[test]
fn without_pre_votes_a_suspicion_waits() {
    let mut node = Node::new(3, &plain());
    node.receive(3, heartbeat(e(1)));
    let step = node.suspect(3);
    assert!(step.sends.is_empty() && step.timers.is_empty());
    let step = node.elapse(RaftTimer::Vigil);
    assert_eq!(sent(&step, 2), Some(request_vote(e(2))));
}

// A suspicion of a peer that is not the leader starts no election and no timer. A leader's
// suspicion of a peer starts no election and no timer, too: otherwise one broken connection could
// end the tenure of a leader that works. The leader only refuses to transfer its leadership to the
// peer, until the peer answers.
#[test]
fn other_suspicions_start_nothing() {
    let mut node = Node::new(3, &RaftConfig::default());
    node.receive(2, heartbeat(e(1)));
    let step = node.suspect(3);
    assert!(step.sends.is_empty() && step.timers.is_empty());
    let mut node = Node::new(3, &RaftConfig::default());
    node.lead();
    let step = node.suspect(2);
    assert!(step.sends.is_empty() && step.timers.is_empty() && step.view.is_none());
    let transfer = Command::TransferTo(2.into());
    assert!(node.command(transfer.clone()).refusal.is_some());
    node.receive(2, ack(e(1), node.moment()));
    let refusal = node.command(transfer).refusal;
    assert_eq!(refusal, None, "the peer has answered");
}

// A voter refuses a request while it has no proof of the leader's death. This refusal must not make
// the election fail: when the proof arrives, the voter answers the node that asked, and does not
// campaign itself.
#[test]
fn after_a_late_proof_a_voter_answers_the_request() {
    let mut node = Node::new(3, &RaftConfig::default());
    node.receive(3, heartbeat(e(1)));
    node.receive(2, request_pre_vote(e(2)));
    assert!(node.suspect(3).sends.is_empty(), "the silence continues");
    let step = node.prove_dead(3);
    assert_eq!(step.sends.len(), 1);
    assert_eq!(sent(&step, 2), Some(pre_vote(e(1), e(2))));
}
