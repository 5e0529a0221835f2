//! Promises that wait for no disk: what is written before them vouches for them.

mod common;

use std::fmt::Debug;

use common::*;
use elector_core::{ElectionAlgorithm, Input, Membership, Moment, Outbox, Quorum, View};
use elector_paxos::{Ballot, Paxos, PaxosConfig, PaxosDurable, PaxosMessage, PaxosTimer};
use elector_sim::{Scenario, Setup, run};

/// Node 1 of a cluster, which has followed node 2 in epoch 1, and takes it for gone.
fn forsaken(nodes: u64) -> Node {
    let mut node = Node::new(nodes, &PaxosConfig::default());
    node.receive(2, heartbeat(e(1)));
    node.elapse(PaxosTimer::Vigil);
    node
}

/// The refusal of `ballot` by a node in epoch 1 that has promised this in instance 2.
fn refusal(ballot: Ballot, promised: Ballot) -> PaxosMessage {
    PaxosMessage::Reject {
        ballot,
        epoch: e(1),
        leader: None,
        instance: e(2),
        promised: Some(promised),
    }
}

/// One that names no competitor, only how far this peer's memory does not reach.
fn bound(ballot: Ballot, counter: u64) -> PaxosMessage {
    refusal(ballot, self::ballot(counter, u64::MAX))
}

// The point of it: one write less in every election but the first.
#[test]
fn a_promise_in_the_next_instance_waits_for_no_disk() {
    let mut node = forsaken(3);
    let before = node.disk.clone();
    assert_eq!((before.instance, before.counter), (e(1), 8));
    let step = node.receive(3, prepare(e(2), ballot(5, 3)));
    assert_eq!(sent(&step, 3), Some(promise(e(2), ballot(5, 3), None)));
    assert_eq!(step.persist, None);
    let lower = prepare(e(2), ballot(4, 3));
    assert!(
        rejects(&node.receive(3, lower), 3),
        "it is kept like any other"
    );
    assert!(
        rejects(&node.receive(3, prepare(e(1), ballot(7, 3))), 3),
        "of the instance before"
    );
}

// The first election has nothing that vouches; nor does a ballot beyond, nor a later instance.
#[test]
fn a_promise_that_nothing_vouches_for_is_written_first() {
    let mut new = Node::new(3, &PaxosConfig::default());
    new.elapse(PaxosTimer::Vigil);
    new.receive(3, prepare(e(1), ballot(1, 3)));
    assert_eq!(new.disk.promised, Some(ballot(1, 3)));
    for (instance, first) in [(e(2), ballot(9, 3)), (e(3), ballot(1, 3))] {
        let mut node = forsaken(3);
        node.receive(3, prepare(instance, first));
        assert_eq!(
            (node.disk.instance, node.disk.promised),
            (instance, Some(first))
        );
        node.restart();
        node.elapse(PaxosTimer::Vigil);
        assert!(rejects(
            &node.receive(2, prepare(instance, ballot(first.counter, 2))),
            2
        ));
        let step = node.receive(3, prepare(instance, first));
        assert_eq!(sent(&step, 3), Some(promise(instance, first, None)));
    }
}

// It may have promised any of them, so it refuses them all, and says why. What it promises above is
// written.
// Invariant: I1.
#[test]
fn a_restarted_node_refuses_all_that_it_may_have_promised() {
    let mut node = forsaken(3);
    node.receive(3, prepare(e(2), ballot(5, 3)));
    node.restart();
    node.elapse(PaxosTimer::Vigil);
    for counter in [1, 5, 8] {
        let asked = ballot(counter, 3);
        let step = node.receive(3, prepare(e(2), asked));
        assert_eq!(sent(&step, 3), Some(bound(asked, 8)));
        let step = node.receive(3, accept(e(2), asked, 3));
        assert_eq!(sent(&step, 3), Some(bound(asked, 8)));
    }
    assert_eq!(node.disk.instance, e(1));
    let step = node.receive(3, prepare(e(2), ballot(9, 3)));
    assert_eq!(sent(&step, 3), Some(promise(e(2), ballot(9, 3), None)));
    assert_eq!(node.disk.promised, Some(ballot(9, 3)));
}

// Its own ballots, too: it may have used any of them.
// Invariant: I2.
#[test]
fn a_restarted_proposer_goes_on_above_all_that_it_may_have_used() {
    let mut node = forsaken(3);
    assert_eq!(node.propose(), ballot(1, 1));
    assert_eq!(
        node.disk.instance,
        e(1),
        "not even the own promise is written"
    );
    node.restart();
    assert_eq!(node.propose(), ballot(9, 1));
}

// In the next epoch there is nothing that it could have forgotten.
#[test]
fn a_restarted_node_promises_at_once_when_it_has_seen_the_next_epoch() {
    let mut node = forsaken(3);
    node.restart();
    node.receive(3, heartbeat(e(2)));
    assert!(rejects(&node.receive(2, prepare(e(2), ballot(8, 2))), 2));
    node.elapse(PaxosTimer::Vigil);
    let step = node.receive(2, prepare(e(3), ballot(9, 2)));
    assert_eq!(sent(&step, 2), Some(promise(e(3), ballot(9, 2), None)));
    assert_eq!(step.persist, None);
}

// A promise is written with whatever moves its node into that epoch, and stands against latecomers.
// Invariant: I1.
#[test]
fn a_promise_outlives_the_entry_into_its_epoch() {
    let mut node = forsaken(3);
    node.receive(3, prepare(e(2), ballot(5, 3)));
    node.receive(2, learn(e(2), 3));
    assert_eq!(
        (node.disk.instance, node.disk.promised),
        (e(2), Some(ballot(5, 3)))
    );
    node.restart();
    assert!(rejects(&node.receive(2, accept(e(2), ballot(4, 2), 3)), 2));
}

// Nobody competes with it, so it need not wait a random time.
#[test]
fn a_proposer_asks_again_at_once_above_what_its_peers_have_forgotten() {
    let mut node = forsaken(3);
    let first = node.propose();
    let step = node.receive(3, bound(first, 20));
    assert_eq!(sent(&step, 3), Some(prepare(e(2), ballot(21, 1))));
    assert_eq!(sent(&step, 2), Some(prepare(e(2), ballot(21, 1))));
    node.elapse(PaxosTimer::OwnPromise);
    let step = node.receive(3, promise(e(2), ballot(21, 1), None));
    assert_eq!(sent(&step, 3), Some(accept(e(2), ballot(21, 1), 1)));
}

// It costs all others a write, so it is for a majority that cannot be had otherwise.
#[test]
fn a_proposer_asks_again_only_if_it_must() {
    let mut node = forsaken(5);
    let first = node.propose();
    node.receive(3, bound(first, 20));
    let step = node.receive(4, promise(e(2), first, None));
    assert_eq!(step.sends, [], "5 may promise yet");
    let step = node.receive(5, promise(e(2), first, None));
    assert_eq!(sent(&step, 4), Some(accept(e(2), first, 1)));

    let mut node = forsaken(5);
    let first = node.propose();
    node.receive(3, bound(first, 20));
    assert_eq!(node.receive(9, bound(first, 20)).sends, [], "a stranger");
    node.receive(4, promise(e(2), first, None));
    let step = node.receive(5, bound(first, 20));
    assert_eq!(sent(&step, 5), Some(prepare(e(2), ballot(21, 1))));
}

// Somebody else is at it, and is to be left time.
#[test]
fn a_proposer_does_not_ask_again_at_once_above_a_competitor() {
    let mut node = forsaken(5);
    let first = node.propose();
    node.receive(4, refusal(first, ballot(7, 4)));
    node.receive(3, bound(first, 20));
    assert_eq!(node.receive(5, bound(first, 20)).sends, []);
}

// One that first promises and then does not is one peer, and no majority with the proposer.
#[test]
fn a_peer_counts_once_whatever_it_says() {
    let mut node = forsaken(5);
    for gone in [4, 5] {
        node.suspect(gone);
    }
    let first = node.propose();
    node.receive(3, promise(e(2), first, None));
    assert_eq!(node.receive(3, bound(first, 20)).sends, []);
    let step = node.receive(4, bound(first, 20));
    assert!(
        !step.sends.is_empty(),
        "two peers and itself are a majority"
    );
}

// Peers that refuse for ever must not keep a node busy.
#[test]
fn a_proposer_does_not_ask_at_once_for_ever() {
    let mut node = forsaken(3);
    let mut mine = node.propose();
    let mut asked = 0;
    for round in 2..20 {
        let step = node.receive(3, bound(mine, round * 10));
        asked += usize::from(!step.sends.is_empty());
        node.elapse(PaxosTimer::OwnPromise);
        mine = ballot(round * 10 + 1, 1);
    }
    assert_eq!(asked, 2);
    let wait = node.elapse(PaxosTimer::Retry);
    assert!(!wait.sends.is_empty(), "it goes on in its own time");
}

// What is decided need not be proposed again.
#[test]
fn a_bound_that_comes_with_the_decision_starts_nothing() {
    let mut node = forsaken(3);
    let first = node.propose();
    let decided = PaxosMessage::Reject {
        ballot: first,
        epoch: e(2),
        leader: Some(elector_core::NodeId(3)),
        instance: e(2),
        promised: Some(ballot(20, u64::MAX)),
    };
    assert_eq!(node.receive(3, decided).sends, []);
    assert_eq!(node.view().leader, Some(elector_core::NodeId(3)));
}

// Silence comes first: to ask again would be in vain before it is over.
#[test]
fn a_restarted_node_that_keeps_silent_names_its_bound_when_that_is_over() {
    let mut node = forsaken(3);
    node.restart();
    let asked = ballot(5, 3);
    let step = node.receive(3, prepare(e(2), asked));
    assert!(rejects(&step, 3));
    assert_ne!(sent(&step, 3), Some(bound(asked, 8)));
    let step = node.elapse(PaxosTimer::Vigil);
    assert_eq!(sent(&step, 3), Some(bound(asked, 8)));
}

/// Paxos with a disk that forgets what it has vouched for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Forgetful(Paxos);

impl ElectionAlgorithm for Forgetful {
    const NAME: &'static str = "forgetful";
    type Guarantee = Quorum;
    type Config = PaxosConfig;
    type Message = PaxosMessage;
    type Timer = PaxosTimer;
    type Durable = PaxosDurable;

    fn restore(config: &PaxosConfig, members: Membership, durable: PaxosDurable) -> Self {
        let counter = durable.promised.map_or(0, |promised| promised.counter);
        let durable = PaxosDurable { counter, ..durable };
        Self(Paxos::restore(config, members, durable))
    }

    fn durable(&self) -> &PaxosDurable {
        self.0.durable()
    }

    fn view(&self) -> View {
        self.0.view()
    }

    fn lease(&self) -> Option<Moment> {
        self.0.lease()
    }

    fn step(&mut self, input: Input<PaxosMessage, PaxosTimer>, out: &mut Outbox<Self>) {
        out.scoped(
            |message| message,
            |timer| timer,
            |out| self.0.step(input, out),
        );
    }
}

// Its promises, and nothing else, are broken: `durable()` is honest, and so is every step.
#[test]
fn a_node_that_forgets_what_it_vouched_for_is_caught() {
    let churn = Scenario::named("churn").unwrap();
    let caught = (1..=100).any(|seed| {
        let mut setup = Setup::<Forgetful>::new(5);
        setup.seed = seed;
        let (outcome, _) = run::run(setup, &churn).unwrap();
        let mut violations = outcome.violations.iter();
        violations.any(|violation| violation.invariant == "one-pledge-per-epoch")
    });
    assert!(caught);
}
