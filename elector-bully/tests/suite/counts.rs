//! Checks in the simulator that an election takes the messages of each kind, and the delays, that
//! closed-form formulas give.

use std::time::Duration;

use elector_bully::{Bully, BullyConfig};
use elector_core::{Command, Comparable, NodeId, Purpose};
use elector_sim::{Setup, Simulation};

use crate::algorithm::{DELAY, WRITE, setup};

const LIMIT: Duration = Duration::from_secs(10);

/// Returns a cluster of `nodes` nodes. The highest node leads, and all nodes have received its
/// heartbeat less than 50 ms ago.
fn settled_cluster(nodes: u64, config: &BullyConfig) -> Simulation<Bully> {
    let mut sim = Simulation::new(setup(nodes, config));
    let settled = sim.run_until_settled(LIMIT).unwrap();
    assert_eq!(settled.leader, NodeId(nodes));
    // All late messages of the first election have arrived. The last heartbeat is less than 50 ms
    // old, so no other node times out before the election ends.
    sim.run_for(Duration::from_millis(210));
    assert_eq!(sim.settled().unwrap().epoch, settled.epoch);
    sim.reset_counts();
    sim
}

/// Kills the leader. Only the node with `above` ids above its own id detects the failure.
fn fail_over(sim: &mut Simulation<Bully>, nodes: u64, above: u64) {
    let (leader, detector) = (NodeId(nodes), NodeId(nodes - above));
    sim.crash(leader);
    let crashed = sim.now_ns();
    sim.command(detector, Command::Campaign);
    let settled = sim.run_until_settled(LIMIT).unwrap();
    assert_eq!(settled.leader, NodeId(nodes - 1), "the highest live node");
    check_delays(sim, crashed, above);
    let (k, n) = (above, nodes);
    assert_eq!(sim.sent("Election"), k * (k + 1) / 2, "n {n} k {k}");
    assert_eq!(sim.sent("Answer"), k * (k - 1) / 2, "n {n} k {k}");
    assert_eq!(sim.sent("Coordinator"), n - 2, "n {n} k {k}");
    assert_eq!(sim.sent_for(Purpose::Election), k * k + n - 2);
    assert!(sim.violations().is_empty(), "{:?}", sim.violations());
}

/// Checks when the nodes know the new leader. The winner knows it after the one-way delay of
/// ELECTION (none if the winner has detected the death itself), the answer timeout, and one write.
/// The other nodes know the leader after another one-way delay, that of COORDINATOR, and one more
/// write.
fn check_delays(sim: &Simulation<Bully>, crashed: u64, above: u64) {
    let election = *sim.elections().last().unwrap();
    let timeout = BullyConfig::default().answer_timeout();
    let way_up = if above == 1 { Duration::ZERO } else { DELAY };
    let won = way_up + timeout + WRITE;
    let known = won + DELAY + WRITE;
    assert_eq!(u128::from(election.winner_ns - crashed), won.as_nanos());
    assert_eq!(u128::from(election.settled_ns - crashed), known.as_nanos());
}

// The paper's cost is k² + n − 2 messages, where k is the number of ids above the node that detects
// the failure. This test tries every k, because an error in the order of the requests changes the
// count only for some values of k.
#[test]
fn every_number_of_higher_ids() {
    for nodes in [3, 4, 5, 8, 13, 20] {
        for above in 1..nodes {
            let mut sim = settled_cluster(nodes, &BullyConfig::default());
            fail_over(&mut sim, nodes, above);
        }
    }
}

// Comparisons print the number of messages in the best and in the worst case, for clusters of up to
// 101 nodes.
#[test]
fn the_best_and_the_worst_case_up_to_101_nodes() {
    for nodes in 3..=101 {
        for above in [1, nodes - 1] {
            let mut sim = settled_cluster(nodes, &BullyConfig::default());
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

// The option `preempt` only decides whether a node takes over from a live coordinator. So it must
// make no difference after the coordinator has failed.
#[test]
fn without_preemption_a_fail_over_costs_the_same() {
    let config = BullyConfig {
        preempt: false,
        ..BullyConfig::default()
    };
    for nodes in [3, 5, 8, 32] {
        for above in [1, nodes / 2, nodes - 1] {
            let mut sim = settled_cluster(nodes, &config);
            fail_over(&mut sim, nodes, above);
        }
    }
}

// After a suspicion of the leader, the highest candidate campaigns first, and the lower ones wait.
// So an election takes the messages of the best case, even if all nodes suspect the leader.
#[test]
fn a_suspicion_of_all_nodes_costs_the_best_case() {
    for nodes in [3, 5, 9, 33] {
        let mut sim = settled_cluster(nodes, &BullyConfig::default());
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

// A proof of death saves the answer timeout, even with `skip_suspected` off, and causes no
// additional message.
#[test]
fn a_proof_saves_the_answer_timeout() {
    let mut sim = settled_cluster(5, &BullyConfig::default());
    sim.crash(NodeId(5));
    let crashed = sim.now_ns();
    sim.prove(NodeId(4), NodeId(5));
    let settled = sim.run_until_settled(LIMIT).unwrap();
    let known = u128::from(settled.at_ns - crashed);
    assert_eq!(known, (DELAY + 2 * WRITE).as_nanos());
    assert_eq!(sim.sent_for(Purpose::Election), 4);
}

// The purpose of `skip_suspected` is to save the answer timeout. It must do so without additional
// messages.
#[test]
fn a_trusted_suspicion_saves_the_answer_timeout() {
    let config = BullyConfig {
        skip_suspected: true,
        ..BullyConfig::default()
    };
    let mut sim = settled_cluster(5, &config);
    sim.crash(NodeId(5));
    let crashed = sim.now_ns();
    sim.suspect(NodeId(4), NodeId(5));
    let settled = sim.run_until_settled(LIMIT).unwrap();
    let known = u128::from(settled.at_ns - crashed);
    assert_eq!(known, (DELAY + 2 * WRITE).as_nanos());
    assert_eq!(sim.sent_for(Purpose::Election), 4);
}

// The coordinator sends one heartbeat to each peer every 50 ms. No other message is sent.
#[test]
fn in_the_steady_state_only_heartbeats_are_sent() {
    let mut sim = settled_cluster(5, &BullyConfig::default());
    sim.run_for(Duration::from_secs(1));
    assert_eq!(sim.sent("Heartbeat"), 20 * 4);
    assert_eq!(sim.sent_for(Purpose::Election), 0);
}

// This is the largest cluster of the comparisons. All its followers detect the leader's death at
// the same time.
#[test]
fn a_thousand_and_one_nodes_elect() {
    let mut sim = Simulation::new(Setup::<Bully>::new(1001));
    let booted = sim.run_until_settled(LIMIT).unwrap();
    assert_eq!(booted.leader, NodeId(1001));
    sim.run_for(Duration::from_millis(200));
    // All nodes ask at the same time. Each ELECTION gets one ANSWER, and restarts no election.
    let (pairs, messages) = (1001 * 1000 / 2, sim.sent_for(Purpose::Election));
    assert!(messages <= 2 * pairs + 3 * 1000, "{messages} messages");
    sim.reset_counts();
    sim.crash(NodeId(1001));
    let settled = sim.run_until_settled(LIMIT).unwrap();
    assert_eq!(settled.leader, NodeId(1000));
    let messages = sim.sent_for(Purpose::Election);
    assert!(messages < 1001 * 1000 - 1, "{messages} messages");
}
