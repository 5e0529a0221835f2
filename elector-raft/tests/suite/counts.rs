//! Checks in the simulator that an election takes the messages of each kind, and the delays, that
//! closed-form formulas give. Also checks how often votes split, against the formula of the
//! dissertation.

use std::time::Duration;

use elector_core::{Command, Comparable, NodeId, Purpose};
use elector_raft::{Raft, RaftConfig};
use elector_sim::{Disk, Network, Setup, Simulation};

use crate::algorithm::{DELAY, WRITE, setup};

const LIMIT: Duration = Duration::from_secs(10);

/// Returns a cluster of `nodes` nodes in which node 1 leads and all nodes follow it. The random
/// part of the election timeout is so wide that nodes campaign only on command.
fn settled_cluster(nodes: u64, variant: &RaftConfig) -> Simulation<Raft> {
    let mut setup = setup(nodes, variant);
    setup.config.timing.election_max = Duration::from_secs(60 * 60);
    let mut sim = Simulation::new(setup);
    sim.command(NodeId(1), Command::Campaign);
    let settled = sim.run_until_settled(LIMIT).unwrap();
    assert_eq!(settled.leader, NodeId(1));
    sim.run_for(Duration::from_millis(10));
    sim
}

/// Kills the leader, and checks the delays and the messages of the next election. Node 2 is the
/// only node that campaigns, after all nodes have received no heartbeat for `election_min`.
fn fail_over(nodes: u64, variant: &RaftConfig) {
    let mut sim = settled_cluster(nodes, variant);
    sim.crash(NodeId(1));
    sim.run_for(variant.timing.election_min + 2 * DELAY);
    sim.reset_counts();
    let began = sim.now_ns();
    sim.command(NodeId(2), Command::Campaign);
    let settled = sim.run_until_settled(LIMIT).unwrap();
    assert_eq!(settled.leader, NodeId(2), "n {nodes}");

    let round_trips = if variant.pre_vote { 2 } else { 1 };
    let won = 2 * DELAY * round_trips + WRITE;
    let election = *sim.elections().last().unwrap();
    let after = |at: u64| Duration::from_nanos(at - began);
    assert_eq!(after(election.winner_ns), won, "n {nodes}");
    assert_eq!(after(election.settled_ns), won + DELAY, "n {nodes}");

    let asked = nodes - 1;
    let granted = nodes - 2;
    let pre = u64::from(variant.pre_vote);
    assert_eq!(sim.sent("RequestPreVote"), asked * pre, "n {nodes}");
    assert_eq!(sim.sent("PreVote"), granted * pre, "n {nodes}");
    assert_eq!(sim.sent("RequestVote"), asked, "n {nodes}");
    assert_eq!(sim.sent("Vote"), granted, "n {nodes}");
    assert_eq!(sim.sent("Heartbeat"), asked, "n {nodes}");
    let all = sim.sent_for(Purpose::Election);
    let expected = Raft::expected_messages(variant, nodes);
    assert_eq!(expected, Some(all..=all), "n {nodes}");

    sim.run_for(Duration::from_secs(1));
    assert_eq!(sim.sent_for(Purpose::Election), all, "no late messages");
    assert!(sim.violations().is_empty(), "{:?}", sim.violations());
}

// Users compare algorithms by a table of formulas for the messages of an election. The formula must
// be right for every size of the cluster.
#[test]
fn an_election_costs_what_the_closed_form_says() {
    for variant in Raft::variants() {
        for nodes in 3..=101 {
            fail_over(nodes, &variant.config);
        }
    }
}

// The table of formulas has another column for the steady state, in which a leader leads and
// nothing fails: one heartbeat and one acknowledgement for each follower and round.
#[test]
fn the_steady_state_is_a_round_trip_per_follower_and_heartbeat() {
    for variant in Raft::variants() {
        let mut sim = settled_cluster(5, &variant.config);
        sim.reset_counts();
        sim.run_for(Duration::from_secs(1));
        assert_eq!(sim.sent("Heartbeat"), 4 * 20, "{}", variant.name);
        assert_eq!(sim.sent("HeartbeatAck"), 4 * 20, "{}", variant.name);
        assert_eq!(sim.sent_for(Purpose::Election), 0, "{}", variant.name);
    }
}

/// Returns the fraction of elections in which the vote splits, after the death of the leader of
/// five nodes. Timeouts are in [T, 2T] with T = 150 ms, and the one-way delay is `delay` · T.
fn split_votes(delay: f64, config: &RaftConfig, elections: u64) -> f64 {
    let mut setup = Setup::<Raft>::new(5);
    setup.config = config.clone();
    setup.network = Network::constant(config.timing.election_min.mul_f64(delay));
    setup.disk = Disk::constant(Duration::from_nanos(1));
    setup.seed = 42;
    let mut sim = Simulation::new(setup);
    let mut before = sim.run_until_settled(LIMIT).unwrap();
    let mut split = 0;
    for _ in 0..elections {
        sim.crash(before.leader);
        let after = sim.run_until_settled(LIMIT).unwrap();
        split += u64::from(after.epoch.0 > before.epoch.0 + 1);
        sim.restart(before.leader);
        sim.run_for(Duration::from_millis(500));
        let settled = sim.settled().map(|tenure| tenure.epoch);
        assert_eq!(settled, Some(after.epoch), "the restart disturbs no leader");
        before = after;
    }
    assert!(sim.violations().is_empty(), "{:?}", sim.violations());
    split as f64 / elections as f64
}

// Chapter 9 of the dissertation gives the probability of a split vote, independently of this code:
// p = Σ C(s,k) l^k (1−l)^(s−k) for k = c−1..s. Here l is the one-way delay as a fraction of the
// spread of the election timeouts, s = 4 of n = 5 servers are alive, and c = 3 candidates split the
// vote.
#[test]
fn votes_split_as_often_as_the_dissertation_says() {
    const ELECTIONS: u64 = 4_000;
    for variant in Raft::variants() {
        if variant.config.pre_vote {
            continue; // The formula is for candidates that ask for votes without pre-votes.
        }
        for (l, formula) in [(0.1_f64, 0.0523), (0.2, 0.1808)] {
            let (k2, k3, k4) = (
                6.0 * l.powi(2) * (1.0 - l).powi(2),
                4.0 * l.powi(3) * (1.0 - l),
                l.powi(4),
            );
            assert!((k2 + k3 + k4 - formula).abs() < 1e-4);
            let seen = split_votes(l, &variant.config, ELECTIONS);
            let deviation = (formula * (1.0 - formula) / ELECTIONS as f64).sqrt();
            assert!(
                (seen - formula).abs() < 4.0 * deviation,
                "{}: l {l}: {seen} split, {formula} expected",
                variant.name
            );
        }
    }
}
