//! Checks the time until a new leader has its lease. The work of an application begins with the
//! lease, and not with the election.

use std::time::Duration;

use elector_core::{Comparable, ElectionAlgorithm as _, Moment, NodeId, Role};
use elector_paxos::{Learning, Paxos, PaxosConfig};
use elector_sim::Simulation;

use crate::algorithm::{DELAY, WRITE, setup};

/// Returns a cluster with constant delays, in which two nodes almost never time out at the same
/// time.
pub(crate) fn cluster(nodes: u64, config: &PaxosConfig) -> Simulation<Paxos> {
    let mut setup = setup(nodes, config);
    setup.config.timing.election_max = Duration::from_secs(60);
    setup.seed = nodes;
    Simulation::new(setup)
}

fn in_role(sim: &Simulation<Paxos>, role: Role) -> Option<NodeId> {
    let mut nodes = sim.nodes().into_iter();
    nodes.find(|&node| sim.is_running(node) && sim.view(node).role == role)
}

fn step_until(sim: &mut Simulation<Paxos>, happened: impl Fn(&Simulation<Paxos>) -> bool) {
    let limit = sim.now_ns() + 120_000_000_000;
    while !happened(sim) {
        assert!(sim.step_until(limit), "it did not happen in time");
    }
}

/// Runs until a node leads. Asserts that this leader has its lease two one-way delays later, with
/// the answers to its first messages, and not before. Returns the leader.
fn lease_comes_two_delays_after_the_election(sim: &mut Simulation<Paxos>, what: &str) -> NodeId {
    step_until(sim, |sim| in_role(sim, Role::Leader).is_some());
    let leader = in_role(sim, Role::Leader).expect("it leads");
    let lease = |sim: &Simulation<Paxos>| sim.algorithm(leader).and_then(Paxos::lease);
    let known = sim.now_ns();
    let answered = known + 2 * DELAY.as_nanos() as u64;
    sim.run_until_ns(answered - 1);
    assert_eq!(lease(sim), None, "{what}: no answer can have arrived");
    sim.run_until_ns(answered);
    assert_eq!(lease(sim), Some(Moment::from_nanos(known)), "{what}");
    assert_eq!(sim.violations(), [], "{what}");
    leader
}

// The first periodic heartbeat is sent 50 ms after the election. If the lease came with the answers
// to this heartbeat, it would come hundreds of one-way delays (of 100 µs) after the decision.
#[test]
fn the_lease_comes_with_the_answers_to_the_decision() {
    for variant in Paxos::variants() {
        for nodes in [2, 3, 4, 5, 10] {
            let mut sim = cluster(nodes, &variant.config);
            let what = format!("{}, n = {nodes}, first", variant.name);
            let leader = lease_comes_two_delays_after_the_election(&mut sim, &what);
            let heartbeats = match variant.config.learning {
                Learning::Distinguished => 0, // `Learn` is the first round.
                Learning::Broadcast => nodes - 1,
            };
            assert_eq!(sim.sent("Heartbeat"), heartbeats, "{what}");
            if nodes > 2 {
                sim.run_for(Duration::from_secs(1));
                sim.crash(leader);
                let what = format!("{}, n = {nodes}, second", variant.name);
                lease_comes_two_delays_after_the_election(&mut sim, &what);
            }
        }
    }
}

// The proposal of one node can make another node the leader. The new leader has sent nothing yet
// when it learns that it was chosen, so it must send heartbeats at once.
#[test]
fn a_leader_that_another_proposer_got_chosen_has_its_lease_as_soon() {
    for variant in Paxos::variants() {
        for nodes in [3, 5] {
            let mut sim = cluster(nodes, &variant.config);
            let what = format!("{}, n = {nodes}", variant.name);
            step_until(&mut sim, |sim| sim.sent("Accept") > 0);
            let named = in_role(&sim, Role::Candidate).expect("a proposer");
            let ids = sim.nodes();
            let links: Vec<_> = ids
                .iter()
                .flat_map(|&from| ids.iter().map(move |&to| (from, to)))
                .filter(|(from, to)| from != to)
                .collect();
            // The `Accept` messages in flight arrive, so peers accept; but the peers' answers are
            // lost.
            sim.cut(&links);
            sim.run_for(2 * (DELAY + WRITE));
            let others = links
                .into_iter()
                .filter(|&(from, to)| from != named && to != named);
            sim.mend(&others.collect::<Vec<_>>());
            sim.reset_counts();
            step_until(&mut sim, |sim| sim.sent("Accept") > 0);
            sim.heal();
            let leader = lease_comes_two_delays_after_the_election(&mut sim, &what);
            assert_eq!(leader, named, "{what}: its value was chosen");
            assert_eq!(sim.sent("Heartbeat"), nodes - 1, "{what}: one round");
        }
    }
}

// A cluster of one has no peer to wait for. Its node has the lease as soon as the node's epoch and
// its acceptance are durable.
#[test]
fn a_cluster_of_one_has_its_lease_at_once() {
    for variant in Paxos::variants() {
        let mut sim = cluster(1, &variant.config);
        step_until(&mut sim, |sim| sim.view(NodeId(1)).role == Role::Leader);
        sim.run_for(2 * WRITE);
        assert!(sim.holds_lease(NodeId(1)), "{}", variant.name);
    }
}
