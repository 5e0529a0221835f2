//! Checks in the simulator that an election takes the messages, delays and writes that closed-form
//! formulas give.

use std::time::Duration;

use elector_core::{Comparable, NodeId, Purpose, Role};
use elector_paxos::{Learning, Paxos, PaxosConfig};
use elector_sim::{Setup, Simulation};

use crate::{
    algorithm::{self, DELAY, WRITE},
    lease::cluster,
};

/// Returns a [`cluster`] that has elected its first leader, and the id of this leader.
fn settled(nodes: u64, config: &PaxosConfig) -> (Simulation<Paxos>, NodeId) {
    let mut sim = cluster(nodes, config);
    let first = sim.run_until_settled(Duration::from_secs(60));
    let leader = first.expect("a first leader").leader;
    sim.run_for(Duration::from_secs(1));
    (sim, leader)
}

fn variants() -> Vec<PaxosConfig> {
    let mut configs = algorithm::variants();
    configs.push(PaxosConfig {
        learning: Learning::Broadcast,
        thrifty: true,
        ..PaxosConfig::default()
    });
    configs
}

fn sizes() -> impl Iterator<Item = u64> {
    3..=101
}

// The tables that compare algorithms print the number of messages from the formula beside the
// counted number. Both must be right.
#[test]
fn an_election_costs_what_the_closed_form_says() {
    for config in variants() {
        for nodes in sizes() {
            let (mut sim, leader) = settled(nodes, &config);
            sim.crash(leader);
            sim.reset_counts();
            let next = sim.run_until_settled(Duration::from_secs(60));
            assert_ne!(next.expect("another leader").leader, leader);
            sim.run_for(20 * DELAY);
            let sent = sim.sent_for(Purpose::Election);
            let expected = Paxos::expected_messages(&config, nodes);
            assert_eq!(Some(sent..=sent), expected, "n = {nodes}, {config:?}");
            assert_eq!(sim.violations(), []);
        }
    }
}

// The number of each kind of message must be right too: a sum can be right by accident.
#[test]
fn each_kind_is_sent_as_often_as_the_closed_form_says() {
    for nodes in sizes() {
        let (mut sim, leader) = settled(nodes, &PaxosConfig::default());
        sim.crash(leader);
        sim.reset_counts();
        sim.run_until_settled(Duration::from_secs(60))
            .expect("another leader");
        sim.run_for(20 * DELAY);
        let kinds = [
            "Prepare", "Promise", "Accept", "Accepted", "Learn", "Reject",
        ];
        let (all, alive) = (nodes - 1, nodes - 2);
        assert_eq!(
            kinds.map(|kind| sim.sent(kind)),
            [all, alive, all, alive, all, 0],
            "n = {nodes}"
        );
    }
}

// In the first election all nodes are alive. With broadcast learning they send (n − 1)(n + 3)
// messages.
#[test]
fn a_first_election_with_broadcast_learning_takes_its_closed_form() {
    let config = PaxosConfig {
        learning: Learning::Broadcast,
        ..PaxosConfig::default()
    };
    for nodes in sizes() {
        let (sim, _) = settled(nodes, &config);
        let expected = (nodes - 1) * (nodes + 3);
        assert_eq!(sim.sent_for(Purpose::Election), expected, "n = {nodes}");
    }
}

// The leader knows the decision after four delays and one write, and all nodes know it one delay
// later. With broadcast learning, all nodes know the decision at the same time as the leader. For
// these times, promises must need no write, and a node's own writes must overlap with the flight of
// its requests.
#[test]
fn an_election_takes_four_delays_and_one_write() {
    for config in variants() {
        for nodes in [3, 5, 10, 101] {
            let (mut sim, leader) = settled(nodes, &config);
            sim.crash(leader);
            sim.reset_counts();
            while sim.sent("Prepare") == 0 {
                sim.run_for(Duration::from_micros(1));
            }
            let begun = sim.now_ns();
            let next = sim.run_until_settled(Duration::from_secs(60));
            next.expect("another leader");
            let election = sim.elections()[0];
            let announcement = match config.learning {
                Learning::Distinguished => DELAY,
                Learning::Broadcast => Duration::ZERO,
            };
            // Nodes that a thrifty proposer did not ask to accept write the epoch when they learn
            // the decision.
            let unasked = config.thrifty && nodes - 2 > nodes / 2;
            let late_write = if unasked { WRITE } else { Duration::ZERO };
            let winner = 4 * DELAY + WRITE;
            let all = winner + announcement + late_write;
            // The test reads the clock up to one microsecond after the election has begun.
            let took = |until_ns: u64, expected: Duration| {
                let expected = expected.as_nanos() as u64;
                (expected - 1_000..=expected).contains(&(until_ns - begun))
            };
            let run = (nodes, &config, begun, election);
            assert!(took(election.winner_ns, winner), "{run:?}");
            assert!(took(election.settled_ns, all), "{run:?}");
        }
    }
}

// A single node elects itself without a message.
#[test]
fn a_cluster_of_one_needs_no_message() {
    let mut sim = Simulation::new(Setup::<Paxos>::new(1));
    sim.run_until_settled(Duration::from_secs(1))
        .expect("a leader");
    assert_eq!(sim.view(NodeId(1)).role, Role::Leader);
    assert_eq!(sim.counts().kinds(), []);
    sim.run_for(Duration::from_secs(1));
    assert!(sim.holds_lease(NodeId(1)));
}

// Many proposers at the same time must not beat each other forever: the proposer with the highest
// ballot succeeds.
#[test]
fn a_thousand_and_one_nodes_elect_at_the_first_attempt() {
    for seed in 1..=5 {
        let mut setup = Setup::<Paxos>::new(1001);
        setup.seed = seed;
        let mut sim = Simulation::new(setup);
        let first = sim.run_until_settled(Duration::from_secs(10));
        let first = first.expect("a leader");
        assert!(first.at_ns < 200_000_000, "seed {seed}: {first:?}");
        assert!(
            sim.sent("Prepare") > 1000,
            "seed {seed}: there are no rivals"
        );
        assert_eq!(sim.violations(), [], "seed {seed}");
    }
}
