//! Tests the rules of the papers, one test each: the token of the textbooks that collects ids,
//! Chang and Roberts (CACM 22(5), 1979), Hirschberg and Sinclair (CACM 23(11), 1980).

use crate::node::{Node, coordinator, gather, token};
use elector_core::{Command, Epoch, NodeId, View};
use elector_ring::{RingTimer, RingVariant, Token, TokenBody, Way};

use RingVariant::{ChangRoberts, Collect, HirschbergSinclair};
use Way::{Backward, Onward};

// Collect: "the initiating process sends an ELECTION message with its own ID around the ring".
#[test]
fn the_initiator_sends_its_own_id() {
    let mut node = Node::follower(3, Collect);
    assert_eq!(node.hops_after(RingTimer::Vigil), []);
    let sent = node.hops_after(RingTimer::Stagger);
    assert_eq!(sent, [(4, token(3, 1, 1, 0, gather(&[3])))]);
    assert_eq!(node.view(), View::campaigning(Epoch(1)));
}

// Collect: "Each process adds its own ID to the message and passes it on."
#[test]
fn each_node_adds_its_id() {
    let mut node = Node::follower(3, Collect);
    let sent = node.receive_token(2, &token(1, 1, 1, 1, gather(&[1, 2])));
    assert_eq!(sent, [(4, token(1, 1, 1, 2, gather(&[1, 2, 3])))]);
    assert_eq!(
        node.view().leader,
        Some(NodeId(5)),
        "there is no new leader yet"
    );
}

// Collect: "The initiator then selects the process with the highest ID as the leader and sends a
// COORDINATOR message around the ring."
#[test]
fn the_initiator_selects_the_highest() {
    let mut node = Node::follower(2, Collect);
    node.campaign();
    let sent = node.receive_token(1, &token(2, 1, 1, 4, gather(&[2, 3, 4, 1])));
    assert_eq!(sent, [(3, token(2, 2, 2, 0, coordinator(4)))]);
    assert_eq!(node.view(), View::following(Epoch(2), Some(NodeId(4))));
}

// The winner learns from the COORDINATOR token that it leads, and forwards the token.
#[test]
fn the_winner_leads_when_coordinator_arrives() {
    let mut node = Node::follower(4, Collect);
    let sent = node.receive_token(3, &token(2, 2, 2, 2, coordinator(4)));
    assert_eq!(sent, [(5, token(2, 2, 2, 3, coordinator(4)))]);
    assert_eq!(node.view(), View::leading(Epoch(2), NodeId(4)));
}

// A COORDINATOR token ends at its origin, so it does not go round the ring again.
#[test]
fn a_coordinator_lap_ends_at_its_origin() {
    let mut node = Node::follower(2, Collect);
    node.campaign();
    node.receive_token(1, &token(2, 1, 1, 4, gather(&[2, 3, 4, 1])));
    assert_eq!(
        node.receive_token(1, &token(2, 2, 2, 4, coordinator(4))),
        []
    );
}

// Chang and Roberts: a process that starts an election sends its own number to its neighbour.
#[test]
fn an_initiator_contends() {
    let mut node = Node::follower(3, ChangRoberts);
    let sent = node.campaign();
    assert_eq!(sent, [(4, token(3, 1, 1, 0, TokenBody::Contend))]);
}

// A process forwards a number that is higher than its own, even if it is a candidate itself.
#[test]
fn a_higher_id_is_forwarded() {
    let mut node = Node::follower(3, ChangRoberts);
    node.campaign();
    let sent = node.receive_token(2, &token(4, 1, 1, 3, TokenBody::Contend));
    assert_eq!(sent, [(4, token(4, 1, 1, 4, TokenBody::Contend))]);
}

// A process discards a lower number. If it has not sent its own number yet, it sends its own
// number.
#[test]
fn a_lower_id_is_discarded() {
    let mut node = Node::follower(3, ChangRoberts);
    let sent = node.receive_token(2, &token(2, 1, 1, 0, TokenBody::Contend));
    assert_eq!(sent, [(4, token(3, 1, 1, 0, TokenBody::Contend))]);
    let sent = node.receive_token(2, &token(1, 1, 1, 1, TokenBody::Contend));
    assert_eq!(sent, [], "it takes part already");
}

// A process that receives its own number is elected, and announces its leadership round the ring.
#[test]
fn a_node_that_receives_its_own_id_is_elected() {
    let mut node = Node::follower(4, ChangRoberts);
    node.campaign();
    let sent = node.receive_token(3, &token(4, 1, 1, 4, TokenBody::Contend));
    assert_eq!(sent, [(5, token(4, 2, 2, 0, coordinator(4)))]);
    assert_eq!(node.view(), View::leading(Epoch(2), NodeId(4)));
}

fn probe(level: u32, way: Way) -> TokenBody {
    TokenBody::Probe { level, way }
}

fn reply(level: u32, way: Way) -> TokenBody {
    TokenBody::Reply { level, way }
}

/// Returns this token with `left` remaining hops.
fn with_hops(left: u32, token: Token) -> Token {
    Token { left, ..token }
}

// Hirschberg and Sinclair: a process sends in both directions, over paths of length 2^i, i from 0.
#[test]
fn the_first_probes_go_one_hop_in_both_directions() {
    let mut node = Node::follower(3, HirschbergSinclair);
    let sent = node.campaign();
    let onward = with_hops(1, token(3, 1, 1, 0, probe(0, Onward)));
    let backward = with_hops(1, token(3, 1, 1, 0, probe(0, Backward)));
    assert_eq!(sent, [(4, onward), (2, backward)]);
}

// The last process on the path sends an answer back. The processes before it forward the probe and
// the answer.
#[test]
fn a_probe_is_answered_at_the_end_of_its_distance() {
    let mut node = Node::follower(3, HirschbergSinclair);
    let last = with_hops(1, token(4, 2, 1, 0, probe(0, Backward)));
    assert_eq!(
        node.receive_token(4, &last),
        [(4, token(4, 2, 1, 0, reply(0, Onward)))]
    );
    let inner = with_hops(2, token(4, 3, 1, 0, probe(1, Backward)));
    let further = with_hops(1, inner.clone());
    assert_eq!(node.receive_token(4, &inner), [(2, further)]);
    let home = token(4, 3, 1, 0, reply(1, Onward));
    assert_eq!(
        node.receive_token(2, &home),
        [(4, with_hops(4, home.clone()))]
    );
}

// A process with a higher number than the origin discards the probe, and becomes a candidate
// itself.
#[test]
fn a_probe_of_a_lower_node_is_not_answered() {
    let mut node = Node::follower(3, HirschbergSinclair);
    let low = with_hops(1, token(2, 1, 1, 0, probe(0, Onward)));
    let own: Vec<u64> = node
        .receive_token(2, &low)
        .iter()
        .map(|(to, _)| *to)
        .collect();
    assert_eq!(own, [4, 2], "its own probes");
    let low = with_hops(1, token(2, 2, 1, 0, probe(0, Onward)));
    assert_eq!(node.receive_token(2, &low), [], "it sends them once");
}

// After both answers, the paths of the next probes are twice as long.
#[test]
fn the_distance_doubles_after_both_replies() {
    let mut node = Node::follower(3, HirschbergSinclair);
    node.campaign();
    assert_eq!(
        node.receive_token(4, &token(3, 1, 1, 0, reply(0, Backward))),
        []
    );
    let sent = node.receive_token(2, &token(3, 1, 1, 0, reply(0, Onward)));
    let onward = with_hops(2, token(3, 2, 1, 0, probe(1, Onward)));
    let backward = with_hops(2, token(3, 2, 1, 0, probe(1, Backward)));
    assert_eq!(sent, [(4, onward), (2, backward)]);
    assert_eq!(
        node.receive_token(2, &token(3, 1, 1, 0, reply(0, Onward))),
        [],
        "a reply of the previous level does not count"
    );
}

// A process that receives its own number has the highest one, because the probe has passed all
// other processes.
#[test]
fn a_node_that_receives_its_own_probe_is_elected() {
    let mut node = Node::follower(4, HirschbergSinclair);
    node.campaign();
    for (level, distance) in [(0, 2), (1, 4), (2, 5)] {
        let count = u64::from(level) + 1;
        node.receive_token(5, &token(4, count, 1, 0, reply(level, Backward)));
        let sent = node.receive_token(3, &token(4, count, 1, 0, reply(level, Onward)));
        assert_eq!(
            sent[0].1.left, distance,
            "the distance is at most the size of the ring"
        );
    }
    let home = with_hops(1, token(4, 4, 1, 0, probe(3, Onward)));
    assert_eq!(
        node.receive_token(3, &home),
        [(5, token(4, 5, 2, 0, coordinator(4)))]
    );
    assert_eq!(node.view(), View::leading(Epoch(2), NodeId(4)));
    let other = with_hops(1, token(4, 4, 1, 0, probe(3, Backward)));
    assert_eq!(node.receive_token(5, &other), [], "elected once");
}

// Only its epoch distinguishes an old COORDINATOR token from a new one. So the winner's epoch must
// be above every epoch that its token met.
// Invariant: I2.
#[test]
fn the_winners_epoch_is_above_all_that_its_token_met() {
    for variant in [Collect, ChangRoberts, HirschbergSinclair] {
        let mut node = Node::follower(3, variant);
        let body = match variant {
            Collect => gather(&[2]),
            ChangRoberts => TokenBody::Contend,
            HirschbergSinclair => probe(1, Onward),
        };
        let sent = node.receive_token(2, &token(4, 1, 9, 3, body));
        assert_eq!(sent[0].1.epoch, Epoch(9), "the highest epoch so far");
        node.campaign();
        for peer in [4, 5, 1, 2] {
            node.suspect(peer);
        }
        assert_eq!(node.view(), View::leading(Epoch(10), NodeId(3)));
        node.command(Command::Resign);
        let mut low = Node::new(1, variant);
        let own = low.campaign().remove(0).1;
        assert_eq!(own.epoch, Epoch(0), "its own epoch");
    }
}
