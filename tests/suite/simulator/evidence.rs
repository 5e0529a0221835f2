//! Tests what the simulated hosts of nodes report about other nodes: suspicions and proofs of
//! death, true or false.

use elector_core::trace::{Event, EventOf, Stimulus};
use elector_paxos::Paxos;
use elector_raft::Raft;
use elector_sim::{Scenario, Setup, run};

use super::{MS, cluster, leader};

// A proof of death (a report of a watcher that saw the process end) makes the wait for the election
// timeout unnecessary.
#[test]
fn hints_make_a_failover_fast() {
    let failover = |hints: bool| {
        let mut sim = cluster(5, |setup| setup.hints = hints);
        sim.run_for(200 * MS);
        let crashed_at = sim.now_ns();
        sim.crash(leader(&sim));
        let next = sim.run_until_settled(2_000 * MS).expect("the others elect");
        (next.at_ns - crashed_at) / 1_000_000
    };
    assert!(failover(true) < 15, "{} ms with hints", failover(true));
    assert!(failover(false) > 90, "{} ms without", failover(false));
}

// With suspicions only, a failover takes at least the vigil of the voters: the fixed first part of
// the election timeout, in which a voter supports no other node. A suspicion saves the random wait
// after the vigil.
#[test]
fn with_suspicions_only_the_election_is_at_the_end_of_the_vigil() {
    let mut sim = cluster(5, |_| ());
    sim.run_for(200 * MS);
    let (dead, crashed_at) = (leader(&sim), sim.now_ns());
    sim.crash(dead);
    // The host of a node (the program that runs the algorithm) reports a broken connection only
    // after all messages that arrived over this connection. So the messages of the dead leader must
    // arrive first.
    sim.run_for(5 * MS);
    for node in sim.nodes().into_iter().filter(|&node| node != dead) {
        sim.suspect(node, dead);
    }
    let next = sim.run_until_settled(2_000 * MS).expect("the others elect");
    let took = (next.at_ns - crashed_at) / 1_000_000;
    // The last heartbeat was at most 50 ms before the crash, and the vigil (the fixed first part of
    // the election timeout) is 150 ms. So the vigil ends 100 to 150 ms after the crash.
    assert!((100..165).contains(&took), "{took} ms");
}

// A proof of death is about one life (one process) of a node. A proof about an earlier life says
// nothing about the process that runs now, so the host of the node must drop it.
#[test]
fn a_proof_of_an_earlier_life_is_dropped() {
    let died = |restarted: bool| {
        let mut sim = cluster(3, |setup| (setup.hints, setup.trace) = (true, true));
        let dead = leader(&sim);
        sim.crash(dead);
        if restarted {
            sim.restart(dead);
        }
        sim.run_for(5 * MS);
        let is = |event: &EventOf<Raft>| {
            matches!(
                event,
                Event::Stepped {
                    input: Stimulus::Died { .. },
                    ..
                }
            )
        };
        sim.trace()
            .iter()
            .filter(|record| is(&record.event))
            .count()
    };
    assert_eq!((died(false), died(true)), (2, 0));
}

// Nodes that got a proof of death must get a report when the dead node returns. They may not notice
// the return themselves, because in most algorithms followers send no messages to each other.
#[test]
fn the_return_of_a_node_is_reported() {
    let mut sim = cluster(3, |setup| (setup.hints, setup.trace) = (true, true));
    let node = leader(&sim);
    sim.crash(node);
    sim.run_for(5 * MS);
    sim.restart(node);
    sim.run_for(5 * MS);
    let is = |event: &EventOf<Raft>| match event {
        Event::Stepped {
            input: Stimulus::Returned { peer },
            ..
        } => *peer == node,
        _ => false,
    };
    let reports = sim.trace().iter().filter(|record| is(&record.event));
    assert_eq!(reports.count(), 2);
}

// A false proof of death leads to two leases at the same time. A false suspicion does no harm.
#[test]
fn a_false_proof_makes_two_leaders_and_a_false_suspicion_does_not() {
    fn overlaps<A: elector_core::ElectionAlgorithm>(scenario: &str) -> bool {
        let scenario = Scenario::named(scenario).expect("it has a name");
        let (outcome, _) = run::run(Setup::<A>::new(5), &scenario).expect("the setup is valid");
        let broken = |violation: &elector_sim::invariants::Violation| {
            violation.invariant == "exclusive-lease"
        };
        outcome.violations.iter().any(broken)
    }
    let both = |scenario| [overlaps::<Raft>(scenario), overlaps::<Paxos>(scenario)];
    assert_eq!(both("false-proofs"), [true, true]);
    assert_eq!(both("refused-leader"), [false, false]);
}
