//! The rules for proposers that the paper leaves open: when they try, whom they ask, and what they
//! may count.

mod common;

use common::*;
use elector_core::{Command, Epoch, Moment, NodeId, Timing, View};
use elector_paxos::{PaxosConfig, PaxosMessage, PaxosTimer};
use std::time::Duration;

fn follower() -> Node {
    let mut node = Node::new(3, &PaxosConfig::default());
    node.receive(2, heartbeat(e(1)));
    assert_eq!(node.view(), View::following(e(1), Some(NodeId(2))));
    node
}

fn ack(epoch: Epoch, sent: Moment) -> PaxosMessage {
    PaxosMessage::HeartbeatAck { epoch, sent }
}

// When all see the leader gone at once they must not all propose at once.
#[test]
fn a_proof_lets_the_nearest_in_the_ring_go_first() {
    let mut next = Node::new(5, &PaxosConfig::default());
    next.receive(5, heartbeat(e(1)));
    let step = next.prove(5);
    assert_eq!(step.sends.len(), 4, "node 1 comes after node 5");
    let mut third = Node::new(5, &PaxosConfig::default());
    third.receive(3, heartbeat(e(1)));
    let step = third.prove(3);
    assert_eq!(step.sends, []);
    let turn = set(&step, PaxosTimer::Stagger).unwrap();
    assert_eq!(turn.min, 2 * Timing::default().round_trip, "4 and 5 first");
    let mut second = Node::new(5, &PaxosConfig::default());
    second.receive(3, heartbeat(e(1)));
    second.suspect(4);
    let turn = set(&second.prove(3), PaxosTimer::Stagger).unwrap();
    assert_eq!(turn.min, Timing::default().round_trip, "4 is gone, too");
    assert!(turn.max < 2 * Timing::default().round_trip);
}

// Followers say nothing to each other, so a follower that was restarted would be passed over until
// it campaigns; and then two campaign at once, which elects neither.
#[test]
fn a_peer_that_returns_has_its_turn_again() {
    let turn = |returned: bool| {
        let mut node = Node::new(3, &PaxosConfig::default());
        node.receive(2, heartbeat(e(1)));
        node.suspect(3);
        if returned {
            let step = node.hear_again(3);
            assert!(step.sends.is_empty() && step.timers.is_empty());
        }
        node.prove(2).sends.is_empty()
    };
    assert!(!turn(false), "node 3 comes first, and is gone");
    assert!(turn(true), "node 3 comes first");
}

// A leader that was restarted is back, and leads nothing. Node 1 is not the first behind it, so it
// has asked nothing yet.
#[test]
fn a_leader_that_returns_is_suspected_still() {
    let mut node = Node::new(3, &PaxosConfig::default());
    node.receive(2, heartbeat(e(1)));
    node.suspect(2);
    node.hear_again(2);
    let step = node.elapse(PaxosTimer::Vigil);
    let turn = set(&step, PaxosTimer::Stagger).unwrap();
    assert_eq!(
        turn.min,
        Timing::default().round_trip,
        "its turn, and no random wait"
    );
}

// A lease may be valid while a proxy refuses connections. A node that is told so may ask, and must
// not promise, even to itself, before its own silence has ended.
// Invariant: I6.
#[test]
fn a_suspicion_asks_and_ends_no_silence() {
    let mut node = Node::new(5, &PaxosConfig::default());
    node.receive(5, heartbeat(e(1)));
    let step = node.suspect(5);
    let Some(PaxosMessage::Prepare { ballot, .. }) = sent(&step, 2) else {
        panic!("it asks: {step:?}");
    };
    assert_eq!(step.timers, [], "its silence goes on");
    assert_eq!(node.suspect(5).sends, [], "it has asked");
    assert_eq!(
        node.elapse(PaxosTimer::OwnPromise).sends,
        [],
        "a stale timer"
    );
    for peer in 2..=4 {
        let step = node.receive(peer, promise(e(2), ballot, None));
        assert_eq!(step.sends, [], "the majority is nothing without its own");
    }
    let step = node.elapse(PaxosTimer::Vigil);
    assert_eq!(sent(&step, 2), Some(accept(e(2), ballot, 1)), "now it is");
}

// An acceptor that was told of the leader's end refuses for as long as it owes silence, and then
// answers the last that asked.
#[test]
fn a_suspicious_acceptor_keeps_its_silence() {
    let mut node = Node::new(3, &PaxosConfig::default());
    node.receive(2, heartbeat(e(1)));
    let ballot = ballot(5, 3);
    assert!(rejects(&node.receive(3, prepare(e(2), ballot)), 3));
    assert_eq!(node.suspect(2).sends, []);
    assert!(rejects(&node.receive(3, accept(e(2), ballot, 3)), 3));
    let step = node.elapse(PaxosTimer::Vigil);
    assert_eq!(sent(&step, 3), Some(promise(e(2), ballot, None)));
}

// A refusal by a majority ends what was asked ahead, and not the silence.
#[test]
fn a_defeat_ends_no_silence() {
    let mut node = Node::new(3, &PaxosConfig::default());
    node.receive(3, heartbeat(e(1)));
    let step = node.suspect(3);
    let Some(PaxosMessage::Prepare { ballot: mine, .. }) = sent(&step, 2) else {
        panic!("it asks: {step:?}");
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

// A hint about anybody but the leader, or to the leader, starts nothing.
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
    assert!(refusal.is_some(), "it is gone");
    leader.receive(2, ack(e(1), Moment::ZERO));
    let refusal = leader.command(Command::TransferTo(NodeId(2))).refusal;
    assert_eq!(refusal, None, "it was heard again");
}

// A thrifty proposer asks a bare majority of those that promised; when that was not enough, all.
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

// Zero timers let the own write overlap with the flight of the requests. The own promise must be
// among those counted, and a better ballot in between must win.
#[test]
fn the_own_promise_is_counted_once_it_is_made() {
    let mut node = Node::new(3, &PaxosConfig::default());
    node.elapse(PaxosTimer::Vigil);
    let step = node.elapse(PaxosTimer::Stagger);
    assert_eq!(step.persist, None, "the requests wait for no disk");
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
    assert_eq!(step.persist, None, "it has promised more to another");
    assert_eq!(node.disk.promised, Some(ballot(1, 3)));
}

// A proposer that nobody answers is alone, and must not have become slow when it is so no more.
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

// The same for one that is refused only because others hear their leader.
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

// A proposer that asks again and again, and never has the promises to go on, reaches no quorum. It
// is promised what it asks for, but must not keep others from their own try.
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
        "that one has a quorum"
    );
}

// The own `Prepare` counts from the moment it is sent: a lower one that comes before the own
// promise is durable must not get a promise that the own one would then break.
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

// To ask again what acceptors have left behind is in vain: the next try is for the newest instance
// that anybody is an acceptor of, be it a peer or the node itself.
#[test]
fn the_next_try_is_for_the_newest_instance() {
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

// Failures before an election was won say nothing about the next.
#[test]
fn a_victory_ends_the_count_of_attempts() {
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
