//! Tests one change of the members at a time, in a cluster with no faults but those that a test
//! names.

use std::time::Duration;

use elector_core::{Command, ElectionAlgorithm as _, MembersChange, NodeId, quorum::Reseat};
use elector_members::{DiskId, Members, MembersConfig};
use elector_paxos::Paxos;
use elector_raft::{Raft, RaftConfig};
use elector_sim::Simulation;

use crate::{change, cluster, elected, ids, run_until_voters, setup};

/// Changes the members from `1..=voters` to `goal`. Checks that the leader stays if it is in the
/// goal, and returns how long the change took.
fn changes<A: Reseat>(nodes: u64, voters: u64, goal: &[u64]) -> Duration {
    let mut sim = cluster::<A>(nodes, voters, 7);
    let leader = elected(&mut sim);
    let tenures = sim.tenures();
    sim.run_for(Duration::from_secs(1));
    sim.command(leader, change(goal));
    let took = run_until_voters(&mut sim, goal);
    if goal.contains(&leader.0) {
        assert_eq!(sim.leader(), Some(leader), "the leader stays");
        assert_eq!(sim.tenures(), tenures, "no election");
    }
    let leader = elected(&mut sim);
    assert!(goal.contains(&leader.0));
    sim.run_for(Duration::from_secs(1));
    assert!(sim.holds_lease(leader));
    assert_eq!(sim.violations(), []);
    took
}

macro_rules! for_both {
    ($($name:ident($nodes:expr, $voters:expr, $goal:expr);)*) => {
        mod raft {
            use super::*;
            $(#[test] fn $name() { changes::<Raft>($nodes, $voters, $goal); })*
        }
        mod paxos {
            use super::*;
            $(#[test] fn $name() { changes::<Paxos>($nodes, $voters, $goal); })*
        }
    };
}

for_both! {
    three_voters_grow_to_five(5, 3, &[1, 2, 3, 4, 5]);
    five_voters_shrink_to_three(5, 5, &[1, 2, 3]);
    all_voters_are_replaced(6, 3, &[4, 5, 6]);
    one_voter_grows_to_two(2, 1, &[1, 2]);
    two_voters_shrink_to_one(2, 2, &[1]);
    two_voters_shrink_to_the_other_one(2, 2, &[2]);
}

// A change leads from the voters {1, 2, 3, 4} to {1, 4}, and node 4 is dead. With the roster {1,
// 4}, node 1 alone is no majority, so one of the voters 2 and 3 must stay until node 4 runs again.
// (The test uses the ids of the leader and of the dead node in place of 1 and 4.)
#[test]
fn a_live_voter_leaves_only_if_a_majority_remains() {
    let mut sim = cluster::<Raft>(4, 4, 7);
    let leader = elected(&mut sim);
    let others = (1..=4).filter(|&id| id != leader.0);
    let dead = others.clone().next_back().unwrap();
    sim.crash(NodeId(dead));
    sim.run_for(Duration::from_secs(1));
    sim.command(leader, change(&[leader.0, dead]));
    sim.run_for(Duration::from_secs(5));
    assert!(sim.holds_lease(leader));
    assert_eq!(sim.algorithm(leader).unwrap().roster().voters.len(), 3);
    sim.restart(NodeId(dead));
    run_until_voters(&mut sim, &[leader.0, dead]);
    assert_eq!(sim.leader(), Some(leader));
    assert_eq!(sim.violations(), []);
}

// If a change replaces a dead voter, the dead voter leaves first. If the new voter joined first, a
// majority of the four voters would be three, which is all nodes that are alive.
#[test]
fn a_dead_voter_is_replaced() {
    let mut sim = cluster::<Raft>(4, 3, 7);
    let leader = elected(&mut sim);
    let dead = if leader == NodeId(3) { 2 } else { 3 };
    let goal: Vec<u64> = (1..=4).filter(|&id| id != dead).collect();
    sim.crash(NodeId(dead));
    sim.run_for(Duration::from_secs(1));
    sim.command(leader, change(&goal));
    run_until_voters(&mut sim, &goal);
    assert_eq!(sim.leader(), Some(leader));
    assert_eq!(sim.violations(), []);
}

/// Returns the configuration of a node with this disk.
fn config_with(disk: u128) -> MembersConfig<RaftConfig> {
    MembersConfig {
        first: ids(&[1, 2, 3]),
        disk: Some(DiskId::from(disk)),
        ..MembersConfig::default()
    }
}

// A node that comes back with an empty disk has lost its votes. If this node voted again in an
// epoch in which it has voted, the epoch could have two leaders.
#[test]
fn a_node_with_another_disk_votes_only_after_it_was_readmitted() {
    let mut setup = setup::<Raft>(3, 3, 7);
    let disks = (1..=3).map(|node| (NodeId(node), config_with(node.into())));
    setup.configs = disks.collect();
    let mut sim = Simulation::new(setup);
    let leader = elected(&mut sim);
    sim.run_for(Duration::from_secs(1));
    let lost = sim
        .nodes()
        .into_iter()
        .find(|&node| node != leader)
        .unwrap();
    let bound = sim.algorithm(leader).unwrap().roster().voter(lost).unwrap();
    assert_eq!(
        bound.disk,
        Some(DiskId::from(u128::from(lost.0))),
        "the leader binds the disks"
    );

    sim.wipe(lost);
    sim.set_config(lost, config_with(77));
    sim.restart(lost);
    sim.run_for(Duration::from_secs(2));
    let votes = |sim: &Simulation<Members<Raft>>| sim.algorithm(lost).unwrap().votes();
    assert!(!votes(&sim), "it has another disk");
    assert_eq!(sim.view(lost).leader, Some(leader), "it observes");

    let readmit = MembersChange {
        goal: ids(&[1, 2, 3]),
        readmit: [lost].into_iter().collect(),
        if_roster: None,
    };
    sim.command(leader, Command::ChangeMembers(readmit));
    sim.run_for(Duration::from_secs(1));
    assert!(votes(&sim));
    run_until_voters(&mut sim, &[1, 2, 3]);
    let bound = sim.algorithm(leader).unwrap().roster().voter(lost).unwrap();
    assert_eq!(bound.disk, Some(DiskId::from(77)));
    assert_eq!(sim.leader(), Some(leader), "the leader stays");
    // The only violations are that the epoch of one node goes back, the node whose disk was wiped:
    // with an empty disk it is a new node with an old id.
    let kinds = sim.violations().iter().map(|violation| violation.invariant);
    assert!(kinds.into_iter().all(|kind| kind == "epoch-monotonic"));
}
