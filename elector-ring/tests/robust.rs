//! What the papers assume away: dead nodes, lost and repeated tokens, several leaders, commands.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod node;

use elector_core::{Command, Delay, Epoch, Input, NodeId, Role, TimerChange, Timing, View};
use elector_ring::{TokenBody, RingDurable, RingMessage, RingTimer, RingVariant, Serial, Token, Way};
use node::{Node, coordinator, gather, heartbeat, hops, token};

use RingVariant::{ChangRoberts, Collect, HirschbergSinclair};

/// A node that leads epoch 1: the others said nothing when it asked.
fn leader(me: u64, variant: RingVariant) -> Node {
    let mut node = Node::new(me, variant);
    node.campaign();
    for peer in (1..=5).filter(|&peer| peer != me) {
        node.give(Input::Suspected(NodeId(peer)));
    }
    assert_eq!(node.view(), View::leading(Epoch(1), NodeId(me)));
    node
}

fn leads(node: &Node) -> bool {
    node.view().role == Role::Leader
}

fn silent(token: &Token) -> RingTimer {
    RingTimer::Hop(token.id())
}

fn acknowledged(token: &Token) -> RingMessage {
    RingMessage::HopAck { token: token.id() }
}

// A dead successor must be skipped, and not waited for again until it is heard from.
#[test]
fn a_silent_node_is_skipped_until_it_is_heard() {
    let mut node = Node::follower(2, Collect);
    let (to, first) = node.campaign().remove(0);
    assert_eq!(to, 3);
    assert_eq!(node.elapse(silent(&first)), [(4, first.clone())]);
    assert_eq!(node.elapse(silent(&first)), [(5, first.clone())]);
    node.hear(5, acknowledged(&first));
    assert_eq!(node.elapse(silent(&first)), [], "it has arrived");
    node.hear(3, RingMessage::Present { ask: false });
    let next = token(1, 1, 1, 0, gather(&[1]));
    let to: Vec<u64> = node.meet(1, &next).iter().map(|(to, _)| *to).collect();
    assert_eq!(to, [], "an initiator of a higher id keeps it");
    assert_eq!(node.elapse(RingTimer::Lap)[0].0, 3, "3 was heard");
    let own = token(2, 2, 1, 0, gather(&[2]));
    assert_eq!(node.elapse(silent(&own))[0].0, 5, "4 was not");
}

// An acknowledgement of one that was skipped must not stop the token's way past the next.
#[test]
fn only_the_node_that_is_waited_for_can_acknowledge() {
    let mut node = Node::follower(2, Collect);
    let (_, first) = node.campaign().remove(0);
    node.elapse(silent(&first));
    node.hear(3, acknowledged(&first));
    assert_eq!(node.elapse(silent(&first))[0].0, 5);
}

// A broken connection says what the hop timeout would: the token need not wait for it.
#[test]
fn a_hint_sends_a_waiting_token_on() {
    let mut node = Node::follower(2, Collect);
    let (_, first) = node.campaign().remove(0);
    let sends = node.give(Input::Suspected(NodeId(3))).sends;
    assert_eq!(hops(&sends), [(4, first)]);
}

// A sender whose acknowledgement got lost sends the token past its receiver: two copies travel. The
// second to arrive anywhere must end there.
// Invariant: I4.
#[test]
fn a_copy_of_a_token_ends() {
    let mut node = Node::follower(3, Collect);
    assert_eq!(node.meet(2, &token(1, 1, 1, 1, gather(&[1, 2]))).len(), 1);
    assert_eq!(node.meet(1, &token(1, 1, 1, 0, gather(&[1]))), []);
    let next = token(1, 2, 1, 0, gather(&[1]));
    assert_eq!(
        node.meet(1, &next).len(),
        1,
        "the next of that origin does not"
    );
}

// A peer that lies about the hops left must not make a token travel for ever.
// Invariant: I4.
#[test]
fn no_token_has_more_hops_than_the_ring() {
    let mut node = Node::follower(3, Collect);
    let mut endless = token(1, 1, 1, 0, coordinator(5));
    endless.left = u32::MAX;
    assert_eq!(node.meet(2, &endless)[0].1.left, 4);
    let mut spent = token(1, 2, 1, 0, coordinator(5));
    spent.left = 1;
    assert_eq!(node.meet(2, &spent), []);
}

// The initiator died while its token was under way: the last node before it has all it needs.
// Invariant: I4.
#[test]
fn the_last_node_concludes_for_a_dead_initiator() {
    let mut node = Node::follower(2, Collect);
    let orphan = token(3, 1, 1, 3, gather(&[3, 4, 1]));
    let (to, orphan) = node.meet(1, &orphan).remove(0);
    assert_eq!(to, 3);
    let sent = node.elapse(silent(&orphan));
    assert_eq!(sent, [(4, token(2, 1, 2, 0, coordinator(4)))]);
    assert_eq!(node.view(), View::following(Epoch(2), Some(NodeId(4))));
}

// The same where tokens carry nothing but their origin: then nobody is left to be elected by it.
#[test]
fn the_last_node_starts_anew_for_a_dead_candidate() {
    let mut node = Node::follower(2, ChangRoberts);
    let (_, orphan) = node.meet(1, &token(3, 1, 1, 3, TokenBody::Contend)).remove(0);
    let sent = node.elapse(silent(&orphan));
    assert_eq!(sent, [(4, token(2, 1, 1, 0, TokenBody::Contend))]);
}

// A suspicion may be wrong, and a lap that ends early loses an election: the origin is asked.
#[test]
fn a_suspected_origin_is_asked() {
    let mut node = Node::follower(2, ChangRoberts);
    node.give(Input::Suspected(NodeId(3)));
    assert_eq!(node.meet(1, &token(3, 1, 1, 3, TokenBody::Contend))[0].0, 3);
}

// A lost token must be replaced, and must not count if it turns up after all.
// Invariant: I5.
#[test]
fn a_lost_token_is_replaced() {
    for variant in [Collect, ChangRoberts, HirschbergSinclair] {
        let mut node = Node::follower(3, variant);
        let old = node.campaign().remove(0).1;
        let new = node.elapse(RingTimer::Lap).remove(0).1;
        assert_ne!(new.serial, old.serial);
        assert_eq!(node.meet(2, &old), []);
        assert!(!leads(&node), "{variant:?}");
        node.meet(2, &new);
        assert!(leads(&node), "{variant:?}");
    }
}

// A token from before a crash must not elect the node that comes back: it knows nothing of those
// who have died since.
// Invariant: I5.
#[test]
fn serials_are_not_given_again_after_a_restart() {
    let durable = RingDurable {
        epoch: Epoch(1),
        life: 1,
    };
    let mut node = Node::restored(3, ChangRoberts, durable);
    let new = node.campaign().remove(0).1;
    assert_eq!(new.serial, Serial { life: 2, count: 1 });
    node.meet(2, &token(3, 1, 1, 4, TokenBody::Contend));
    assert!(!leads(&node));
}

// On a ring of many nodes a lap takes longer than an election timeout: who has seen a token waits
// for two laps, and then for a time drawn as wide as half a lap.
#[test]
fn patience_grows_with_the_ring() {
    let mut node = Node::follower(3, Collect);
    let input = Input::Received {
        from: NodeId(2),
        message: RingMessage::Token(token(1, 1, 1, 1, gather(&[1, 2]))),
    };
    let two_laps = Delay::exactly(Timing::default().round_trip * 10);
    let await_it = TimerChange::Set(RingTimer::Await, two_laps);
    assert!(node.give(input).timers.contains(&await_it));
    let step = node.give(Input::Elapsed(RingTimer::Await));
    let stagger = TimerChange::Set(RingTimer::Stagger, Timing::default().stagger(1));
    assert_eq!(
        step.timers,
        [stagger],
        "five nodes need no more than the shared spread"
    );
    assert_eq!(node.view().leader, None);
}

// "The recovering node takes over" is Bully's rule, not Ring's: a live leader stays.
#[test]
fn a_recovering_node_accepts_a_lower_leader() {
    let mut node = Node::new(5, Collect);
    assert_eq!(node.hear(2, heartbeat(1, false)), []);
    assert_eq!(node.view(), View::following(Epoch(1), Some(NodeId(2))));
}

// The lap has skipped it: others believe it dead, and would not elect it when its turn comes.
#[test]
fn a_skipped_node_says_that_it_lives() {
    let mut node = Node::new(5, Collect);
    node.give(Input::Suspected(NodeId(3)));
    assert_eq!(
        node.hear(2, heartbeat(1, false)),
        [],
        "the lap may still come"
    );
    let sent = node.hear(2, heartbeat(1, true));
    let asked: Vec<(u64, bool)> = sent
        .iter()
        .map(|out| (out.to.0, out.message == RingMessage::Present { ask: true }))
        .collect();
    assert_eq!(asked, [(1, false), (2, false), (3, true), (4, false)]);
    assert_eq!(node.hear(2, heartbeat(1, true)), [], "once");
    let answer = node.hear(1, RingMessage::Present { ask: true });
    assert_eq!(answer[0].message, RingMessage::Present { ask: false });
}

// A node that the lap has met has nobody to convince.
#[test]
fn a_node_that_was_not_skipped_is_silent() {
    let mut node = Node::new(5, Collect);
    node.meet(4, &token(2, 1, 1, 2, coordinator(2)));
    assert_eq!(node.hear(2, heartbeat(1, true)), []);
}

// After a partition two leaders hear each other: the newer epoch stays, on both sides.
// Invariant: I3.
#[test]
fn of_two_leaders_the_newer_epoch_stays() {
    let mut node = leader(4, Collect);
    assert_eq!(
        node.hear(2, heartbeat(2, true))[0].to,
        NodeId(1),
        "it was skipped"
    );
    assert_eq!(node.view(), View::following(Epoch(2), Some(NodeId(2))));
    let mut node = leader(4, Collect);
    assert_eq!(node.hear(5, heartbeat(0, true)), []);
    assert!(leads(&node));
}

// Both sides may have counted to the same epoch. Then the higher id stays, in a new one; the other
// steps down, and says so in case it was not heard.
// Invariant: I3.
#[test]
fn of_two_leaders_of_one_epoch_the_higher_moves_on() {
    let mut node = leader(4, Collect);
    let sent = hops(&node.hear(2, heartbeat(1, true)));
    assert_eq!(sent[0].1.body, coordinator(4));
    assert_eq!(node.view(), View::leading(Epoch(2), NodeId(4)));
    let mut node = leader(4, Collect);
    let last_word = node.hear(5, heartbeat(1, false)).remove(0);
    assert_eq!(last_word.to, NodeId(5));
    assert_eq!(last_word.message.to_owned(), heartbeat(1, false));
    assert_eq!(node.view(), View::following(Epoch(1), Some(NodeId(5))));
}

// A leader that a lower candidate cannot hear of, because the candidate knows a newer epoch, would
// discard its token for ever. It must catch up instead.
#[test]
fn a_leader_moves_above_the_epoch_of_a_lower_candidate() {
    let mut node = leader(4, ChangRoberts);
    assert_eq!(node.meet(3, &token(2, 1, 1, 2, TokenBody::Contend)), []);
    let sent = node.meet(3, &token(2, 2, 7, 2, TokenBody::Contend));
    assert_eq!(sent[0].1.body, coordinator(4));
    assert_eq!(node.view(), View::leading(Epoch(8), NodeId(4)));
}

// A follower that suspected its leader wrongly ends its election when the leader is heard; but not
// one that was asked for, nor one that has met a newer epoch than the leader's.
#[test]
fn a_live_leader_ends_an_election() {
    let mut node = Node::follower(1, Collect);
    node.give(Input::Suspected(NodeId(5)));
    assert_eq!(
        node.view(),
        View::campaigning(Epoch(1)),
        "1 stands behind 5"
    );
    node.hear(5, heartbeat(1, true));
    assert_eq!(node.view(), View::following(Epoch(1), Some(NodeId(5))));
    node.campaign();
    node.hear(5, heartbeat(1, true));
    assert_eq!(node.view(), View::campaigning(Epoch(1)), "it was asked for");
    node.elapse(RingTimer::Lap);
    node.hear(5, heartbeat(1, true));
    assert_eq!(node.view().leader, Some(NodeId(5)), "it has had its lap");
    node.give(Input::Suspected(NodeId(5)));
    node.meet(4, &token(2, 1, 3, 3, gather(&[2, 3, 4])));
    node.hear(5, heartbeat(1, true));
    assert_eq!(
        node.view(),
        View::campaigning(Epoch(1)),
        "somebody knows epoch 3"
    );
}

// After a hint everybody knows at once: those further behind the leader leave the first its time.
#[test]
fn a_hint_is_acted_on_by_rank() {
    let mut node = Node::follower(3, Collect);
    node.give(Input::Suspected(NodeId(2)));
    let step = node.give(Input::Suspected(NodeId(5)));
    let round_trip = Timing::default().round_trip;
    let turn = Delay::between(round_trip, round_trip * 3 / 2);
    assert_eq!(step.sends, []);
    assert_eq!(
        step.timers.last(),
        Some(&TimerChange::Set(RingTimer::Stagger, turn)),
        "1 goes first; 2 is suspected too"
    );
}

// Who resigns must not be elected by the very election that replaces it; but must not stay out for
// ever either.
#[test]
fn a_node_that_resigned_offers_itself_to_nobody() {
    for variant in [Collect, ChangRoberts, HirschbergSinclair] {
        let mut node = leader(4, variant);
        let sent = node.order(Command::Resign);
        assert_eq!(sent, [], "nobody it believes alive");
        assert_eq!(node.view(), View::following(Epoch(1), None));
        let body = match variant {
            Collect => gather(&[2]),
            ChangRoberts => TokenBody::Contend,
            HirschbergSinclair => TokenBody::Probe {
                level: 2,
                way: Way::Onward,
            },
        };
        let passed = node.meet(3, &token(2, 1, 1, 2, body.clone())).remove(0).1;
        assert_eq!(passed.body, body, "as it came");
        assert_eq!(node.elapse(RingTimer::Await), []);
        assert_eq!(node.elapse(RingTimer::Stagger), []);
        node.elapse(RingTimer::Aside);
        node.elapse(RingTimer::Vigil);
        assert_eq!(node.elapse(RingTimer::Stagger)[0].1.origin, NodeId(4));
    }
}

// A leader that steps down does so before its successor can know, and names it.
#[test]
fn leadership_is_handed_over() {
    let mut node = leader(4, Collect);
    node.hear(2, RingMessage::Present { ask: false });
    let handover = RingMessage::Handover { epoch: Epoch(1) };
    let sent = node.order(Command::Resign);
    assert_eq!((sent[0].to, &sent[0].message), (NodeId(2), &handover));
    let mut heir = Node::follower(2, Collect);
    let sent = hops(&heir.hear(5, handover.clone()));
    assert_eq!(sent, [(3, token(2, 1, 2, 0, coordinator(2)))]);
    assert_eq!(heir.view(), View::leading(Epoch(2), NodeId(2)));
    assert_eq!(
        heir.hear(5, handover),
        [],
        "a copy is of an epoch that is over"
    );
}

// A command that makes no sense must say why, and change nothing.
#[test]
fn senseless_commands_are_refused() {
    let mut node = Node::follower(3, Collect);
    let mut refused = |command| {
        node.give(Input::Commanded(command))
            .refusal
            .unwrap()
            .to_string()
    };
    assert!(refused(Command::Resign).contains("does not lead"));
    assert!(refused(Command::TransferTo(NodeId(4))).contains("does not lead"));
    let mut node = leader(3, Collect);
    let mut refused = |command| {
        node.give(Input::Commanded(command))
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
