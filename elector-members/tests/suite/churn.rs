//! Tests random changes of the members, with random faults.

use std::{env, time::Duration};

use elector_core::{Command, Comparable, NodeId, quorum::Reseat};
use elector_members::{Held, Members, Roster, check_rosters};
use elector_paxos::Paxos;
use elector_raft::Raft;
use elector_sim::{Rng, Simulation};

use crate::{change, elected, setup};

const NODES: u64 = 5;

/// Returns the number of runs. The environment variable `CHURN_RUNS` sets this number; the default
/// is 200.
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

/// Splits the nodes at random into two parts without links between them.
fn split<A: Reseat>(sim: &mut Simulation<Members<A>>, rng: &mut Rng) {
    sim.heal();
    let part = rng.below(1 << NODES);
    let side = |node: NodeId| part >> (node.0 - 1) & 1;
    let nodes = sim.nodes();
    let pairs = nodes
        .iter()
        .flat_map(|&from| nodes.iter().map(move |&to| (from, to)));
    let links: Vec<_> = pairs.filter(|&(from, to)| side(from) != side(to)).collect();
    sim.cut(&links);
}

/// Commands each node that believes that it leads to change the members.
fn change_all<A: Reseat>(sim: &mut Simulation<Members<A>>, rng: &mut Rng) {
    for node in sim.nodes() {
        if sim.view(node).leads() {
            sim.command(node, change(&random_goal(rng)));
        }
    }
}

fn fault<A: Reseat>(sim: &mut Simulation<Members<A>>, rng: &mut Rng) {
    let node = NodeId(1 + rng.below(NODES));
    let other = NodeId(1 + rng.below(NODES));
    match rng.below(14) {
        0 => sim.crash(node),
        1 | 2 => sim.restart(node),
        3 => sim.pause(node),
        4 | 5 => sim.resume(node),
        6 => sim.cut(&[(node, other)]),
        7 => sim.heal(),
        8 => sim.command(node, Command::Resign),
        9 => sim.suspect(node, other),
        10 => split(sim, rng),
        11 => {
            // The leader makes the next roster while it is cut off from some voters.
            change_all(sim, rng);
            sim.run_for(Duration::from_millis(rng.below(60)));
            split(sim, rng);
        }
        _ => change_all(sim, rng),
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

fn churns<A: Reseat + Comparable>(seeds: std::ops::Range<u64>) {
    let mut changes = 0;
    for seed in seeds {
        let mut rng = Rng::new(seed);
        let voters = 1 + seed % NODES;
        let first = Roster::first(&(1..=voters).map(NodeId).collect());
        let mut setup = setup::<A>(NODES, voters, seed);
        let variants = A::variants();
        let variant = &variants[seed as usize / 7 % variants.len()];
        setup.config.algorithm = variant.config.clone();
        let mut sim = Simulation::new(setup);
        for _ in 0..100 {
            fault(&mut sim, &mut rng);
            let longest = [20, 120, 600][rng.below(3) as usize];
            let until = sim.now_ns() + 1_000_000 * (1 + rng.below(longest));
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
