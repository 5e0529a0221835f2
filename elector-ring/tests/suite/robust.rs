//! Tests the cases that the papers exclude: dead nodes, lost and duplicated tokens, several
//! leaders, commands.

use crate::node::{Node, coordinator, gather, heartbeat, hops, token};
use elector_core::{Command, Delay, Epoch, Input, NodeId, Role, TimerChange, Timing, View};
use elector_ring::{
    RingDurable, RingMessage, RingTimer, RingVariant, Serial, Token, TokenBody, Way,
};

use RingVariant::{ChangRoberts, Collect, HirschbergSinclair};

/// Returns node `me`, which leads epoch 1 because it suspects all other nodes.
fn leader(me: u64, variant: RingVariant) -> Node {
    let mut node = Node::new(me, variant);
    node.campaign();
    for peer in (1..=5).filter(|&peer| peer != me) {
        node.suspect(peer);
    }
    assert_eq!(node.view(), View::leading(Epoch(1), NodeId(me)));
    node
}

fn leads(node: &Node) -> bool {
    node.view().role == Role::Leader
}

fn hop_timer(token: &Token) -> RingTimer {
    RingTimer::Hop(token.id())
}

fn acknowledged(token: &Token) -> RingMessage {
    RingMessage::HopAck { token: token.id() }
}

// Tokens must skip a dead node. Later tokens must skip this node without a wait, until it sends a
// message.
#[test]
fn a_silent_node_is_skipped_until_it_sends_a_message() {
    let mut node = Node::follower(2, Collect);
    let (to, first) = node.campaign().remove(0);
    assert_eq!(to, 3);
    assert_eq!(node.hops_after(hop_timer(&first)), [(4, first.clone())]);
    assert_eq!(node.hops_after(hop_timer(&first)), [(5, first.clone())]);
    node.receive(5, acknowledged(&first));
    assert_eq!(node.hops_after(hop_timer(&first)), [], "it has arrived");
    node.receive(3, RingMessage::Present { ask: false });
    let next = token(1, 1, 1, 0, gather(&[1]));
    let sent = node.receive_token(1, &next);
    assert_eq!(sent, [], "a higher initiator discards it");
    assert_eq!(node.hops_after(RingTimer::Lap)[0].0, 3, "node 3 is alive");
    let own = token(2, 2, 1, 0, gather(&[2]));
    assert_eq!(node.hops_after(hop_timer(&own))[0].0, 5, "node 4 is silent");
}

// If a skipped node acknowledges a token late, this must not count as an acknowledgement of the
// next node, to which the sender has sent the token since.
#[test]
fn only_the_receiver_of_a_hop_can_acknowledge_it() {
    let mut node = Node::follower(2, Collect);
    let (_, first) = node.campaign().remove(0);
    node.hops_after(hop_timer(&first));
    node.receive(3, acknowledged(&first));
    assert_eq!(node.hops_after(hop_timer(&first))[0].0, 5);
}

// If the host of the sender suspects that the receiver of a token has failed, the sender does not
// wait for the hop timeout: it sends the token to the next node at once.
#[test]
fn a_suspicion_ends_the_wait_for_an_acknowledgement() {
    let mut node = Node::follower(2, Collect);
    let (_, first) = node.campaign().remove(0);
    let sends = node.suspect(3).sends;
    assert_eq!(hops(&sends), [(4, first)]);
}

// If an acknowledgement is lost, the sender skips the receiver although the receiver has the token.
// Then two copies of the token go round the ring. The second copy must end at the first node that
// has seen the token.
// Invariant: I4.
#[test]
fn a_second_copy_of_a_token_ends() {
    let mut node = Node::follower(3, Collect);
    assert_eq!(
        node.receive_token(2, &token(1, 1, 1, 1, gather(&[1, 2])))
            .len(),
        1
    );
    assert_eq!(node.receive_token(1, &token(1, 1, 1, 0, gather(&[1]))), []);
    let next = token(1, 2, 1, 0, gather(&[1]));
    assert_eq!(
        node.receive_token(1, &next).len(),
        1,
        "the next token of that origin is forwarded"
    );
}

// A token with a false number of remaining hops must not go round forever.
// Invariant: I4.
#[test]
fn no_token_has_more_hops_than_the_ring() {
    let mut node = Node::follower(3, Collect);
    let mut endless = token(1, 1, 1, 0, coordinator(5));
    endless.left = u32::MAX;
    assert_eq!(node.receive_token(2, &endless)[0].1.left, 4);
    let mut spent = token(1, 2, 1, 0, coordinator(5));
    spent.left = 1;
    assert_eq!(node.receive_token(2, &spent), []);
}

// If the initiator dies while its token is in flight, the last live node before the initiator
// selects the leader.
// Invariant: I4.
#[test]
fn the_last_node_selects_the_leader_for_a_dead_initiator() {
    let mut node = Node::follower(2, Collect);
    let orphan = token(3, 1, 1, 3, gather(&[3, 4, 1]));
    let (to, orphan) = node.receive_token(1, &orphan).remove(0);
    assert_eq!(to, 3);
    let sent = node.hops_after(hop_timer(&orphan));
    assert_eq!(sent, [(4, token(2, 1, 2, 0, coordinator(4)))]);
    assert_eq!(node.view(), View::following(Epoch(2), Some(NodeId(4))));
}

// A token that carries only the id of its origin can elect no other node. If the origin dies, the
// last live node before the origin starts a new election.
#[test]
fn the_last_node_starts_an_election_for_a_dead_candidate() {
    let mut node = Node::follower(2, ChangRoberts);
    let (_, orphan) = node
        .receive_token(1, &token(3, 1, 1, 3, TokenBody::Contend))
        .remove(0);
    let sent = node.hops_after(hop_timer(&orphan));
    assert_eq!(sent, [(4, token(2, 1, 1, 0, TokenBody::Contend))]);
}

// A suspicion may be wrong, and a token that ends before its origin loses an election. So a node
// sends a token to the token's origin even if it suspects the origin.
#[test]
fn a_suspected_origin_still_receives_its_token() {
    let mut node = Node::follower(2, ChangRoberts);
    node.suspect(3);
    assert_eq!(
        node.receive_token(1, &token(3, 1, 1, 3, TokenBody::Contend))[0].0,
        3
    );
}

// The origin must replace a token that does not come back in time. If the old token arrives later,
// it must not count.
// Invariant: I5.
#[test]
fn a_lost_token_is_replaced() {
    for variant in [Collect, ChangRoberts, HirschbergSinclair] {
        let mut node = Node::follower(3, variant);
        let old = node.campaign().remove(0).1;
        let new = node.hops_after(RingTimer::Lap).remove(0).1;
        assert_ne!(new.serial, old.serial);
        assert_eq!(node.receive_token(2, &old), []);
        assert!(!leads(&node), "{variant:?}");
        node.receive_token(2, &new);
        assert!(leads(&node), "{variant:?}");
    }
}

// A token that a node created before a crash must not elect this node after its restart, because
// other nodes may have died or recovered since.
// Invariant: I5.
#[test]
fn serials_are_not_used_again_after_a_restart() {
    let durable = RingDurable {
        epoch: Epoch(1),
        life: 1,
    };
    let mut node = Node::with_disk(3, ChangRoberts, durable);
    let new = node.campaign().remove(0).1;
    assert_eq!(new.serial, Serial { life: 2, count: 1 });
    node.receive_token(2, &token(3, 1, 1, 4, TokenBody::Contend));
    assert!(!leads(&node));
}

// On a ring of many nodes a lap takes longer than an election timeout. A node that has forwarded a
// token waits for two laps, and then for a random time of up to half a lap. Otherwise it would
// start an election while the token is still on its way.
#[test]
fn waits_grow_with_the_ring() {
    let mut node = Node::follower(3, Collect);
    let input = Input::Received {
        from: NodeId(2),
        message: RingMessage::Token(token(1, 1, 1, 1, gather(&[1, 2]))),
    };
    let two_laps = Delay::exactly(Timing::default().round_trip * 10);
    let await_it = TimerChange::Set(RingTimer::Await, two_laps);
    assert!(node.step(input).timers.contains(&await_it));
    let step = node.step(Input::Elapsed(RingTimer::Await));
    let stagger = TimerChange::Set(RingTimer::Stagger, Timing::default().stagger(1));
    assert_eq!(
        step.timers,
        [stagger],
        "the shared spread is enough for five nodes"
    );
    assert_eq!(node.view().leader, None);
}

// A recovering node does not replace a live leader with a lower id, because this would cause an
// unnecessary election. (With Bully, the recovering node takes over.)
#[test]
fn a_recovering_node_accepts_a_lower_leader() {
    let mut node = Node::new(5, Collect);
    assert_eq!(node.receive(2, heartbeat(1, false)).sends, []);
    assert_eq!(node.view(), View::following(Epoch(1), Some(NodeId(2))));
}

// If the COORDINATOR token has skipped a node, other nodes take this node for dead. Without an
// announcement that it is alive, they would not elect it later.
#[test]
fn a_skipped_node_announces_that_it_is_alive() {
    let mut node = Node::new(5, Collect);
    node.suspect(3);
    assert_eq!(
        node.receive(2, heartbeat(1, false)).sends,
        [],
        "the lap has not ended"
    );
    let sent = node.receive(2, heartbeat(1, true)).sends;
    let asked: Vec<(u64, bool)> = sent
        .iter()
        .map(|out| (out.to.0, out.message == RingMessage::Present { ask: true }))
        .collect();
    assert_eq!(asked, [(1, false), (2, false), (3, true), (4, false)]);
    assert_eq!(node.receive(2, heartbeat(1, true)).sends, [], "only once");
    let answer = node.receive(1, RingMessage::Present { ask: true }).sends;
    assert_eq!(answer[0].message, RingMessage::Present { ask: false });
}

// If the COORDINATOR token has visited a node, no other node takes this node for dead. So this node
// need not announce that it is alive.
#[test]
fn a_node_that_was_not_skipped_is_silent() {
    let mut node = Node::new(5, Collect);
    node.receive_token(4, &token(2, 1, 1, 2, coordinator(2)));
    assert_eq!(node.receive(2, heartbeat(1, true)).sends, []);
}

// After a partition, two leaders receive each other's heartbeats. On both sides, the leader of the
// newer epoch stays.
// Invariant: I3.
#[test]
fn of_two_leaders_the_newer_epoch_stays() {
    let mut node = leader(4, Collect);
    assert_eq!(
        node.receive(2, heartbeat(2, true)).sends[0].to,
        NodeId(1),
        "the lap has skipped it"
    );
    assert_eq!(node.view(), View::following(Epoch(2), Some(NodeId(2))));
    let mut node = leader(4, Collect);
    assert_eq!(node.receive(5, heartbeat(0, true)).sends, []);
    assert!(leads(&node));
}

// Both sides of a partition may have reached the same epoch. Then the leader with the higher id
// stays, in a new epoch. The leader with the lower id steps down, and sends its heartbeat once
// more, in case earlier heartbeats were lost.
// Invariant: I3.
#[test]
fn of_two_leaders_of_one_epoch_the_higher_moves_to_a_new_epoch() {
    let mut node = leader(4, Collect);
    let sent = hops(&node.receive(2, heartbeat(1, true)).sends);
    assert_eq!(sent[0].1.body, coordinator(4));
    assert_eq!(node.view(), View::leading(Epoch(2), NodeId(4)));
    let mut node = leader(4, Collect);
    let last = node.receive(5, heartbeat(1, false)).sends.remove(0);
    assert_eq!(last.to, NodeId(5));
    assert_eq!(last.message.to_owned(), heartbeat(1, false));
    assert_eq!(node.view(), View::following(Epoch(1), Some(NodeId(5))));
}

// A lower candidate that knows a newer epoch does not follow the leader, and the leader discards
// the candidate's token. Without a change, the candidate would hold elections forever, so the
// leader must move to an epoch above the candidate's.
#[test]
fn a_leader_moves_above_the_epoch_of_a_lower_candidate() {
    let mut node = leader(4, ChangRoberts);
    assert_eq!(
        node.receive_token(3, &token(2, 1, 1, 2, TokenBody::Contend)),
        []
    );
    let sent = node.receive_token(3, &token(2, 2, 7, 2, TokenBody::Contend));
    assert_eq!(sent[0].1.body, coordinator(4));
    assert_eq!(node.view(), View::leading(Epoch(8), NodeId(4)));
}

// A follower with a wrong suspicion ends its election at the next heartbeat of its leader. The
// heartbeat does not end an election that the application has asked for, or an election in which
// the follower has learned of a newer epoch.
#[test]
fn a_live_leader_ends_an_election() {
    let mut node = Node::follower(1, Collect);
    node.suspect(5);
    assert_eq!(
        node.view(),
        View::campaigning(Epoch(1)),
        "node 1 is the next after node 5"
    );
    node.receive(5, heartbeat(1, true));
    assert_eq!(node.view(), View::following(Epoch(1), Some(NodeId(5))));
    node.campaign();
    node.receive(5, heartbeat(1, true));
    let campaigning = View::campaigning(Epoch(1));
    assert_eq!(node.view(), campaigning, "the application has asked for it");
    node.hops_after(RingTimer::Lap);
    node.receive(5, heartbeat(1, true));
    assert_eq!(node.view().leader, Some(NodeId(5)), "its lap has ended");
    node.suspect(5);
    node.receive_token(4, &token(2, 1, 3, 3, gather(&[2, 3, 4])));
    node.receive(5, heartbeat(1, true));
    assert_eq!(node.view(), campaigning, "a node knows epoch 3");
}

// All nodes may suspect the leader at the same time. The next node after the leader in the ring
// starts its election first, and the other nodes wait.
#[test]
fn a_suspicion_starts_an_election_by_rank() {
    let mut node = Node::follower(3, Collect);
    node.suspect(2);
    let step = node.suspect(5);
    let round_trip = Timing::default().round_trip;
    let turn = Delay::between(round_trip, round_trip * 3 / 2);
    assert_eq!(step.sends, []);
    assert_eq!(
        step.timers.last(),
        Some(&TimerChange::Set(RingTimer::Stagger, turn)),
        "node 1 is first; node 2 is suspected"
    );
}

// A node that resigned must not win the election of its successor. But after a bounded time it must
// offer itself for elections again.
#[test]
fn a_node_that_resigned_does_not_offer_itself() {
    for variant in [Collect, ChangRoberts, HirschbergSinclair] {
        let mut node = leader(4, variant);
        let sent = node.command(Command::Resign).sends;
        assert_eq!(sent, [], "it takes all other nodes for dead");
        assert_eq!(node.view(), View::following(Epoch(1), None));
        let body = match variant {
            Collect => gather(&[2]),
            ChangRoberts => TokenBody::Contend,
            HirschbergSinclair => TokenBody::Probe {
                level: 2,
                way: Way::Onward,
            },
        };
        let passed = node
            .receive_token(3, &token(2, 1, 1, 2, body.clone()))
            .remove(0)
            .1;
        assert_eq!(passed.body, body, "the token is unchanged");
        assert_eq!(node.hops_after(RingTimer::Await), []);
        assert_eq!(node.hops_after(RingTimer::Stagger), []);
        node.hops_after(RingTimer::Aside);
        node.hops_after(RingTimer::Vigil);
        assert_eq!(node.hops_after(RingTimer::Stagger)[0].1.origin, NodeId(4));
    }
}

// A leader steps down before it hands over to its successor, so that the two nodes do not lead at
// the same time.
#[test]
fn leadership_is_handed_over() {
    let mut node = leader(4, Collect);
    node.receive(2, RingMessage::Present { ask: false });
    let handover = RingMessage::Handover { epoch: Epoch(1) };
    let sent = node.command(Command::Resign).sends;
    assert_eq!((sent[0].to, &sent[0].message), (NodeId(2), &handover));
    let mut successor = Node::follower(2, Collect);
    let sent = hops(&successor.receive(5, handover.clone()).sends);
    assert_eq!(sent, [(3, token(2, 1, 2, 0, coordinator(2)))]);
    assert_eq!(successor.view(), View::leading(Epoch(2), NodeId(2)));
    assert_eq!(
        successor.receive(5, handover).sends,
        [],
        "a duplicate is stale"
    );
}

// An invalid command gets a refusal with a reason, and changes nothing.
#[test]
fn invalid_commands_are_refused() {
    let mut node = Node::follower(3, Collect);
    let mut refused = |command| {
        node.step(Input::Commanded(command))
            .refusal
            .unwrap()
            .to_string()
    };
    assert!(refused(Command::Resign).contains("does not lead"));
    assert!(refused(Command::TransferTo(NodeId(4))).contains("does not lead"));
    let mut node = leader(3, Collect);
    let mut refused = |command| {
        node.step(Input::Commanded(command))
            .refusal
            .unwrap()
            .to_string()
    };
    assert!(refused(Command::Campaign).contains("leads already"));
    for (peer, reason) in [(3, "another member"), (9, "not in the cluster")] {
        let refusal = refused(Command::TransferTo(NodeId(peer)));
        assert!(refusal.contains(reason), "{refusal}");
    }
    assert!(leads(&node));
}
