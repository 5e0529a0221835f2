//! Tests that every algorithm with a log must pass. A suite includes this file with `#[path]` and
//! calls its functions.

use std::{env, time::Duration};

use elector_core::{
    Command, ElectionAlgorithm, NodeId, Purpose,
    log::{Entry, EntryKind, LogIndex, Request},
};
use elector_sim::{Network, Rng, Setup, Simulation};

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

/// Creates a cluster whose network loses, repeats and holds back messages in two of three seeds.
fn faulty_cluster<A: ElectionAlgorithm>(nodes: u64, seed: u64) -> Simulation<A> {
    let mut setup = Setup::new(nodes);
    setup.seed = seed;
    if !seed.is_multiple_of(3) {
        setup.network = Network {
            loss: 0.05,
            duplicate: 0.05,
            reorder: 0.2,
            ..Network::default()
        };
    }
    Simulation::new(setup)
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
        let shown: Vec<Entry> = sim.committed_entries().cloned().collect();
        assert_eq!(requests(&shown), proposed, "{nodes} nodes");
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

/// A node that was down while many commands were committed must get all of them, with a number of
/// messages in proportion to the number of commands.
pub(crate) fn a_node_that_is_far_behind_catches_up<A: ElectionAlgorithm>() {
    const COMMANDS: u64 = 2_000;
    let mut sim = cluster::<A>(3, 1);
    let leader = sim
        .run_until_settled(Duration::from_secs(10))
        .unwrap()
        .leader;
    let behind = NodeId(if leader == NodeId(1) { 2 } else { 1 });
    sim.crash(behind);
    sim.run_for(Duration::from_secs(2));
    for sequence in 1..=COMMANDS {
        assert!(sim.command_leader(Command::Propose(request(7, sequence))));
        sim.run_for(Duration::from_millis(2));
    }
    sim.reset_counts();
    sim.restart(behind);
    sim.run_until_settled(Duration::from_secs(10)).unwrap();
    sim.run_for(Duration::from_secs(3));
    assert_eq!(requests(&committed(&sim, behind.0)).len() as u64, COMMANDS);
    let messages = sim.sent_for(Purpose::Application);
    assert!(messages < COMMANDS, "{messages} messages");
    assert_eq!(sim.violations(), []);
}

/// Gives a command to the leader until a command is committed that it got after all faults had
/// ended. A leader that loses its leadership may lose a command, as every client knows. Returns
/// the committed entries.
fn commit_one_more<A: ElectionAlgorithm>(sim: &mut Simulation<A>, seed: u64) -> Vec<Entry> {
    const CLIENT: u64 = 1_000;
    for sequence in 1..=5 {
        sim.command_leader(Command::Propose(request(CLIENT, sequence)));
        sim.run_for(Duration::from_secs(5));
        let shown: Vec<Entry> = sim.committed_entries().cloned().collect();
        let last = requests(&shown).last().copied();
        if last.is_some_and(|(client, _)| client == CLIENT) {
            assert_eq!(sim.violations(), [], "seed {seed}");
            return shown;
        }
    }
    panic!("seed {seed}: no command is committed any more");
}

/// Random faults of all kinds, while every node that believes that it leads gets commands. The
/// simulator checks the committed entries of all nodes. At the end, a minority may stay down. All
/// other nodes must commit a further command, and know all that is committed. The environment
/// variable `LOG_RUNS` sets the number of runs.
pub(crate) fn committed_entries_survive_faults<A: ElectionAlgorithm>() {
    let runs = env::var("LOG_RUNS").map_or(150, |runs| runs.parse().unwrap());
    let mut commands = 0;
    for seed in 0..runs {
        let mut rng = Rng::new(seed);
        let nodes = [3, 3, 5, 4, 2][seed as usize % 5];
        let mut sim = faulty_cluster::<A>(nodes, seed);
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
        for down in 0..rng.below((nodes - 1) / 2 + 1) {
            sim.crash(NodeId(1 + (seed + down) % nodes));
        }
        sim.run_until_settled(Duration::from_secs(60)).unwrap();
        let shown = commit_one_more(&mut sim, seed);
        let running: Vec<NodeId> = sim.nodes();
        let running = running.into_iter().filter(|&node| sim.is_running(node));
        let running: Vec<u64> = running.map(|node| node.0).collect();
        let know_all = |sim: &Simulation<A>| {
            let count = sim.committed_entries().len();
            let mut nodes = running.iter();
            nodes.all(|&node| committed(sim, node).len() == count)
        };
        for _ in 0..100 {
            // A new leader may have committed an entry a moment ago.
            if !know_all(&sim) {
                sim.run_for(Duration::from_millis(100));
            }
        }
        assert!(
            know_all(&sim),
            "seed {seed}: a node does not learn what is committed"
        );
        commands += requests(&shown).len();
    }
    println!("{commands} commands were committed in {runs} runs");
    assert!(commands > 0);
}
