//! The closed forms of an election: messages by kind and delays, against the simulator.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::time::Duration;

use elector_bully::{Bully, BullyConfig};
use elector_core::{Command, Comparable, NodeId, Purpose};
use elector_sim::{Disk, Network, Setup, Simulation};

const DELTA: Duration = Duration::from_micros(100);
const WRITE: Duration = Duration::from_micros(50);
const LIMIT: Duration = Duration::from_secs(10);

/// `nodes` nodes at rest: the highest leads, and has just been heard by all.
fn at_rest(nodes: u64, config: &BullyConfig) -> Simulation<Bully> {
    let mut setup = Setup::<Bully>::new(nodes);
    setup.config = config.clone();
    setup.network = Network::constant(DELTA);
    setup.disk = Disk::constant(WRITE);
    let mut sim = Simulation::new(setup);
    let settled = sim.run_until_settled(LIMIT).unwrap();
    assert_eq!(settled.leader, NodeId(nodes));
    // All stragglers of boot are through, and the last heartbeat is less than 50 ms old: nobody
    // else will miss the leader before the election is over.
    sim.run_for(Duration::from_millis(210));
    assert_eq!(sim.settled().unwrap().epoch, settled.epoch);
    sim.reset_counts();
    sim
}

/// The leader dies and the node with `above` ids above it is the only one to notice.
fn fail_over(sim: &mut Simulation<Bully>, nodes: u64, above: u64) {
    let (leader, detector) = (NodeId(nodes), NodeId(nodes - above));
    sim.crash(leader);
    let crashed = sim.now_ns();
    sim.command(detector, Command::Campaign);
    let settled = sim.run_until_settled(LIMIT).unwrap();
    assert_eq!(settled.leader, NodeId(nodes - 1), "the highest node alive");
    check_delays(sim, crashed, above);
    let (k, n) = (above, nodes);
    assert_eq!(sim.sent("Election"), k * (k + 1) / 2, "n {n} k {k}");
    assert_eq!(sim.sent("Answer"), k * (k - 1) / 2, "n {n} k {k}");
    assert_eq!(sim.sent("Coordinator"), n - 2, "n {n} k {k}");
    assert_eq!(sim.sent_for(Purpose::Election), k * k + n - 2);
    assert!(sim.violations().is_empty(), "{:?}", sim.violations());
}

/// δ until ELECTION reaches the winner (0 if the winner noticed itself), the answer timeout, one
/// write; then δ until COORDINATOR reaches the others, and one write of theirs.
fn check_delays(sim: &Simulation<Bully>, crashed: u64, above: u64) {
    let election = *sim.elections().last().unwrap();
    let timeout = BullyConfig::default().answer_timeout();
    let way_up = if above == 1 { Duration::ZERO } else { DELTA };
    let won = way_up + timeout + WRITE;
    let known = won + DELTA + WRITE;
    assert_eq!(u128::from(election.winner_ns - crashed), won.as_nanos());
    assert_eq!(u128::from(election.settled_ns - crashed), known.as_nanos());
}

// The paper's cost, k² + n − 2: every k, since an error in who asks whom shows only at some.
#[test]
fn every_number_of_higher_ids() {
    for nodes in [3, 4, 5, 8, 13, 20] {
        for above in 1..nodes {
            let mut sim = at_rest(nodes, &BullyConfig::default());
            fail_over(&mut sim, nodes, above);
        }
    }
}

// The best and the worst case are what comparisons quote, up to the largest cluster they show.
#[test]
fn the_best_and_the_worst_case_up_to_101_nodes() {
    for nodes in 3..=101 {
        for above in [1, nodes - 1] {
            let mut sim = at_rest(nodes, &BullyConfig::default());
            fail_over(&mut sim, nodes, above);
            let expected = Bully::expected_messages(&BullyConfig::default(), nodes).unwrap();
            let worst = above == nodes - 1;
            let bound = if worst {
                expected.end()
            } else {
                expected.start()
            };
            assert_eq!(sim.sent_for(Purpose::Election), *bound, "n {nodes}");
        }
    }
}

// Not preempting must change nothing where there is no live leader to spare.
#[test]
fn without_preemption_a_fail_over_costs_the_same() {
    let config = BullyConfig {
        preempt: false,
        ..BullyConfig::default()
    };
    for nodes in [3, 5, 8, 32] {
        for above in [1, nodes / 2, nodes - 1] {
            let mut sim = at_rest(nodes, &config);
            fail_over(&mut sim, nodes, above);
        }
    }
}

// A hint lets the best candidate go first: the best case, whoever else has got the hint.
#[test]
fn a_hint_to_all_costs_the_best_case() {
    for nodes in [3, 5, 9, 33] {
        let mut sim = at_rest(nodes, &BullyConfig::default());
        sim.crash(NodeId(nodes));
        for node in 1..nodes {
            sim.suspect(NodeId(node), NodeId(nodes));
        }
        let settled = sim.run_until_settled(LIMIT).unwrap();
        assert_eq!(settled.leader, NodeId(nodes - 1));
        sim.run_for(Duration::from_millis(500));
        assert_eq!(sim.sent_for(Purpose::Election), nodes - 1);
    }
}

// A proof of death saves the answer timeout, without any option, and costs no message.
#[test]
fn a_proof_saves_the_answer_timeout() {
    let mut sim = at_rest(5, &BullyConfig::default());
    sim.crash(NodeId(5));
    let crashed = sim.now_ns();
    sim.prove(NodeId(4), NodeId(5));
    let settled = sim.run_until_settled(LIMIT).unwrap();
    let known = u128::from(settled.at_ns - crashed);
    assert_eq!(known, (DELTA + 2 * WRITE).as_nanos());
    assert_eq!(sim.sent_for(Purpose::Election), 4);
}

// `skip_suspected` exists to save the answer timeout: it must, and cost no message more.
#[test]
fn a_trusted_hint_saves_the_answer_timeout() {
    let config = BullyConfig {
        skip_suspected: true,
        ..BullyConfig::default()
    };
    let mut sim = at_rest(5, &config);
    sim.crash(NodeId(5));
    let crashed = sim.now_ns();
    sim.suspect(NodeId(4), NodeId(5));
    let settled = sim.run_until_settled(LIMIT).unwrap();
    let known = u128::from(settled.at_ns - crashed);
    assert_eq!(known, (DELTA + 2 * WRITE).as_nanos());
    assert_eq!(sim.sent_for(Purpose::Election), 4);
}

// One coordinator, one heartbeat to each peer every 50 ms, and nothing else.
#[test]
fn at_rest_only_heartbeats_are_sent() {
    let mut sim = at_rest(5, &BullyConfig::default());
    sim.run_for(Duration::from_secs(1));
    assert_eq!(sim.sent("Heartbeat"), 20 * 4);
    assert_eq!(sim.sent_for(Purpose::Election), 0);
}

// The largest cluster that comparisons promise: every follower misses the leader at once there.
#[test]
fn a_thousand_and_one_nodes_elect() {
    let mut sim = Simulation::new(Setup::<Bully>::new(1001));
    let booted = sim.run_until_settled(LIMIT).unwrap();
    assert_eq!(booted.leader, NodeId(1001));
    sim.run_for(Duration::from_millis(200));
    // All ask at once here. Each question is answered once, and none begins an election anew.
    let (pairs, messages) = (1001 * 1000 / 2, sim.sent_for(Purpose::Election));
    assert!(messages <= 2 * pairs + 3 * 1000, "{messages} messages");
    sim.reset_counts();
    sim.crash(NodeId(1001));
    let settled = sim.run_until_settled(LIMIT).unwrap();
    assert_eq!(settled.leader, NodeId(1000));
    let messages = sim.sent_for(Purpose::Election);
    assert!(messages < 1001 * 1000 - 1, "{messages} messages");
}
