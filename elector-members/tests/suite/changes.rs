//! One change at a time, in a cluster without other faults.

use std::time::Duration;

use elector_core::{NodeId, quorum::Reseat};
use elector_paxos::Paxos;
use elector_raft::Raft;

use crate::{change, cluster, elected, run_until_voters};

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

// The voters {1, 2, 3, 4} are to become {1, 4}, and 4 is dead. With the roster {1, 4} no leader could
// act, so one of the voters 2 and 3 must stay until 4 is back.
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

// The dead voter leaves first. If the new voter joined first, the four voters would need three.
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
