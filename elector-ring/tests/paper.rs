//! The rules of the papers, one test each: the textbooks' token that collects ids, Chang and
//! Roberts (CACM 22(5), 1979), Hirschberg and Sinclair (CACM 23(11), 1980).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod node;

use elector_core::{Command, Epoch, NodeId, View};
use elector_ring::{TokenBody, RingTimer, RingVariant, Token, Way};
use node::{Node, coordinator, gather, token};

use RingVariant::{ChangRoberts, Collect, HirschbergSinclair};
use Way::{Backward, Onward};

// Collect: "the initiating process sends an ELECTION message with its own ID around the ring".
#[test]
fn the_initiator_sends_its_own_id() {
    let mut node = Node::follower(3, Collect);
    assert_eq!(node.elapse(RingTimer::Vigil), []);
    let sent = node.elapse(RingTimer::Stagger);
    assert_eq!(sent, [(4, token(3, 1, 1, 0, gather(&[3])))]);
    assert_eq!(node.view(), View::campaigning(Epoch(1)));
}

// "Each process adds its own ID to the message and passes it on."
#[test]
fn each_node_adds_its_id() {
    let mut node = Node::follower(3, Collect);
    let sent = node.meet(2, &token(1, 1, 1, 1, gather(&[1, 2])));
    assert_eq!(sent, [(4, token(1, 1, 1, 2, gather(&[1, 2, 3])))]);
    assert_eq!(
        node.view().leader,
        Some(NodeId(5)),
        "nothing is decided yet"
    );
}

// "The initiator then selects the process with the highest ID as the leader and sends a
// COORDINATOR message around the ring."
#[test]
fn the_initiator_selects_the_highest() {
    let mut node = Node::follower(2, Collect);
    node.campaign();
    let sent = node.meet(1, &token(2, 1, 1, 4, gather(&[2, 3, 4, 1])));
    assert_eq!(sent, [(3, token(2, 2, 2, 0, coordinator(4)))]);
    assert_eq!(node.view(), View::following(Epoch(2), Some(NodeId(4))));
}

// The one named learns of it from that lap, and passes it on to those behind it.
#[test]
fn the_winner_leads_once_it_is_told() {
    let mut node = Node::follower(4, Collect);
    let sent = node.meet(3, &token(2, 2, 2, 2, coordinator(4)));
    assert_eq!(sent, [(5, token(2, 2, 2, 3, coordinator(4)))]);
    assert_eq!(node.view(), View::leading(Epoch(2), NodeId(4)));
}

// A lap ends where it began.
// Invariant: I4.
#[test]
fn a_coordinator_lap_ends_at_its_origin() {
    let mut node = Node::follower(2, Collect);
    node.campaign();
    node.meet(1, &token(2, 1, 1, 4, gather(&[2, 3, 4, 1])));
    assert_eq!(node.meet(1, &token(2, 2, 2, 4, coordinator(4))), []);
}

// Chang and Roberts: a process that starts an election sends its own number to its neighbour.
#[test]
fn an_initiator_contends() {
    let mut node = Node::follower(3, ChangRoberts);
    let sent = node.campaign();
    assert_eq!(sent, [(4, token(3, 1, 1, 0, TokenBody::Contend))]);
}

// A number that is higher than the own one is passed on, also by a process that contends itself.
#[test]
fn a_higher_id_is_passed_on() {
    let mut node = Node::follower(3, ChangRoberts);
    node.campaign();
    let sent = node.meet(2, &token(4, 1, 1, 3, TokenBody::Contend));
    assert_eq!(sent, [(4, token(4, 1, 1, 4, TokenBody::Contend))]);
}

// A lower number is discarded; and if the receiver has not sent its own yet, it does.
#[test]
fn a_lower_id_is_discarded() {
    let mut node = Node::follower(3, ChangRoberts);
    let sent = node.meet(2, &token(2, 1, 1, 0, TokenBody::Contend));
    assert_eq!(sent, [(4, token(3, 1, 1, 0, TokenBody::Contend))]);
    let sent = node.meet(2, &token(1, 1, 1, 1, TokenBody::Contend));
    assert_eq!(sent, [], "it takes part already");
}

// A process that receives its own number is elected, and says so all round the ring.
#[test]
fn the_own_id_coming_home_elects() {
    let mut node = Node::follower(4, ChangRoberts);
    node.campaign();
    let sent = node.meet(3, &token(4, 1, 1, 4, TokenBody::Contend));
    assert_eq!(sent, [(5, token(4, 2, 2, 0, coordinator(4)))]);
    assert_eq!(node.view(), View::leading(Epoch(2), NodeId(4)));
}

fn probe(level: u32, way: Way) -> TokenBody {
    TokenBody::Probe { level, way }
}

fn reply(level: u32, way: Way) -> TokenBody {
    TokenBody::Reply { level, way }
}

/// This token, with so many hops before it.
fn good_for(left: u32, token: Token) -> Token {
    Token { left, ..token }
}

// Hirschberg and Sinclair: a process sends in both directions, over paths of length 2^i, i from 0.
#[test]
fn probes_leave_both_ways_over_a_distance_of_one() {
    let mut node = Node::follower(3, HirschbergSinclair);
    let sent = node.campaign();
    let onward = good_for(1, token(3, 1, 1, 0, probe(0, Onward)));
    let backward = good_for(1, token(3, 1, 1, 0, probe(0, Backward)));
    assert_eq!(sent, [(4, onward), (2, backward)]);
}

// The last process on the path sends an answer back, the ones before it pass it on.
#[test]
fn a_probe_turns_at_the_end_of_its_distance() {
    let mut node = Node::follower(3, HirschbergSinclair);
    let last = good_for(1, token(4, 2, 1, 0, probe(0, Backward)));
    assert_eq!(
        node.meet(4, &last),
        [(4, token(4, 2, 1, 0, reply(0, Onward)))]
    );
    let inner = good_for(2, token(4, 3, 1, 0, probe(1, Backward)));
    let further = good_for(1, inner.clone());
    assert_eq!(node.meet(4, &inner), [(2, further)]);
    let home = token(4, 3, 1, 0, reply(1, Onward));
    assert_eq!(node.meet(2, &home), [(4, good_for(4, home.clone()))]);
}

// A process that outranks the sender does not let the message pass: it contends itself.
#[test]
fn a_probe_of_a_lower_node_is_not_answered() {
    let mut node = Node::follower(3, HirschbergSinclair);
    let low = good_for(1, token(2, 1, 1, 0, probe(0, Onward)));
    let own: Vec<u64> = node.meet(2, &low).iter().map(|(to, _)| *to).collect();
    assert_eq!(own, [4, 2], "its own probes");
    let low = good_for(1, token(2, 2, 1, 0, probe(0, Onward)));
    assert_eq!(node.meet(2, &low), [], "once");
}

// When both answers have come back, it goes on to paths twice as long.
#[test]
fn the_distance_doubles_when_both_replies_are_in() {
    let mut node = Node::follower(3, HirschbergSinclair);
    node.campaign();
    assert_eq!(node.meet(4, &token(3, 1, 1, 0, reply(0, Backward))), []);
    let sent = node.meet(2, &token(3, 1, 1, 0, reply(0, Onward)));
    let onward = good_for(2, token(3, 2, 1, 0, probe(1, Onward)));
    let backward = good_for(2, token(3, 2, 1, 0, probe(1, Backward)));
    assert_eq!(sent, [(4, onward), (2, backward)]);
    assert_eq!(
        node.meet(2, &token(3, 1, 1, 0, reply(0, Onward))),
        [],
        "a reply of the level before counts for nothing"
    );
}

// A process that receives its own number has the highest: it has gone all round.
#[test]
fn the_own_probe_coming_home_elects() {
    let mut node = Node::follower(4, HirschbergSinclair);
    node.campaign();
    for (level, distance) in [(0, 2), (1, 4), (2, 5)] {
        let count = u64::from(level) + 1;
        node.meet(5, &token(4, count, 1, 0, reply(level, Backward)));
        let sent = node.meet(3, &token(4, count, 1, 0, reply(level, Onward)));
        assert_eq!(
            sent[0].1.left, distance,
            "never more than the ring has nodes"
        );
    }
    let home = good_for(1, token(4, 4, 1, 0, probe(3, Onward)));
    assert_eq!(
        node.meet(3, &home),
        [(5, token(4, 5, 2, 0, coordinator(4)))]
    );
    assert_eq!(node.view(), View::leading(Epoch(2), NodeId(4)));
    let other = good_for(1, token(4, 4, 1, 0, probe(3, Backward)));
    assert_eq!(node.meet(5, &other), [], "elected once");
}

// Without epochs nothing would tell an old COORDINATOR from a new one: the winner's is above every
// epoch that its token met.
// Invariant: I2.
#[test]
fn the_winners_epoch_is_above_all_on_the_way() {
    for variant in [Collect, ChangRoberts, HirschbergSinclair] {
        let mut node = Node::follower(3, variant);
        let body = match variant {
            Collect => gather(&[2]),
            ChangRoberts => TokenBody::Contend,
            HirschbergSinclair => probe(1, Onward),
        };
        let sent = node.meet(2, &token(4, 1, 9, 3, body));
        assert_eq!(sent[0].1.epoch, Epoch(9), "met before");
        node.campaign();
        for peer in [4, 5, 1, 2] {
            node.give(elector_core::Input::Suspected(NodeId(peer)));
        }
        assert_eq!(node.view(), View::leading(Epoch(10), NodeId(3)));
        node.order(Command::Resign);
        let mut low = Node::new(1, variant);
        let own = low.campaign().remove(0).1;
        assert_eq!(own.epoch, Epoch(0), "its own, the first time");
    }
}
