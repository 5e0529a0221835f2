//! Tests changes of the members, in the simulator and in the model checker.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue must stop")]

mod changes;
mod churn;
mod search;
mod unchanged;
mod walks;

use std::time::Duration;

use elector_core::{Command, MembersChange, NodeId, NodeSet, quorum::Reseat};
use elector_members::{Members, Roster};
use elector_sim::{Setup, Simulation};

/// Returns the setup of the nodes `1..=nodes`, of which `1..=voters` are voters.
fn setup<A: Reseat>(nodes: u64, voters: u64, seed: u64) -> Setup<Members<A>> {
    let mut setup = Setup::<Members<A>>::new(nodes);
    setup.seed = seed;
    setup.config.first = (1..=voters).map(NodeId).collect();
    setup
}

fn cluster<A: Reseat>(nodes: u64, voters: u64, seed: u64) -> Simulation<Members<A>> {
    Simulation::new(setup(nodes, voters, seed))
}

fn ids(nodes: &[u64]) -> NodeSet {
    nodes.iter().copied().map(NodeId).collect()
}

fn change(goal: &[u64]) -> Command {
    Command::ChangeMembers(MembersChange::to(ids(goal)))
}

/// Runs until all voters of the leader's roster follow the leader, and returns the leader.
/// Observers need not follow it: an observer that was a voter may be in a higher epoch, and its
/// view has no leader until the epoch of the cluster is as high.
fn elected<A: Reseat>(sim: &mut Simulation<Members<A>>) -> NodeId {
    for _ in 0..30_000 {
        if let Some(leader) = sim.leader()
            && sim.algorithm(leader).is_some_and(|node| {
                let view = sim.view(leader);
                let voters = &node.roster().voters;
                let follows = |voter: NodeId| sim.view(voter).tenure() == view.tenure();
                voters.iter().all(|voter| follows(voter.node))
            })
        {
            return leader;
        }
        sim.run_for(Duration::from_millis(1));
    }
    panic!("no leader: {}", state(sim));
}

/// Runs until all running nodes have a roster with exactly these voters, and without a change in
/// progress. Returns how long this took, in virtual time.
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
    panic!("the change does not complete: {}", state(sim));
}

/// Returns the views and the rosters of all nodes.
fn state<A: Reseat>(sim: &Simulation<Members<A>>) -> String {
    let nodes = sim.nodes().into_iter();
    let lines = nodes.map(|node| {
        let roster = sim.algorithm(node).map(Members::roster);
        format!("\n{node}: {:?} {roster:?}", sim.view(node))
    });
    lines.collect()
}
