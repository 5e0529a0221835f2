//! Tests promises that need no write: when a node enters an epoch, it writes a counter, and this
//! counter vouches for (covers) its promises of ballots up to the counter in the next instance.

use std::fmt::Debug;

use crate::node::*;
use elector_core::{ElectionAlgorithm, Input, Membership, Moment, Outbox, Quorum, View};
use elector_paxos::{Ballot, Paxos, PaxosConfig, PaxosDurable, PaxosMessage, PaxosTimer};
use elector_sim::{Scenario, Setup, run};

/// Returns node 1 of a cluster. It has followed node 2 in epoch 1, and takes node 2 for failed.
fn leaderless(nodes: u64) -> Node {
    let mut node = Node::new(nodes, &PaxosConfig::default());
    node.receive(2, heartbeat(e(1)));
    node.elapse(PaxosTimer::Vigil);
    node
}

/// Returns the refusal of `ballot` by a node in epoch 1 that has made the promise `promised` in
/// instance 2.
fn refusal(ballot: Ballot, promised: Ballot) -> PaxosMessage {
    PaxosMessage::Reject {
        ballot,
        epoch: e(1),
        leader: None,
        instance: e(2),
        promised: Some(promised),
    }
}

/// Returns a refusal that names a bound with this counter: the sender has restarted, and does not
/// know what it has promised up to the bound.
fn bound(ballot: Ballot, counter: u64) -> PaxosMessage {
    refusal(ballot, self::ballot(counter, u64::MAX))
}

// In every election after the first, an acceptor can promise without a write, which makes the
// election faster.
#[test]
fn a_promise_in_the_next_instance_needs_no_write() {
    let mut node = leaderless(3);
    let before = node.disk.clone();
    assert_eq!((before.instance, before.counter), (e(1), 8));
    let step = node.receive(3, prepare(e(2), ballot(5, 3)));
    assert_eq!(sent(&step, 3), Some(promise(e(2), ballot(5, 3), None)));
    assert_eq!(step.persist, None);
    let lower = prepare(e(2), ballot(4, 3));
    assert!(
        rejects(&node.receive(3, lower), 3),
        "the promise is kept like any other"
    );
    assert!(
        rejects(&node.receive(3, prepare(e(1), ballot(7, 3))), 3),
        "the instance is past"
    );
}

// No earlier write covers a promise in the first election, of a ballot above the written counter,
// or in an instance after the next one.
#[test]
fn a_promise_that_nothing_vouches_for_is_written_first() {
    let mut new = Node::new(3, &PaxosConfig::default());
    new.elapse(PaxosTimer::Vigil);
    new.receive(3, prepare(e(1), ballot(1, 3)));
    assert_eq!(new.disk.promised, Some(ballot(1, 3)));
    for (instance, first) in [(e(2), ballot(9, 3)), (e(3), ballot(1, 3))] {
        let mut node = leaderless(3);
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

// A restarted node may have promised any ballot up to the counter on its disk. So it refuses all
// these ballots, and names their upper bound. A promise above the bound is written.
// Invariant: I1.
#[test]
fn a_restarted_node_refuses_all_ballots_that_it_may_have_promised() {
    let mut node = leaderless(3);
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

// A restarted proposer may have used any ballot up to the counter on its disk, so it proposes with
// a higher counter.
// Invariant: I2.
#[test]
fn a_restarted_proposer_proposes_above_all_ballots_that_it_may_have_used() {
    let mut node = leaderless(3);
    assert_eq!(node.propose(), ballot(1, 1));
    assert_eq!(
        node.disk.instance,
        e(1),
        "its own promise is not written either"
    );
    node.restart();
    assert_eq!(node.propose(), ballot(9, 1));
}

// A restarted node does not know what it has promised in the instance after its epoch. When it has
// entered the next epoch, it promises again in the following instance: every promise that it has
// made in that instance before the restart is on disk.
#[test]
fn a_restarted_node_promises_again_after_it_enters_the_next_epoch() {
    let mut node = leaderless(3);
    node.restart();
    node.receive(3, heartbeat(e(2)));
    assert!(rejects(&node.receive(2, prepare(e(2), ballot(8, 2))), 2));
    node.elapse(PaxosTimer::Vigil);
    let step = node.receive(2, prepare(e(3), ballot(9, 2)));
    assert_eq!(sent(&step, 2), Some(promise(e(3), ballot(9, 2), None)));
    assert_eq!(step.persist, None);
}

// The write that moves the node into the epoch of a promise also contains the promise, so the
// promise still binds the node afterwards.
// Invariant: I1.
#[test]
fn a_promise_stays_when_the_node_enters_its_epoch() {
    let mut node = leaderless(3);
    node.receive(3, prepare(e(2), ballot(5, 3)));
    node.receive(2, learn(e(2), 3));
    assert_eq!(
        (node.disk.instance, node.disk.promised),
        (e(2), Some(ballot(5, 3)))
    );
    node.restart();
    assert!(rejects(&node.receive(2, accept(e(2), ballot(4, 2), 3)), 2));
}

// If a restarted peer refuses a ballot only because of its bound, the proposer has no rival, so it
// need not wait for a random time.
#[test]
fn a_proposer_asks_again_at_once_above_the_bound_of_its_peers() {
    let mut node = leaderless(3);
    let first = node.propose();
    let step = node.receive(3, bound(first, 20));
    assert_eq!(sent(&step, 3), Some(prepare(e(2), ballot(21, 1))));
    assert_eq!(sent(&step, 2), Some(prepare(e(2), ballot(21, 1))));
    node.elapse(PaxosTimer::OwnPromise);
    let step = node.receive(3, promise(e(2), ballot(21, 1), None));
    assert_eq!(sent(&step, 3), Some(accept(e(2), ballot(21, 1), 1)));
}

// If the proposer asks again with a ballot above the bound, all other nodes must write their
// promises, because no earlier write covers this ballot. So it asks again only if its first ballot
// cannot get a majority any more.
#[test]
fn a_proposer_asks_again_only_if_it_must() {
    let mut node = leaderless(5);
    let first = node.propose();
    node.receive(3, bound(first, 20));
    let step = node.receive(4, promise(e(2), first, None));
    assert_eq!(step.sends, [], "node 5 may still promise");
    let step = node.receive(5, promise(e(2), first, None));
    assert_eq!(sent(&step, 4), Some(accept(e(2), first, 1)));

    let mut node = leaderless(5);
    let first = node.propose();
    node.receive(3, bound(first, 20));
    assert_eq!(node.receive(9, bound(first, 20)).sends, [], "no member");
    node.receive(4, promise(e(2), first, None));
    let step = node.receive(5, bound(first, 20));
    assert_eq!(sent(&step, 5), Some(prepare(e(2), ballot(21, 1))));
}

// If a refusal names the ballot of a rival, the proposer does not ask again at once, because the
// rival must get time for its decision.
#[test]
fn a_proposer_does_not_ask_again_at_once_above_a_rival() {
    let mut node = leaderless(5);
    let first = node.propose();
    node.receive(4, refusal(first, ballot(7, 4)));
    node.receive(3, bound(first, 20));
    assert_eq!(node.receive(5, bound(first, 20)).sends, []);
}

// A peer that first promises and then names a bound counts once among the nodes that would promise.
// Otherwise the proposer would ask again although no majority would promise.
#[test]
fn a_peer_counts_once() {
    let mut node = leaderless(5);
    for suspect in [4, 5] {
        node.suspect(suspect);
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

// Peers that always refuse must not keep a node busy, so a proposer asks again at once at most
// twice in a row.
#[test]
fn a_proposer_asks_again_at_once_only_a_few_times() {
    let mut node = leaderless(3);
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
    assert!(!wait.sends.is_empty(), "it proposes again after its wait");
}

// If a refusal names the leader of the instance and also a bound, the instance is decided, so the
// proposer does not ask again.
#[test]
fn a_bound_that_comes_with_the_decision_starts_nothing() {
    let mut node = leaderless(3);
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

// While a restarted node keeps silence (it makes no promise for `election_min`), its refusals name
// no bound: if the proposer asked again above the bound, the node would refuse again because of its
// silence.
#[test]
fn a_restarted_node_names_its_bound_after_its_silence() {
    let mut node = leaderless(3);
    node.restart();
    let asked = ballot(5, 3);
    let step = node.receive(3, prepare(e(2), asked));
    assert!(rejects(&step, 3));
    assert_ne!(sent(&step, 3), Some(bound(asked, 8)));
    let step = node.elapse(PaxosTimer::Vigil);
    assert_eq!(sent(&step, 3), Some(bound(asked, 8)));
}

/// Paxos with a disk that loses the counter that vouches for promises that are not written.
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

// Only the promises of a `Forgetful` node are wrong: `durable()` and every step are correct. The
// simulator must find nevertheless that a node breaks a promise after a restart.
#[test]
fn a_node_that_forgets_vouched_promises_is_found() {
    let churn = Scenario::named("churn").unwrap();
    let found = (1..=100).any(|seed| {
        let mut setup = Setup::<Forgetful>::new(5);
        setup.seed = seed;
        let (outcome, _) = run::run(setup, &churn).unwrap();
        let mut violations = outcome.violations.iter();
        violations.any(|violation| violation.invariant == "one-pledge-per-epoch")
    });
    assert!(found);
}
