//! Tests that every algorithm with a log must pass. A suite includes this file with `#[path]` and
//! calls its functions.

use std::{env, time::Duration};

use elector_core::{
    Command, ElectionAlgorithm, NodeId,
    log::{Entry, EntryKind, LogIndex, Request},
};
use elector_sim::{Rng, Setup, Simulation};

fn request(client: u64, sequence: u64) -> Request {
    Request {
        client,
        sequence,
        command: sequence.to_be_bytes().into(),
    }
}

fn cluster<A: ElectionAlgorithm>(nodes: u64, seed: u64) -> Simulation<A> {
    Simulation::new(Setup {
        seed,
        ..Setup::new(nodes)
    })
}

fn committed<A: ElectionAlgorithm>(sim: &Simulation<A>, node: u64) -> Vec<Entry> {
    let log = sim.algorithm(NodeId(node)).unwrap().log().unwrap();
    let indexes = (1..=log.committed().0).map(LogIndex);
    indexes
        .map(|index| log.entry(index).unwrap().clone())
        .collect()
}

fn requests(entries: &[Entry]) -> Vec<(u64, u64)> {
    let requests = entries.iter().filter_map(|entry| match &entry.kind {
        EntryKind::NoOp => None,
        EntryKind::Command(request) => Some((request.client, request.sequence)),
    });
    requests.collect()
}

/// All nodes must have all commands, in the order in which the leader got them.
pub(crate) fn commands_are_replicated_in_order<A: ElectionAlgorithm>() {
    for nodes in [1, 2, 3, 5] {
        let mut sim = cluster::<A>(nodes, 1);
        sim.run_until_settled(Duration::from_secs(10)).unwrap();
        let proposed: Vec<(u64, u64)> = (1..=200).map(|sequence| (7, sequence)).collect();
        for &(client, sequence) in &proposed {
            assert!(sim.command_leader(Command::Propose(request(client, sequence))));
        }
        sim.run_for(Duration::from_secs(2));
        for node in 1..=nodes {
            assert_eq!(
                requests(&committed(&sim, node)),
                proposed,
                "n{node} of {nodes}"
            );
        }
        assert_eq!(sim.violations(), []);
    }
}

fn fault<A: ElectionAlgorithm>(sim: &mut Simulation<A>, nodes: u64, rng: &mut Rng) {
    let node = NodeId(1 + rng.below(nodes));
    let other = NodeId(1 + rng.below(nodes));
    match rng.below(12) {
        0 => sim.crash(node),
        1 | 2 => sim.restart(node),
        3 => sim.pause(node),
        4 | 5 => sim.resume(node),
        6 => sim.cut(&[(node, other)]),
        7 => sim.cut(&[(node, other), (other, node)]),
        8 => sim.heal(),
        9 => sim.command(node, Command::Resign),
        10 => sim.command(node, Command::TransferTo(other)),
        _ => sim.suspect(node, other),
    }
}

/// Random faults of all kinds, while every node that believes that it leads gets commands. The
/// simulator checks the committed entries of all nodes. At the end, all nodes must have the same
/// entries. The environment variable `LOG_RUNS` sets the number of runs.
pub(crate) fn committed_entries_survive_faults<A: ElectionAlgorithm>() {
    let runs = env::var("LOG_RUNS").map_or(150, |runs| runs.parse().unwrap());
    let mut commands = 0;
    for seed in 0..runs {
        let mut rng = Rng::new(seed);
        let nodes = [3, 3, 5, 4, 2][seed as usize % 5];
        let mut sim = cluster::<A>(nodes, seed);
        let mut sequence = 0;
        for _ in 0..80 {
            fault(&mut sim, nodes, &mut rng);
            for node in sim.nodes() {
                for _ in 0..rng.below(4) {
                    if sim.view(node).leads() {
                        sequence += 1;
                        sim.command(node, Command::Propose(request(node.0, sequence)));
                    }
                }
            }
            let longest = [5, 60, 600][rng.below(3) as usize];
            sim.run_for(Duration::from_millis(1 + rng.below(longest)));
        }
        sim.heal();
        for node in sim.nodes() {
            sim.resume(node);
            sim.restart(node);
        }
        sim.run_until_settled(Duration::from_secs(60)).unwrap();
        sim.run_for(Duration::from_secs(3));
        assert_eq!(sim.violations(), [], "seed {seed}");
        let first = committed(&sim, 1);
        for node in 2..=nodes {
            assert_eq!(committed(&sim, node), first, "seed {seed}, n{node}");
        }
        commands += requests(&first).len();
    }
    println!("{commands} commands were committed in {runs} runs");
    assert!(commands > 0);
}
