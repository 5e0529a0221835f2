//! Random changes of the members, with random faults.

use std::{env, time::Duration};

use elector_core::{Command, NodeId, quorum::Reseat};
use elector_members::{Held, Members, Roster, check_rosters};
use elector_paxos::Paxos;
use elector_raft::Raft;
use elector_sim::{Rng, Simulation};

use crate::{change, cluster, elected, ids};

const NODES: u64 = 6;

/// Returns the number of runs. The variable `CHURN_RUNS` asks for more of them.
fn seeds() -> u64 {
    let runs = env::var("CHURN_RUNS").ok();
    runs.map_or(200, |runs| runs.parse().unwrap())
}

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

/// Checks the rosters on all disks. A node that has written nothing has the first roster.
fn check<A: Reseat>(sim: &Simulation<Members<A>>, first: &Roster, seed: u64) {
    let roster = |node| {
        let roster = &sim.durable(node).unwrap().roster;
        if roster.version == 0 { first } else { roster }
    };
    let nodes = sim.nodes().into_iter();
    let held: Vec<Held<'_>> = nodes
        .map(|node| Held {
            node,
            disk: None,
            roster: roster(node),
        })
        .collect();
    if let Err(broken) = check_rosters(&held) {
        panic!("seed {seed}, {} ns: {broken}: {held:#?}", sim.now_ns());
    }
}

fn churns<A: Reseat>(seeds: std::ops::Range<u64>) {
    let mut changes = 0;
    let first = Roster::first(&ids(&[1, 2, 3]));
    for seed in seeds {
        let mut rng = Rng::new(seed);
        let mut sim = cluster::<A>(NODES, 3, seed);
        for _ in 0..120 {
            fault(&mut sim, &mut rng);
            let until = sim.now_ns() + 1_000_000 * (5 + rng.below(120));
            while sim.step_until(until) {
                check(&sim, &first, seed);
            }
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
    churns::<Raft>(0..seeds());
}

#[test]
fn paxos_survives_changes_under_faults() {
    churns::<Paxos>(0..seeds());
}
