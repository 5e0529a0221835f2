//! Changes of the members, in the simulator.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue must stop")]

mod changes;
mod churn;

use std::time::Duration;

use elector_core::{Command, MembersChange, NodeId, NodeSet, quorum::Reseat};
use elector_members::{Members, Roster};
use elector_sim::{Setup, Simulation};

/// Creates a cluster of the nodes `1..=nodes`, of which `1..=voters` are voters.
fn cluster<A: Reseat>(nodes: u64, voters: u64, seed: u64) -> Simulation<Members<A>> {
    let mut setup = Setup::<Members<A>>::new(nodes);
    setup.seed = seed;
    setup.config.first = (1..=voters).map(NodeId).collect();
    Simulation::new(setup)
}

fn ids(nodes: &[u64]) -> NodeSet {
    nodes.iter().copied().map(NodeId).collect()
}

fn change(goal: &[u64]) -> Command {
    Command::ChangeMembers(MembersChange {
        goal: ids(goal),
        ..MembersChange::default()
    })
}

/// Returns the leader once all nodes agree on it.
fn elected<A: Reseat>(sim: &mut Simulation<Members<A>>) -> NodeId {
    let settled = sim.run_until_settled(Duration::from_secs(30));
    settled.unwrap();
    sim.leader().unwrap()
}

/// Runs until all running nodes have a complete roster of these voters.
fn run_until_voters<A: Reseat>(sim: &mut Simulation<Members<A>>, voters: &[u64]) -> Duration {
    let (began, voters) = (sim.now_ns(), ids(voters));
    let has = |roster: &Roster| {
        let present: NodeSet = roster.voters.iter().map(|voter| voter.node).collect();
        present == voters && !roster.is_changing()
    };
    for _ in 0..60_000 {
        let mut running = sim
            .nodes()
            .into_iter()
            .filter_map(|node| sim.algorithm(node));
        if running.all(|node| has(node.roster())) {
            return Duration::from_nanos(sim.now_ns() - began);
        }
        sim.run_for(Duration::from_millis(1));
    }
    let rosters: Vec<_> = sim
        .nodes()
        .into_iter()
        .map(|node| sim.algorithm(node).map(Members::roster))
        .collect();
    panic!("the change does not complete: {rosters:#?}");
}
