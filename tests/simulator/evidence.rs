//! What the hosts of nodes are told of each other, rightly or wrongly.

use elector_core::trace::{Event, Stimulus};
use elector_paxos::Paxos;
use elector_raft::Raft;
use elector_sim::{Scenario, Setup, run};

use crate::{MS, cluster, leader};

// A hint is there to save the timeout.
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

// Where nothing but suspicions can come, a failover is bounded by the silence that voters owe; a
// suspicion saves the random wait after it.
#[test]
fn suspicions_alone_elect_when_the_silence_ends() {
    let mut sim = cluster(5, |_| ());
    sim.run_for(200 * MS);
    let (dead, crashed_at) = (leader(&sim), sim.now_ns());
    sim.crash(dead);
    // A host tells of a broken connection after all that came over it.
    sim.run_for(5 * MS);
    for node in sim.nodes().into_iter().filter(|&node| node != dead) {
        sim.suspect(node, dead);
    }
    let next = sim.run_until_settled(2_000 * MS).expect("the others elect");
    let took = (next.at_ns - crashed_at) / 1_000_000;
    // The last heartbeat was at most 50 ms ago, and the silence is 150 ms.
    assert!((100..165).contains(&took), "{took} ms");
}

// A proof names one life: of an earlier one it says nothing about the process that runs now.
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
        let is = |event: &Event| {
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

// The hosts that were told of a death must hear that the node is back: most algorithms have
// followers say nothing to each other.
#[test]
fn a_node_that_boots_again_is_heard_again() {
    let mut sim = cluster(3, |setup| (setup.hints, setup.trace) = (true, true));
    let node = leader(&sim);
    sim.crash(node);
    sim.run_for(5 * MS);
    sim.restart(node);
    sim.run_for(5 * MS);
    let is = |event: &Event| match event {
        Event::Stepped {
            input: Stimulus::Returned { peer },
            ..
        } => *peer == node,
        _ => false,
    };
    let heard = sim.trace().iter().filter(|record| is(&record.event));
    assert_eq!(heard.count(), 2);
}

// What a proof is worth shows when it is false: then two nodes hold a lease. A suspicion in its
// place does no harm.
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
