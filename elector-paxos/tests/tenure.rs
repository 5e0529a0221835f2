//! The rules for leaders that the paper leaves open: silence, leases, restarts, handing over.

mod common;

use common::*;
use elector_core::{Command, Delay, Epoch, Moment, NodeId, Role, Timing, View};
use elector_paxos::{PaxosConfig, PaxosMessage, PaxosTimer};

fn follower() -> Node {
    let mut node = Node::new(3, &PaxosConfig::default());
    node.receive(2, heartbeat(e(1)));
    assert_eq!(node.view(), View::following(e(1), Some(NodeId(2))));
    node
}

fn handover_prepare(epoch: Epoch, from: u64) -> PaxosMessage {
    PaxosMessage::Prepare {
        epoch,
        ballot: ballot(9, from),
        handover: true,
    }
}

fn ack(epoch: Epoch, sent: Moment) -> PaxosMessage {
    PaxosMessage::HeartbeatAck { epoch, sent }
}

/// The stamp of the round that this step sends.
fn stamp(message: Option<PaxosMessage>) -> Moment {
    match message {
        Some(PaxosMessage::Heartbeat { sent, .. }) => sent,
        other => panic!("{other:?} is no heartbeat"),
    }
}

// The lease rests on this: whoever acknowledged a leader helps nobody against it for a vigil, be
// it asked to promise or to accept.
// Invariant: I6.
#[test]
fn a_fresh_leader_is_not_unseated() {
    let mut node = follower();
    assert!(rejects(&node.receive(3, prepare(e(2), ballot(5, 3))), 3));
    assert!(rejects(&node.receive(3, accept(e(2), ballot(5, 3), 3)), 3));
    assert_eq!(node.view(), View::following(e(1), Some(NodeId(2))));
    assert_eq!(node.disk.instance, e(1));
    let step = node.elapse(PaxosTimer::Vigil);
    assert_eq!(
        sent(&step, 3),
        Some(promise(e(2), ballot(5, 3), None)),
        "who asked in vain is answered when the silence ends"
    );
    let step = node.receive(3, accept(e(2), ballot(5, 3), 3));
    assert_eq!(sent(&step, 3), Some(accepted(e(2), ballot(5, 3), 3)));
}

// A heartbeat in between says that the leader is still there: the question is moot.
#[test]
fn who_asked_in_vain_is_forgotten_at_the_next_heartbeat() {
    let mut node = follower();
    node.receive(3, prepare(e(2), ballot(5, 3)));
    node.receive(2, heartbeat(e(1)));
    assert_eq!(node.elapse(PaxosTimer::Vigil).sends, []);
}

// A node may have acknowledged a heartbeat just before its crash; a new one cannot have.
// Invariant: I6.
#[test]
fn a_restarted_node_keeps_silent_for_a_vigil() {
    let mut node = follower();
    node.restart();
    assert!(rejects(&node.receive(3, prepare(e(2), ballot(50, 3))), 3));
    let step = node.elapse(PaxosTimer::Vigil);
    assert_eq!(sent(&step, 3), Some(promise(e(2), ballot(50, 3), None)));
    let mut node = Node::new(3, &PaxosConfig::default());
    let step = node.receive(3, prepare(e(1), ballot(5, 3)));
    assert_eq!(sent(&step, 3), Some(promise(e(1), ballot(5, 3), None)));
}

// A promise for a newer epoch unseats nobody; an acceptance ends all support for older leaders.
// Invariant: I6.
#[test]
fn an_acceptance_and_not_a_promise_leaves_the_leader() {
    let mut node = follower();
    node.elapse(PaxosTimer::Vigil);
    node.receive(3, prepare(e(2), ballot(5, 3)));
    let step = node.receive(2, heartbeat(e(1)));
    assert_eq!(sent(&step, 2), Some(ack(e(1), Moment::ZERO)));
    assert_eq!(node.view(), View::following(e(1), Some(NodeId(2))));
    node.elapse(PaxosTimer::Vigil);
    node.receive(3, accept(e(2), ballot(5, 3), 3));
    let step = node.receive(2, heartbeat(e(1)));
    assert_eq!(sent(&step, 2), Some(ack(e(2), Moment::ZERO)), "it is over");
    assert_eq!(node.view(), View::following(e(2), None));
}

// Within the epoch that it leads, a leader is in no danger, and a latecomer must be able to learn.
#[test]
fn a_leader_promises_in_its_own_epoch_and_goes_on() {
    let mut node = Node::new(3, &PaxosConfig::default());
    node.lead();
    let step = node.receive(3, prepare(e(1), ballot(5, 3)));
    let named = Some(proposal(ballot(1, 1), 1));
    assert_eq!(sent(&step, 3), Some(promise(e(1), ballot(5, 3), named)));
    let step = node.receive(3, accept(e(1), ballot(5, 3), 1));
    assert_eq!(sent(&step, 3), Some(accepted(e(1), ballot(5, 3), 1)));
    assert!(rejects(&node.receive(3, prepare(e(2), ballot(6, 3))), 3));
    assert_eq!(node.view(), View::leading(e(1), NodeId(1)));
}

// The leader's own word of the decision is a heartbeat: whoever acknowledges it owes the leader the
// same silence, or the lease that begins with it is worth nothing.
// Invariant: I6.
#[test]
fn a_decision_from_the_leader_is_acknowledged_in_silence() {
    let sent_at = Moment::from_nanos(7);
    let learn = PaxosMessage::Learn {
        epoch: e(1),
        leader: NodeId(2),
        sent: sent_at,
    };
    let mut node = Node::new(3, &PaxosConfig::default());
    // A duplicate, like the heartbeat of a leader that is known, begins the silence anew.
    for _ in 0..2 {
        let step = node.receive(2, learn);
        assert_eq!(sent(&step, 2), Some(ack(e(1), sent_at)));
        let vigil = Some(Timing::default().vigil());
        assert_eq!(set(&step, PaxosTimer::Vigil), vigil);
    }
    assert!(rejects(&node.receive(3, prepare(e(2), ballot(5, 3))), 3));
    assert!(rejects(&node.receive(3, accept(e(2), ballot(5, 3), 3)), 3));
    node.elapse(PaxosTimer::Vigil);
    node.receive(3, accept(e(2), ballot(5, 3), 3));
    let step = node.receive(2, learn);
    let over = Some(ack(e(2), Moment::ZERO));
    assert_eq!(
        sent(&step, 2),
        over,
        "it is over, and nothing is acknowledged"
    );
    assert_eq!(node.view(), View::following(e(2), None));

    let mut node = Node::new(3, &PaxosConfig::default());
    assert_eq!(node.receive(3, learn).sends, [], "the stamp is another's");
    assert_eq!(node.view(), View::following(e(1), Some(NodeId(2))));
}

// The other half: the leader counts itself as it tells the others, and their answers as theirs.
#[test]
fn the_lease_counts_from_the_decision_that_a_majority_answered() {
    let mut node = Node::new(5, &PaxosConfig::default());
    let mine = node.propose();
    for peer in [2, 3] {
        node.receive(peer, promise(e(1), mine, None));
    }
    node.receive(2, accepted(e(1), mine, 1));
    node.receive(3, accepted(e(1), mine, 1));
    let step = node.receive(4, accepted(e(1), mine, 1));
    let Some(PaxosMessage::Learn { sent: told, .. }) = sent(&step, 2) else {
        panic!("it tells nobody: {step:?}");
    };
    let heartbeat = Delay::exactly(Timing::default().heartbeat);
    assert_eq!(set(&step, PaxosTimer::Heartbeat), Some(heartbeat));
    node.receive(2, ack(e(1), told));
    assert_eq!(node.driver.lease(), None, "two of five are no majority");
    node.receive(3, ack(e(1), told));
    assert_eq!(node.driver.lease(), Some(told));
}

// Ongaro's dissertation, section 6.4.1: the lease begins at the send time of the newest round that
// a majority answered.
#[test]
fn the_lease_counts_from_the_round_that_a_majority_answered() {
    let mut node = Node::new(5, &PaxosConfig::default());
    let mine = node.propose();
    for peer in [2, 3] {
        node.receive(peer, promise(e(1), mine, None));
    }
    for peer in [2, 3, 4] {
        node.receive(peer, accepted(e(1), mine, 1));
    }
    assert_eq!(node.view().role, Role::Leader);
    assert_eq!(node.driver.lease(), None, "nothing is answered yet");
    let first = stamp(sent(&node.elapse(PaxosTimer::Heartbeat), 2));
    let second = stamp(sent(&node.elapse(PaxosTimer::Heartbeat), 2));
    node.receive(2, ack(e(1), second));
    assert_eq!(node.driver.lease(), None, "two of five are no majority");
    let step = node.receive(3, ack(e(1), first));
    assert_eq!(node.driver.lease(), Some(first));
    let vigil = Some(Timing::default().vigil());
    assert_eq!(set(&step, PaxosTimer::Quorum), vigil);
    node.receive(3, ack(e(1), second));
    assert_eq!(node.driver.lease(), Some(second));
}

// A leader that hears no majority stops, and the epoch is spent: no acknowledgement and no
// decision that comes late may bring it back, since others may have seen it stop.
// Invariant: I5.
#[test]
fn a_leader_without_a_quorum_stops_for_good() {
    let mut node = Node::new(3, &PaxosConfig::default());
    node.lead();
    node.elapse(PaxosTimer::Quorum);
    assert_eq!(node.view(), View::following(e(1), None));
    assert_eq!(node.driver.lease(), None);
    node.receive(2, ack(e(1), Moment::ZERO));
    node.receive(2, learn(e(1), 1));
    assert_eq!(node.view(), View::following(e(1), None));
    assert_eq!(node.elapse(PaxosTimer::Heartbeat).sends, []);
    let next = node.propose();
    let step = node.receive(3, promise(e(2), next, None));
    assert_eq!(sent(&step, 3), Some(accept(e(2), next, 1)), "the next one");
}

// The same after a restart, however the node learns that it was chosen.
// Invariant: I5.
#[test]
fn a_restarted_leader_does_not_resume() {
    let told = PaxosMessage::Reject {
        ballot: ballot(1, 1),
        epoch: e(1),
        leader: Some(NodeId(1)),
        instance: e(1),
        promised: Some(ballot(1, 1)),
    };
    for message in [learn(e(1), 1), told] {
        let mut node = Node::new(3, &PaxosConfig::default());
        node.lead();
        node.restart();
        node.receive(2, message);
        assert_eq!(node.view(), View::following(e(1), None), "{message:?}");
    }
}

// A node that is chosen while it does not know it leads as soon as it is told, by whomever.
#[test]
fn a_chosen_node_leads_when_it_is_told() {
    let mut node = Node::new(3, &PaxosConfig::default());
    let step = node.receive(3, learn(e(4), 1));
    assert_eq!(node.view(), View::leading(e(4), NodeId(1)));
    assert!(step.persist.is_some(), "or it could do so again");
    assert_eq!(node.disk.epoch, e(4));
    assert_eq!(
        set(&step, PaxosTimer::Heartbeat),
        Some(Delay::ZERO),
        "nobody can acknowledge it before it has spoken"
    );
}

// A heartbeat is as good as the decision; whoever missed that follows, and one of an epoch that has
// its leader already changes nothing.
#[test]
fn a_heartbeat_teaches_the_epoch_and_its_leader() {
    let mut node = follower();
    assert_eq!(node.receive(3, heartbeat(e(1))).sends, []);
    assert_eq!(node.view(), View::following(e(1), Some(NodeId(2))));
    node.receive(3, heartbeat(e(7)));
    assert_eq!(node.view(), View::following(e(7), Some(NodeId(3))));
    assert_eq!(node.disk.epoch, e(7));
}

// Each way to hear of a newer epoch ends a tenure.
// Invariant: I6.
#[test]
fn a_leader_that_hears_of_a_newer_epoch_stops() {
    let reject = PaxosMessage::Reject {
        ballot: ballot(1, 1),
        epoch: e(7),
        leader: None,
        instance: e(7),
        promised: None,
    };
    let heard = [
        ack(e(7), Moment::ZERO),
        heartbeat(e(7)),
        learn(e(7), 3),
        reject,
        handover_prepare(e(7), 3),
    ];
    for message in heard {
        let mut node = Node::new(3, &PaxosConfig::default());
        node.lead();
        node.receive(3, message);
        assert_eq!(node.view().role, Role::Follower, "{message:?}");
        assert_eq!(node.view().epoch, e(7), "{message:?}");
        assert_eq!(node.disk.epoch, e(7), "{message:?}");
    }
}

// A leader that hands over stops before it says so: the heir's election overrides all silence,
// also in its second phase, and against a heartbeat that is still under way.
#[test]
fn a_handover_overrides_silence() {
    let mut leader = Node::new(3, &PaxosConfig::default());
    leader.lead();
    let step = leader.command(Command::TransferTo(NodeId(3)));
    let handover = PaxosMessage::Handover { epoch: e(1) };
    assert_eq!(sent(&step, 3), Some(handover));
    assert_eq!(step.view, Some(View::following(e(1), None)));

    let mut heir = follower();
    let step = heir.receive(2, handover);
    assert!(matches!(
        sent(&step, 3),
        Some(PaxosMessage::Prepare {
            epoch: Epoch(2),
            handover: true,
            ..
        })
    ));
    heir.elapse(PaxosTimer::OwnPromise);
    heir.receive(2, heartbeat(e(1)));
    assert_eq!(heir.view(), View::campaigning(e(2)));

    let mut node = follower();
    let step = node.receive(3, handover_prepare(e(2), 3));
    assert_eq!(sent(&step, 3), Some(promise(e(2), ballot(9, 3), None)));
    node.receive(2, heartbeat(e(1)));
    let step = node.receive(3, accept(e(2), ballot(9, 3), 3));
    assert_eq!(sent(&step, 3), Some(accepted(e(2), ballot(9, 3), 3)));
}

// Only the leader of the epoch can call upon an heir, and only for the next one.
#[test]
fn a_handover_of_another_epoch_or_node_is_nonsense() {
    let mut node = follower();
    node.receive(2, heartbeat(e(3)));
    let step = node.receive(2, PaxosMessage::Handover { epoch: e(2) });
    assert_eq!(step.sends, [], "stale");
    let step = node.receive(3, PaxosMessage::Handover { epoch: e(3) });
    assert_eq!(step.sends, [], "not the leader");
    assert_eq!(node.view(), View::following(e(3), Some(NodeId(2))));
}

// Who resigns wants to be rid of it: the first chance to campaign passes, the second does not.
#[test]
fn a_resigned_leader_sits_out_one_election() {
    let mut node = Node::new(3, &PaxosConfig::default());
    node.lead();
    let round = stamp(sent(&node.elapse(PaxosTimer::Heartbeat), 2));
    node.receive(3, ack(e(1), round));
    let step = node.command(Command::Resign);
    assert_eq!(step.sends.len(), 1, "the heir is the peer that answered");
    assert_eq!(sent(&step, 3), Some(PaxosMessage::Handover { epoch: e(1) }));
    node.elapse(PaxosTimer::Vigil);
    assert_eq!(node.elapse(PaxosTimer::Stagger).sends, []);
    node.elapse(PaxosTimer::Vigil);
    assert_eq!(node.elapse(PaxosTimer::Stagger).sends.len(), 2);
}

// A leader that a node knows from hearsay alone gets a vigil to be heard, like any other; but no
// silence, since it may be long gone.
#[test]
fn a_leader_known_from_hearsay_gets_a_vigil() {
    let mut node = Node::new(3, &PaxosConfig::default());
    let mine = node.propose();
    let told = PaxosMessage::Reject {
        ballot: mine,
        epoch: e(3),
        leader: Some(NodeId(2)),
        instance: e(3),
        promised: None,
    };
    let step = node.receive(3, told);
    assert_eq!(node.view(), View::following(e(3), Some(NodeId(2))));
    let vigil = Some(Timing::default().vigil());
    assert_eq!(set(&step, PaxosTimer::Vigil), vigil);
    let step = node.receive(3, prepare(e(4), ballot(5, 3)));
    assert_eq!(sent(&step, 3), Some(promise(e(4), ballot(5, 3), None)));
}
