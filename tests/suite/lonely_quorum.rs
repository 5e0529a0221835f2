//! Tests that the only node that can reach a quorum (a majority of the nodes) leads soon, no matter
//! how many elections failed before.

use std::{collections::BTreeSet, time::Duration};

use elector_core::{Comparable, Configuration, ElectionAlgorithm, NodeId};
use elector_paxos::Paxos;
use elector_raft::Raft;
use elector_sim::{
    Network, Rng, Setup, Simulation,
    scenario::{Action, Graph},
};

const RUNS: u64 = 100;
/// The maximum virtual time of a run.
const LIMIT: Duration = Duration::from_secs(60);
const STEP: Duration = Duration::from_millis(5);

/// The fault before the measured time, and the links during the measured time.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// A follower loses its link to the leader. Then this follower is the centre of a star of all
    /// nodes except the leader.
    OneLink,
    /// All links are cut. Then they work again.
    Outage,
    /// All links are cut. Then one node is the centre of a star.
    OutageThenStar,
    /// The links are a random graph. Then they are another random graph, in which exactly one node
    /// has links to a quorum.
    Graphs,
}

type Links = BTreeSet<(NodeId, NodeId)>;

/// Returns all pairs of different nodes for which `joined` returns `true`.
fn links(nodes: &[NodeId], joined: impl Fn(NodeId, NodeId) -> bool) -> Links {
    let pairs = nodes
        .iter()
        .flat_map(|&a| nodes.iter().map(move |&b| (a, b)));
    pairs.filter(|&(a, b)| a != b && joined(a, b)).collect()
}

fn set_links<A: ElectionAlgorithm>(sim: &mut Simulation<A>, up: &Links) {
    let nodes = sim.nodes();
    sim.heal();
    let cut: Vec<_> = links(&nodes, |a, b| !up.contains(&(a, b)))
        .into_iter()
        .collect();
    sim.cut(&cut);
}

/// Returns `true` if a node that leads holds a lease.
fn is_led<A: ElectionAlgorithm>(sim: &Simulation<A>) -> bool {
    sim.nodes()
        .into_iter()
        .any(|node| sim.view(node).leads() && sim.holds_lease(node))
}

/// Returns the time from the second state of the links until a node leads with a lease. For the
/// duration of a lease, no leader counts, because the old leader may still hold its lease.
fn run<A: ElectionAlgorithm>(config: &A::Config, nodes: u64, fault: Fault, seed: u64) -> Duration {
    let mut setup = Setup::<A>::new(nodes);
    (setup.config, setup.seed) = (config.clone(), seed);
    let mut sim = Simulation::new(setup);
    let old = sim
        .run_until_settled(LIMIT)
        .expect("a leader at boot")
        .leader;
    sim.run_for(Duration::from_millis(300));
    let all = sim.nodes();
    let hub = all.iter().copied().find(|&node| node != old).expect("two");
    let star = |a: NodeId, b: NodeId| a == hub || b == hub;
    let of_old = |a: NodeId, b: NodeId| a == old || b == old;
    let first = Duration::from_millis(Rng::new(seed).between(1_000, 5_000));
    match fault {
        Fault::OneLink => {
            set_links(&mut sim, &links(&all, |a, b| !star(a, b) || !of_old(a, b)));
            sim.run_for(first);
            set_links(&mut sim, &links(&all, |a, b| star(a, b) && !of_old(a, b)));
        }
        Fault::Outage => {
            set_links(&mut sim, &Links::new());
            sim.run_for(Duration::from_secs(10) + first / 10);
            sim.heal();
        }
        Fault::OutageThenStar => {
            set_links(&mut sim, &Links::new());
            sim.run_for(Duration::from_secs(10) + first / 10);
            set_links(&mut sim, &links(&all, star));
        }
        Fault::Graphs => {
            sim.act(&Action::Graph(Graph {
                chance: 0.5,
                lonely: false,
            }));
            sim.run_for(first);
            sim.act(&Action::Graph(Graph {
                chance: 0.4,
                lonely: true,
            }));
        }
    }
    let from = sim.now_ns();
    sim.run_for(config.timing().lease);
    let end = from + LIMIT.as_nanos() as u64;
    while !is_led(&sim) && sim.now_ns() < end {
        sim.run_for(STEP);
    }
    assert!(
        sim.violations().is_empty(),
        "{} {fault:?}, seed {seed}: {:?}",
        A::NAME,
        sim.violations()
    );
    Duration::from_nanos(sim.now_ns() - from)
}

/// Checks that in 99 of 100 runs of each fault, a node leads within ten election timeouts.
fn leads_soon<A: ElectionAlgorithm>(name: &str, config: &A::Config) {
    let limit = 10 * config.timing().election_max;
    for fault in [
        Fault::OneLink,
        Fault::Outage,
        Fault::OutageThenStar,
        Fault::Graphs,
    ] {
        for nodes in [3, 5, 6] {
            let took = (1..=RUNS).map(|seed| run::<A>(config, nodes, fault, seed));
            let mut took: Vec<Duration> = took.collect();
            took.sort_unstable();
            let of = |percent: usize| took[(took.len() * percent).div_ceil(100) - 1];
            let (p50, p99, max) = (of(50), of(99), of(100));
            let label = format!("{}/{name}, n = {nodes}, {fault:?}", A::NAME);
            println!("{label}: p50 {p50:?}, p99 {p99:?}, max {max:?}");
            assert!(p99 <= limit, "{label}: p99 {p99:?} is over {limit:?}");
        }
    }
}

// In an earlier version, a node whose attempt to be elected failed (because other nodes had a
// leader, or because no node answered) waited up to 64 times as long before its next attempt. Each
// failed attempt of another node also restarted that wait.
#[test]
fn the_only_raft_node_with_a_quorum_leads_soon() {
    for variant in Raft::variants() {
        if Raft::has_lease(&variant.config) {
            leads_soon::<Raft>(variant.name, &variant.config);
        }
    }
}

// The only Paxos node with a quorum must lead soon, too. There, the attempts of other nodes fail
// but raise the ballots.
#[test]
fn the_only_paxos_node_with_a_quorum_leads_soon() {
    for variant in Paxos::variants() {
        leads_soon::<Paxos>(variant.name, &variant.config);
    }
}

/// Returns the time from boot until any node leads, with this delay of all messages.
fn first_leader<A: ElectionAlgorithm>(config: &A::Config, delay: Duration, seed: u64) -> Duration {
    let mut setup = Setup::<A>::new(5);
    (setup.config, setup.seed) = (config.clone(), seed);
    setup.network = Network::constant(delay);
    let mut sim = Simulation::new(setup);
    while sim.tenures() == 0 && sim.now_ns() < LIMIT.as_nanos() as u64 {
        sim.run_for(STEP);
    }
    assert!(sim.violations().is_empty(), "{:?}", sim.violations());
    Duration::from_nanos(sim.now_ns())
}

// With these delays, every answer arrives after the election timeout of the candidate. Either the
// waits must grow until an attempt lasts long enough for its answers, or late answers must count.
// (The elected leader cannot stay: it steps down because no acknowledgement arrives within
// `election_min`.)
#[test]
fn a_round_trip_above_the_election_timeout_elects() {
    let elects = |label: String, took: &dyn Fn(Duration, u64) -> Duration| {
        for delay in [155, 200, 400].map(Duration::from_millis) {
            let worst = (1..=20).map(|seed| took(delay, seed)).max();
            println!("{label}, {delay:?} one way: {worst:?}");
            assert!(worst < Some(LIMIT), "{label}, {delay:?}: {worst:?}");
        }
    };
    for variant in Raft::variants() {
        let took = |delay, seed| first_leader::<Raft>(&variant.config, delay, seed);
        elects(format!("raft/{}", variant.name), &took);
    }
    for variant in Paxos::variants() {
        let took = |delay, seed| first_leader::<Paxos>(&variant.config, delay, seed);
        elects(format!("paxos/{}", variant.name), &took);
    }
}
