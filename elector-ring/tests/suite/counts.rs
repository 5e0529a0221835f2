//! Checks in the simulator that an election takes the messages of each kind, and the delays, that
//! closed-form formulas give. The formulas do not count hop acknowledgements and the one hop to the
//! dead leader.

use std::time::Duration;

use elector_core::{Command, Comparable, NodeId, Purpose, Role};
use elector_ring::{Ring, RingConfig, RingVariant};
use elector_sim::{Network, Setup, Simulation};

use crate::algorithm::{DELAY, WRITE, setup};

const LIMIT: Duration = Duration::from_secs(10);

fn config(variant: RingVariant) -> RingConfig {
    RingConfig {
        variant,
        ..RingConfig::default()
    }
}

/// Returns a cluster of `nodes` nodes, in which the node with the highest id leads.
fn settled_cluster(nodes: u64, config: &RingConfig) -> Simulation<Ring> {
    let mut sim = Simulation::new(setup(nodes, config));
    let settled = sim.run_until_settled(LIMIT).unwrap();
    assert_eq!(settled.leader, NodeId(nodes));
    // All late messages of the first election have arrived. The last heartbeat is less than 50 ms
    // old, so no other node times out before the election ends.
    sim.run_for(Duration::from_millis(500));
    assert_eq!(sim.settled().unwrap().epoch, settled.epoch);
    sim.reset_counts();
    sim
}

/// Returns the number of hops that tokens have made, without hops to the dead leader.
fn messages(sim: &Simulation<Ring>) -> u64 {
    let kinds = ["Election", "Coordinator", "Probe", "Reply"];
    kinds.iter().map(|kind| sim.sent(kind)).sum::<u64>() - sim.to_dead()
}

/// Kills the leader. Only the node `detector` detects the failure. Returns the time until all nodes
/// know the new leader, in nanoseconds.
fn fail_over(sim: &mut Simulation<Ring>, nodes: u64, detector: u64) -> u128 {
    sim.crash(NodeId(nodes));
    let crashed = sim.now_ns();
    sim.command(NodeId(detector), Command::Campaign);
    let settled = sim.run_until_settled(LIMIT).unwrap();
    assert_eq!(settled.leader, NodeId(nodes - 1), "the highest live node");
    // The COORDINATOR token makes its last hop when all nodes know the leader already. This hop
    // counts too.
    sim.run_for(Duration::from_millis(1));
    assert!(sim.violations().is_empty(), "{:?}", sim.violations());
    u128::from(settled.at_ns - crashed)
}

/// Returns the time, in nanoseconds, that `hops` hops, `writes` durable writes and the hop timeout
/// for the dead leader take one after the other.
fn delay(hops: u64, writes: u64) -> u128 {
    let timeout = RingConfig::default().timing.round_trip;
    u128::from(hops) * DELAY.as_nanos() + u128::from(writes) * WRITE.as_nanos() + timeout.as_nanos()
}

/// Returns a random order of the ids 1 to `nodes` for a seed (Fisher and Yates, `SplitMix64`).
fn shuffled(nodes: u64, seed: u64) -> Vec<NodeId> {
    let mut ring: Vec<NodeId> = (1..=nodes).map(NodeId).collect();
    let mut state = seed;
    for last in (1..ring.len()).rev() {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        ring.swap(last, usize::try_from(mixed % (last as u64 + 1)).unwrap());
    }
    ring
}

/// Starts elections of all nodes at the same time, before any node leads, in a ring of this order.
fn all_initiate(ring: Vec<NodeId>, variant: RingVariant) -> Simulation<Ring> {
    let nodes = ring.len() as u64;
    let config = RingConfig {
        ring,
        ..config(variant)
    };
    let mut sim = Simulation::new(setup(nodes, &config));
    sim.run_for(Duration::from_millis(1));
    for node in 1..=nodes {
        sim.command(NodeId(node), Command::Campaign);
    }
    let settled = sim.run_until_settled(LIMIT).unwrap();
    assert_eq!(settled.leader, NodeId(nodes));
    sim.run_for(Duration::from_millis(1));
    sim
}

// There are m live nodes. For any node that detects the failure, two tokens make a lap each, with
// 2m hops in total, and there is one more hop to the dead leader. All nodes know the new leader
// after 2m - 1 hops and the writes of the nodes that enter the new epoch.
#[test]
fn collect_takes_two_laps() {
    let config = config(RingVariant::Collect);
    for nodes in 3..=101 {
        let m = nodes - 1;
        for detector in [1, nodes / 2, m] {
            let mut sim = settled_cluster(nodes, &config);
            let known = fail_over(&mut sim, nodes, detector);
            assert_eq!(sim.sent("Election"), m + 1, "n {nodes} from {detector}");
            assert_eq!(sim.sent("Coordinator"), m, "n {nodes} from {detector}");
            assert_eq!(sim.to_dead(), 1, "the second lap skips the dead node");
            assert_eq!(sim.sent("HopAck"), 2 * m, "each hop is acknowledged");
            assert_eq!(known, delay(2 * m - 1, m), "n {nodes} from {detector}");
            let expected = Ring::expected_messages(&config, nodes);
            assert_eq!(expected, Some(2 * m..=2 * m));
        }
    }
}

// Several nodes may detect the death of the leader at the same time. Each of these nodes causes at
// most two laps of a token, and all nodes get the same new leader.
#[test]
fn collect_with_k_initiators_takes_at_most_k_pairs_of_laps() {
    for nodes in 3..=101 {
        let m = nodes - 1;
        for k in [2, m / 2, m] {
            let mut sim = settled_cluster(nodes, &config(RingVariant::Collect));
            for detector in 2..=k {
                sim.command(NodeId(detector), Command::Campaign);
            }
            fail_over(&mut sim, nodes, 1);
            assert!(messages(&sim) <= 2 * k.max(1) * m, "n {nodes} k {k}");
            assert_eq!(sim.settled().unwrap().epoch.0, 2, "there is one new epoch");
        }
    }
}

// "At most 3m - 1 with one initiator": the first token makes `climb` hops to the winner. Then the
// winner's own token makes a lap, and then the COORDINATOR token makes a lap.
#[test]
fn chang_roberts_with_one_initiator() {
    let config = config(RingVariant::ChangRoberts);
    for nodes in 3..=101 {
        let m = nodes - 1;
        for climb in [0, 1, m / 2, m - 1] {
            let mut sim = settled_cluster(nodes, &config);
            let known = fail_over(&mut sim, nodes, m - climb);
            assert_eq!(messages(&sim), climb + 2 * m, "n {nodes} climb {climb}");
            assert_eq!(sim.sent("Coordinator"), m);
            assert_eq!(known, delay(climb + 2 * m - 1, m), "n {nodes}");
        }
        let expected = Ring::expected_messages(&config, nodes);
        assert_eq!(expected, Some(2 * m..=3 * m - 1));
    }
}

// If the ids ascend in the order of the ring, all m tokens but one end after their first hop, and
// one makes m hops: 2m - 1 hops. If the ids descend, the token of id i makes i hops: m(m+1)/2 hops.
// (Chang and Roberts, section 3.)
#[test]
fn chang_roberts_at_best_and_at_worst() {
    for m in 3..=101 {
        let mut ring: Vec<NodeId> = (1..=m).map(NodeId).collect();
        let sim = all_initiate(ring.clone(), RingVariant::ChangRoberts);
        assert_eq!(sim.sent("Election"), 2 * m - 1);
        assert_eq!(sim.sent("Coordinator"), m);
        ring.reverse();
        let sim = all_initiate(ring, RingVariant::ChangRoberts);
        assert_eq!(sim.sent("Election"), m * (m + 1) / 2);
        assert_eq!(sim.sent("Coordinator"), m);
    }
}

// The average number of hops over all orders of m ids is m * H_m in the paper, where H_m is the
// m-th harmonic number. This test takes ten orders of each size, 990 in total. For each order, a
// ratio is the number of counted hops, divided by m * H_m. The mean of all ratios must be within
// four standard errors of 1, and the standard error must be below one percent.
#[test]
fn chang_roberts_on_average() {
    let mut ratios = Vec::new();
    for m in 3..=101_u64 {
        let harmonic: f64 = (1..=m).map(|i| 1.0 / i as f64).sum();
        for seed in 0..10 {
            let sim = all_initiate(shuffled(m, 1000 * m + seed), RingVariant::ChangRoberts);
            ratios.push(sim.sent("Election") as f64 / (m as f64 * harmonic));
        }
    }
    let count = ratios.len() as f64;
    let mean = ratios.iter().sum::<f64>() / count;
    let variance = ratios.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let error = (variance / count).sqrt();
    assert!(error < 0.01, "{error}");
    assert!((mean - 1.0).abs() < 4.0 * error, "{mean} ± {error}");
}

// The tokens of an election make at most 8m(1 + ⌈log₂ m⌉) hops, for every order of the ids and
// every detector (Hirschberg and Sinclair). If the winner is the node that detects the failure,
// there are only the winner's tokens, and the number of their hops is the minimum.
#[test]
fn hirschberg_sinclair_stays_within_its_bound() {
    let variant = RingVariant::HirschbergSinclair;
    for nodes in 3..=101 {
        let m = nodes - 1;
        let expected = Ring::expected_messages(&config(variant), nodes).unwrap();
        assert_eq!(*expected.end(), 8 * m * (1 + log2_up(m)));
        for detector in [1, nodes / 2, m] {
            let mut sim = settled_cluster(nodes, &config(variant));
            fail_over(&mut sim, nodes, detector);
            let sent = messages(&sim);
            assert!(expected.contains(&sent), "n {nodes}: {sent}");
            assert!(
                detector < m || sent == *expected.start(),
                "n {nodes}: {sent}"
            );
        }
        let bound = 8 * nodes * (1 + log2_up(nodes));
        let ascending: Vec<NodeId> = (1..=nodes).map(NodeId).collect();
        for ring in [
            ascending,
            shuffled(nodes, nodes),
            shuffled(nodes, nodes + 500),
        ] {
            let sim = all_initiate(ring, variant);
            assert_eq!(sim.sent("Coordinator"), nodes);
            assert!(messages(&sim) <= bound, "n {nodes}: {}", messages(&sim));
        }
    }
}

fn log2_up(m: u64) -> u64 {
    (0..).find(|&power| 1 << power >= m).unwrap()
}

// All nodes may suspect the leader at the same time. Only the next node after the leader starts an
// election.
#[test]
fn a_suspicion_of_all_nodes_costs_no_more_than_one_detector() {
    for variant in Ring::variants() {
        for nodes in [3, 5, 9, 33] {
            let mut sim = settled_cluster(nodes, &variant.config);
            sim.crash(NodeId(nodes));
            for node in 1..nodes {
                sim.suspect(NodeId(node), NodeId(nodes));
            }
            let settled = sim.run_until_settled(LIMIT).unwrap();
            assert_eq!(settled.leader, NodeId(nodes - 1));
            sim.run_for(Duration::from_millis(10));
            let kinds = ["Election", "Coordinator", "Probe", "Reply"];
            let sent: u64 = kinds.iter().map(|kind| sim.sent(kind)).sum();
            let expected = Ring::expected_messages(&variant.config, nodes).unwrap();
            assert!(expected.contains(&sent), "{} n {nodes}", variant.name);
        }
    }
}

// The leader sends one heartbeat to each peer every 50 ms. No other message is sent.
#[test]
fn in_the_steady_state_only_heartbeats_are_sent() {
    for variant in Ring::variants() {
        let mut sim = settled_cluster(5, &variant.config);
        sim.run_for(Duration::from_secs(1));
        assert_eq!(sim.sent("Heartbeat"), 20 * 4);
        assert_eq!(sim.sent_for(Purpose::Liveness), 20 * 4);
        assert_eq!(sim.sent_for(Purpose::Election), 0);
    }
}

// The only live node of a ring must be elected too, although its token has no other live node to
// visit.
#[test]
fn the_smallest_rings_elect() {
    for variant in Ring::variants() {
        let mut sim = settled_cluster(1, &variant.config);
        sim.run_for(Duration::from_secs(1));
        assert_eq!(sim.view(NodeId(1)).role, Role::Leader);
        assert_eq!(sim.sent_for(Purpose::Election), 0);
        let mut sim = settled_cluster(2, &variant.config);
        fail_over(&mut sim, 2, 1);
        assert_eq!(Ring::expected_messages(&variant.config, 2), Some(0..=0));
        assert_eq!(messages(&sim), 0);
    }
}

// The largest ring of the comparisons, with 1 ms for a hop. A lap takes one second, which is
// several times the election timeout. Nodes that have forwarded a token must wait for its result:
// otherwise a thousand nodes would start elections.
#[test]
fn a_thousand_and_one_nodes_elect() {
    for variant in Ring::variants() {
        let mut setup = Setup::<Ring>::new(1001);
        setup.config = variant.config.clone();
        setup.network = Network::constant(Duration::from_millis(1));
        let mut sim = Simulation::new(setup);
        for nodes in [1001, 1000] {
            let settled = sim.run_until_settled(Duration::from_secs(20)).unwrap();
            assert_eq!(settled.leader, NodeId(nodes), "{}", variant.name);
            sim.run_for(Duration::from_secs(5));
            assert_eq!(sim.settled().unwrap().epoch, settled.epoch);
            let bound = match variant.config.variant {
                RingVariant::Collect | RingVariant::ChangRoberts => 4 * nodes,
                RingVariant::HirschbergSinclair => 16 * nodes,
            };
            assert!(
                messages(&sim) < bound,
                "{}: {}",
                variant.name,
                messages(&sim)
            );
            sim.reset_counts();
            sim.crash(NodeId(nodes));
        }
    }
}
