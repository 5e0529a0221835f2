//! The closed forms of an election: messages by kind and delays, against the simulator; and how
//! often votes split, against the dissertation's formula.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::time::Duration;

use elector_core::{Command, Comparable, NodeId, Purpose, Timing};
use elector_raft::{Raft, RaftConfig};
use elector_sim::{Disk, Network, Setup, Simulation};

const DELTA: Duration = Duration::from_micros(100);
const WRITE: Duration = Duration::from_micros(50);
const LIMIT: Duration = Duration::from_secs(10);

/// `nodes` nodes, led by node 1, with a random part of the election timeout so wide that nobody
/// campaigns unless told to.
fn at_rest(nodes: u64, variant: &RaftConfig) -> Simulation<Raft> {
    let mut setup = Setup::<Raft>::new(nodes);
    setup.config = RaftConfig {
        timing: Timing {
            election_max: Duration::from_secs(60 * 60),
            ..variant.timing
        },
        ..variant.clone()
    };
    setup.network = Network::constant(DELTA);
    setup.disk = Disk::constant(WRITE);
    let mut sim = Simulation::new(setup);
    sim.command(NodeId(1), Command::Campaign);
    let settled = sim.run_until_settled(LIMIT).unwrap();
    assert_eq!(settled.leader, NodeId(1));
    sim.run_for(Duration::from_millis(10));
    sim
}

/// The leader dies, and node 2 is the only one to campaign, once nobody takes the leader for
/// alive any more.
fn fail_over(nodes: u64, variant: &RaftConfig) {
    let mut sim = at_rest(nodes, variant);
    sim.crash(NodeId(1));
    sim.run_for(variant.timing.election_min + 2 * DELTA);
    sim.reset_counts();
    let began = sim.now_ns();
    sim.command(NodeId(2), Command::Campaign);
    let settled = sim.run_until_settled(LIMIT).unwrap();
    assert_eq!(settled.leader, NodeId(2), "n {nodes}");

    let round_trips = if variant.pre_vote { 2 } else { 1 };
    let won = 2 * DELTA * round_trips + WRITE;
    let election = *sim.elections().last().unwrap();
    let after = |at: u64| Duration::from_nanos(at - began);
    assert_eq!(after(election.winner_ns), won, "n {nodes}");
    assert_eq!(after(election.settled_ns), won + DELTA, "n {nodes}");

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
    assert_eq!(sim.sent_for(Purpose::Election), all, "no stragglers");
    assert!(sim.violations().is_empty(), "{:?}", sim.violations());
}

// The table that users compare algorithms by must be what the algorithm does, at every size.
#[test]
fn an_election_costs_what_the_closed_form_says() {
    for variant in Raft::variants() {
        for nodes in 3..=101 {
            fail_over(nodes, &variant.config);
        }
    }
}

// The steady state is the other column of that table: a heartbeat and an acknowledgement for each
// follower and round, and nothing written.
#[test]
fn the_steady_state_is_a_round_trip_per_follower_and_heartbeat() {
    for variant in Raft::variants() {
        let mut sim = at_rest(5, &variant.config);
        sim.reset_counts();
        sim.run_for(Duration::from_secs(1));
        assert_eq!(sim.sent("Heartbeat"), 4 * 20, "{}", variant.name);
        assert_eq!(sim.sent("HeartbeatAck"), 4 * 20, "{}", variant.name);
        assert_eq!(sim.sent_for(Purpose::Election), 0, "{}", variant.name);
    }
}

/// The part of elections of a cluster of five, its leader just dead, in which the vote splits:
/// timeouts in [T, 2T], T = 150 ms, a one-way delay of `spread` T.
fn split_votes(spread: f64, config: &RaftConfig, elections: u64) -> f64 {
    let mut setup = Setup::<Raft>::new(5);
    setup.config = config.clone();
    setup.network = Network::constant(config.timing.election_min.mul_f64(spread));
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
        let rested = sim.settled().map(|tenure| tenure.epoch);
        assert_eq!(rested, Some(after.epoch), "back without disturbing anybody");
        before = after;
    }
    assert!(sim.violations().is_empty(), "{:?}", sim.violations());
    split as f64 / elections as f64
}

// An oracle from outside: chapter 9 of the dissertation gives the probability of a split vote,
// p = Σ C(s,k) l^k (1−l)^(s−k) for k = c−1..s, with s = 4 servers alive of n = 5 and c = 3 the
// number of candidates that split it.
#[test]
fn votes_split_as_often_as_the_dissertation_says() {
    const ELECTIONS: u64 = 4_000;
    for variant in Raft::variants() {
        if variant.config.pre_vote {
            continue; // The formula is about candidates that ask for votes at once.
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
                "{}: l {l}: {seen} seen, {formula} expected",
                variant.name
            );
        }
    }
}
