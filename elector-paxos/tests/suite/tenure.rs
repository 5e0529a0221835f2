//! Tests the rules for leaders that the paper does not define: silence, leases, restarts,
//! handovers.

use crate::node::*;
use elector_core::{Command, Delay, Epoch, Moment, NodeId, Role, Timing, View};
use elector_paxos::{PaxosConfig, PaxosMessage, PaxosTimer};

fn handover_prepare(epoch: Epoch, from: u64) -> PaxosMessage {
    PaxosMessage::Prepare {
        epoch,
        ballot: ballot(9, from),
        handover: true,
    }
}

/// Returns the timestamp of a heartbeat.
fn timestamp(message: Option<PaxosMessage>) -> Moment {
    match message {
        Some(PaxosMessage::Heartbeat { sent, .. }) => sent,
        other => panic!("{other:?} is no heartbeat"),
    }
}

// The lease depends on this rule: for `election_min`, a node that has acknowledged a leader gives
// no promise to another node, and accepts no proposal of another node.
// Invariant: I6.
#[test]
fn a_live_leader_is_not_replaced() {
    let mut node = follower();
    assert!(rejects(&node.receive(3, prepare(e(2), ballot(5, 3))), 3));
    assert!(rejects(&node.receive(3, accept(e(2), ballot(5, 3), 3)), 3));
    assert_eq!(node.view(), View::following(e(1), Some(NodeId(2))));
    assert_eq!(node.disk.instance, e(1));
    let step = node.elapse(PaxosTimer::Vigil);
    assert_eq!(
        sent(&step, 3),
        Some(promise(e(2), ballot(5, 3), None)),
        "a request that was set aside is answered when the silence ends"
    );
    let step = node.receive(3, accept(e(2), ballot(5, 3), 3));
    assert_eq!(sent(&step, 3), Some(accepted(e(2), ballot(5, 3), 3)));
}

// A node refuses a request because of its silence (for `election_min` after a heartbeat it supports
// no other node). It keeps the request, but drops the request at the next heartbeat of the leader.
// The leader is alive, so an answer would help a proposer that is only cut off from the leader.
#[test]
fn a_heartbeat_drops_the_request_that_was_set_aside() {
    let mut node = follower();
    node.receive(3, prepare(e(2), ballot(5, 3)));
    node.receive(2, heartbeat(e(1)));
    assert_eq!(node.elapse(PaxosTimer::Vigil).sends, []);
}

// A node that restarts after a crash may have acknowledged a heartbeat before the crash, so it
// keeps silence for `election_min`: it promises and accepts nothing. Otherwise it could help to
// elect a second leader during a lease. A node that has never run cannot have acknowledged a
// heartbeat. Invariant: I6.
#[test]
fn a_restarted_node_keeps_silence_for_a_vigil() {
    let mut node = follower();
    node.restart();
    assert!(rejects(&node.receive(3, prepare(e(2), ballot(50, 3))), 3));
    let step = node.elapse(PaxosTimer::Vigil);
    assert_eq!(sent(&step, 3), Some(promise(e(2), ballot(50, 3), None)));
    let mut node = Node::new(3, &PaxosConfig::default());
    let step = node.receive(3, prepare(e(1), ballot(5, 3)));
    assert_eq!(sent(&step, 3), Some(promise(e(1), ballot(5, 3), None)));
}

// A promise for a newer epoch does not end the support for a leader. An acceptance ends all support
// for leaders of older epochs. If the node acknowledged an older leader after its acceptance, two
// leaders could hold a lease at the same time. Invariant: I6.
#[test]
fn an_acceptance_but_not_a_promise_ends_the_support_for_the_leader() {
    let mut node = follower();
    node.elapse(PaxosTimer::Vigil);
    node.receive(3, prepare(e(2), ballot(5, 3)));
    let step = node.receive(2, heartbeat(e(1)));
    assert_eq!(sent(&step, 2), Some(ack(e(1), Moment::ZERO)));
    assert_eq!(node.view(), View::following(e(1), Some(NodeId(2))));
    node.elapse(PaxosTimer::Vigil);
    node.receive(3, accept(e(2), ballot(5, 3), 3));
    let step = node.receive(2, heartbeat(e(1)));
    assert_eq!(sent(&step, 2), Some(ack(e(2), Moment::ZERO)));
    assert_eq!(node.view(), View::following(e(2), None));
}

// Proposals in the epoch of a leader cannot replace the leader, because only the same leader can be
// chosen again. So the leader also promises in its own epoch, and a late proposer can learn the
// decision.
#[test]
fn a_leader_promises_in_its_own_epoch_and_continues() {
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

// `Learn` from the leader itself counts as a heartbeat. A node that acknowledges the `Learn` owes
// the leader the same silence as after a heartbeat: for `election_min` it supports no other node.
// The lease that begins with this `Learn` depends on the silence. Invariant: I6.
#[test]
fn a_decision_from_the_leader_begins_the_silence() {
    let sent_at = Moment::from_nanos(7);
    let learn = PaxosMessage::Learn {
        epoch: e(1),
        leader: NodeId(2),
        sent: sent_at,
    };
    let mut node = Node::new(3, &PaxosConfig::default());
    // A duplicate of the `Learn` restarts the silence (`election_min` without support for another
    // node), like a heartbeat of a known leader.
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
    let past = Some(ack(e(2), Moment::ZERO));
    assert_eq!(sent(&step, 2), past, "a past tenure gets no timestamp");
    assert_eq!(node.view(), View::following(e(2), None));

    let mut node = Node::new(3, &PaxosConfig::default());
    assert_eq!(node.receive(3, learn).sends, [], "node 3 does not lead");
    assert_eq!(node.view(), View::following(e(1), Some(NodeId(2))));
}

// For its lease, the leader counts its own support when it sends `Learn`, and the support of a peer
// when the peer answers the `Learn`.
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
    let Some(PaxosMessage::Learn { sent: sent_at, .. }) = sent(&step, 2) else {
        panic!("it sends no `Learn`: {step:?}");
    };
    let heartbeat = Delay::exactly(Timing::default().heartbeat);
    assert_eq!(set(&step, PaxosTimer::Heartbeat), Some(heartbeat));
    node.receive(2, ack(e(1), sent_at));
    assert_eq!(node.driver.lease(), None, "two of five are no majority");
    node.receive(3, ack(e(1), sent_at));
    assert_eq!(node.driver.lease(), Some(sent_at));
}

// Ongaro's dissertation, section 6.4.1: the lease begins at the send time of the newest round of
// heartbeats that a majority answered.
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
    let first = timestamp(sent(&node.elapse(PaxosTimer::Heartbeat), 2));
    let second = timestamp(sent(&node.elapse(PaxosTimer::Heartbeat), 2));
    node.receive(2, ack(e(1), second));
    assert_eq!(node.driver.lease(), None, "two of five are no majority");
    let step = node.receive(3, ack(e(1), first));
    assert_eq!(node.driver.lease(), Some(first));
    let vigil = Some(Timing::default().vigil());
    assert_eq!(set(&step, PaxosTimer::Quorum), vigil);
    node.receive(3, ack(e(1), second));
    assert_eq!(node.driver.lease(), Some(second));
}

// A leader without a quorum steps down, and never leads that epoch again. No late acknowledgement
// and no late decision may make it lead, since peers may have seen it stop.
// Invariant: I5.
#[test]
fn a_leader_without_a_quorum_steps_down() {
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
    assert_eq!(sent(&step, 3), Some(accept(e(2), next, 1)));
}

// A leader that restarts does not lead its old epoch again, whichever message informs it that it
// was chosen.
// Invariant: I5.
#[test]
fn a_restarted_leader_does_not_lead_again() {
    let refusal = PaxosMessage::Reject {
        ballot: ballot(1, 1),
        epoch: e(1),
        leader: Some(NodeId(1)),
        instance: e(1),
        promised: Some(ballot(1, 1)),
    };
    for message in [learn(e(1), 1), refusal] {
        let mut node = Node::new(3, &PaxosConfig::default());
        node.lead();
        node.restart();
        node.receive(2, message);
        assert_eq!(node.view(), View::following(e(1), None), "{message:?}");
    }
}

// The proposal of another node may have made this node the leader, and this node may not know it.
// This node leads as soon as any node notifies it of the decision.
#[test]
fn a_chosen_node_leads_when_it_learns_the_decision() {
    let mut node = Node::new(3, &PaxosConfig::default());
    let step = node.receive(3, learn(e(4), 1));
    assert_eq!(node.view(), View::leading(e(4), NodeId(1)));
    assert!(step.persist.is_some(), "or it could lead the epoch twice");
    assert_eq!(node.disk.epoch, e(4));
    assert_eq!(
        set(&step, PaxosTimer::Heartbeat),
        Some(Delay::ZERO),
        "no peer can acknowledge it before its first heartbeat"
    );
}

// A heartbeat proves the decision, so a node that missed the decision follows the sender. A
// heartbeat of a second leader in an epoch changes nothing.
#[test]
fn a_heartbeat_carries_the_epoch_and_its_leader() {
    let mut node = follower();
    assert_eq!(node.receive(3, heartbeat(e(1))).sends, []);
    assert_eq!(node.view(), View::following(e(1), Some(NodeId(2))));
    node.receive(3, heartbeat(e(7)));
    assert_eq!(node.view(), View::following(e(7), Some(NodeId(3))));
    assert_eq!(node.disk.epoch, e(7));
}

// Each message which shows that a newer epoch has begun ends a tenure. (A `Prepare` without a
// handover, or an `Accept`, of a newer epoch does not end it: the leader refuses these requests.)
// Invariant: I6.
#[test]
fn every_message_of_a_newer_epoch_ends_a_tenure() {
    let reject = PaxosMessage::Reject {
        ballot: ballot(1, 1),
        epoch: e(7),
        leader: None,
        instance: e(7),
        promised: None,
    };
    let messages = [
        ack(e(7), Moment::ZERO),
        heartbeat(e(7)),
        learn(e(7), 3),
        reject,
        handover_prepare(e(7), 3),
    ];
    for message in messages {
        let mut node = Node::new(3, &PaxosConfig::default());
        node.lead();
        node.receive(3, message);
        assert_eq!(node.view().role, Role::Follower, "{message:?}");
        assert_eq!(node.view().epoch, e(7), "{message:?}");
        assert_eq!(node.disk.epoch, e(7), "{message:?}");
    }
}

// Acceptors support the successor that a leader has named, although they owe silence to this leader
// and may support no other node: in both phases of Paxos, and even if a heartbeat of the old leader
// is still in flight. So a leader steps down before it hands over.
#[test]
fn a_handover_overrides_silence() {
    let mut leader = Node::new(3, &PaxosConfig::default());
    leader.lead();
    let step = leader.command(Command::TransferTo(NodeId(3)));
    let handover = PaxosMessage::Handover { epoch: e(1) };
    assert_eq!(sent(&step, 3), Some(handover));
    assert_eq!(step.view, Some(View::following(e(1), None)));

    let mut successor = follower();
    let step = successor.receive(2, handover);
    assert!(matches!(
        sent(&step, 3),
        Some(PaxosMessage::Prepare {
            epoch: Epoch(2),
            handover: true,
            ..
        })
    ));
    successor.elapse(PaxosTimer::OwnPromise);
    successor.receive(2, heartbeat(e(1)));
    assert_eq!(successor.view(), View::campaigning(e(2)));

    let mut node = follower();
    let step = node.receive(3, handover_prepare(e(2), 3));
    assert_eq!(sent(&step, 3), Some(promise(e(2), ballot(9, 3), None)));
    node.receive(2, heartbeat(e(1)));
    let step = node.receive(3, accept(e(2), ballot(9, 3), 3));
    assert_eq!(sent(&step, 3), Some(accepted(e(2), ballot(9, 3), 3)));
}

// A successor that has seen the highest possible ballot has no ballot for a proposal in the next
// epoch. The handover must end the old proposal of the successor nevertheless. Otherwise the
// successor would later promise the old, lower ballot to itself, although it has accepted a higher
// ballot since. (Found by `any_input_in_any_state`.)
// Invariant: I1.
#[test]
fn a_handover_ends_an_old_proposal_even_without_a_higher_ballot() {
    let mut node = Node::new(3, &PaxosConfig::default());
    node.receive(3, prepare(e(5), ballot(0, 3)));
    node.command(Command::Campaign);
    node.receive(2, reject(ballot(0, 0), ballot(u64::MAX, 0)));
    node.receive(2, PaxosMessage::Handover { epoch: e(5) });
    let step = node.receive(2, accept(e(5), ballot(2, 2), 2));
    assert_eq!(sent(&step, 2), Some(accepted(e(5), ballot(2, 2), 2)));
    node.elapse(PaxosTimer::OwnPromise);
    assert_eq!(node.disk.promised, Some(ballot(2, 2)));
}

// Only the leader of the present epoch can name a successor, and only for the next epoch. Otherwise
// any node could start an election in which acceptors ignore the silence that they owe the leader
// (they may support no other node).
#[test]
fn a_handover_of_another_epoch_or_node_is_ignored() {
    let mut node = follower();
    node.receive(2, heartbeat(e(3)));
    let step = node.receive(2, PaxosMessage::Handover { epoch: e(2) });
    assert_eq!(step.sends, [], "stale");
    let step = node.receive(3, PaxosMessage::Handover { epoch: e(3) });
    assert_eq!(step.sends, [], "the sender does not lead");
    assert_eq!(node.view(), View::following(e(3), Some(NodeId(2))));
}

// A node that resigned wants another node to lead, so it does not campaign at its next timeout. It
// campaigns at the timeout after that, because some node must campaign.
#[test]
fn a_node_that_resigned_skips_one_election() {
    let mut node = Node::new(3, &PaxosConfig::default());
    node.lead();
    let round = timestamp(sent(&node.elapse(PaxosTimer::Heartbeat), 2));
    node.receive(3, ack(e(1), round));
    let step = node.command(Command::Resign);
    assert_eq!(step.sends.len(), 1, "the peer that answered succeeds");
    assert_eq!(sent(&step, 3), Some(PaxosMessage::Handover { epoch: e(1) }));
    node.elapse(PaxosTimer::Vigil);
    assert_eq!(node.elapse(PaxosTimer::Stagger).sends, []);
    node.elapse(PaxosTimer::Vigil);
    assert_eq!(node.elapse(PaxosTimer::Stagger).sends.len(), 2);
}

// A node may know a leader only from the refusal of a peer. Like any leader, this leader has at
// least `election_min` for its first heartbeat before the node proposes. But the node owes this
// leader no silence (it may support another node), since the leader may have failed long ago.
#[test]
fn a_leader_named_by_a_peer_gets_a_vigil_but_no_silence() {
    let mut node = Node::new(3, &PaxosConfig::default());
    let mine = node.propose();
    let refusal = PaxosMessage::Reject {
        ballot: mine,
        epoch: e(3),
        leader: Some(NodeId(2)),
        instance: e(3),
        promised: None,
    };
    let step = node.receive(3, refusal);
    assert_eq!(node.view(), View::following(e(3), Some(NodeId(2))));
    let vigil = Some(Timing::default().vigil());
    assert_eq!(set(&step, PaxosTimer::Vigil), vigil);
    let step = node.receive(3, prepare(e(4), ballot(5, 3)));
    assert_eq!(sent(&step, 3), Some(promise(e(4), ballot(5, 3), None)));
}
