//! Random changes of the members, with random faults.

use std::time::Duration;

use elector_core::{Command, NodeId, quorum::Reseat};
use elector_members::Members;
use elector_paxos::Paxos;
use elector_raft::Raft;
use elector_sim::{Rng, Simulation};

use crate::{change, cluster, elected};

const NODES: u64 = 6;

fn random_goal(rng: &mut Rng) -> Vec<u64> {
    loop {
        let goal: Vec<u64> = (1..=NODES).filter(|_| rng.below(2) == 0).collect();
        if !goal.is_empty() {
            return goal;
        }
    }
}

fn fault<A: Reseat>(sim: &mut Simulation<Members<A>>, rng: &mut Rng) {
    let node = NodeId(1 + rng.below(NODES));
    let other = NodeId(1 + rng.below(NODES));
    match rng.below(12) {
        0 => sim.crash(node),
        1 | 2 => sim.restart(node),
        3 => sim.pause(node),
        4 | 5 => sim.resume(node),
        6 => sim.cut(&[(node, other)]),
        7 => sim.heal(),
        8 => sim.command(node, Command::Resign),
        9 => sim.suspect(node, other),
        _ => {
            let leader = sim.leader().unwrap_or(node);
            sim.command(leader, change(&random_goal(rng)));
        }
    }
}

fn churns<A: Reseat>(seeds: std::ops::Range<u64>) {
    let mut changes = 0;
    for seed in seeds {
        let mut rng = Rng::new(seed);
        let mut sim = cluster::<A>(NODES, 3, seed);
        for _ in 0..120 {
            fault(&mut sim, &mut rng);
            sim.run_for(Duration::from_millis(5 + rng.below(120)));
        }
        sim.heal();
        for node in sim.nodes() {
            sim.resume(node);
            sim.restart(node);
        }
        let leader = elected(&mut sim);
        sim.run_for(Duration::from_secs(3));
        assert_eq!(sim.violations(), [], "seed {seed}");
        let leader = sim.leader().unwrap_or(leader);
        let roster = sim.algorithm(leader).unwrap().roster();
        assert!(roster.voter(leader).is_some(), "seed {seed}");
        changes += roster.version - 1;
    }
    println!("{changes} changes");
    assert!(changes > 0);
}

#[test]
fn raft_survives_changes_under_faults() {
    churns::<Raft>(0..200);
}

#[test]
fn paxos_survives_changes_under_faults() {
    churns::<Paxos>(0..200);
}
