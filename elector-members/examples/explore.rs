//! Looks for violations of the invariants while the members of a cluster change.
//!
//! ```text
//! cargo run --release -p elector-members --example explore -- walks raft 1000000
//! cargo run --release -p elector-members --example explore -- search paxos 10000000
//! ```
//!
//! `walks` does random walks with leases and time: four nodes, of which three vote at the
//! beginning, and changes to any set of voters. `search` follows every order of events of three
//! nodes, of which two vote at the beginning: two elections, one crash, one voter added and one
//! removed. The last argument is the number of walks, or the limit of different states. The exit
//! code is 1 if there is a violation.

use std::{env, error::Error, process::ExitCode};

use elector_check::{Check, CheckConfig, Walks};
use elector_core::{Comparable, MembersChange, NodeId, NodeSet, quorum::Reseat};
use elector_members::{Members, MembersConfig};
use elector_paxos::Paxos;
use elector_raft::Raft;

type Result = std::result::Result<bool, Box<dyn Error>>;

fn main() -> std::result::Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let clean = match arguments[..] {
        ["walks", "raft", walks] => walk::<Raft>(walks.parse()?)?,
        ["walks", "paxos", walks] => walk::<Paxos>(walks.parse()?)?,
        ["search", "raft", states] => search::<Raft>(states.parse()?)?,
        ["search", "paxos", states] => search::<Paxos>(states.parse()?)?,
        _ => return Err("give: walks|search raft|paxos NUMBER".into()),
    };
    Ok(if clean {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn change(goal: &[u64]) -> MembersChange {
    MembersChange::to(goal.iter().copied().map(NodeId).collect())
}

fn config<A: Reseat>(algorithm: A::Config, voters: u64) -> MembersConfig<A::Config> {
    MembersConfig {
        algorithm,
        first: (1..=voters).map(NodeId).collect::<NodeSet>(),
        ..MembersConfig::default()
    }
}

/// Does this number of walks with each variant.
fn walk<A: Reseat + Comparable>(number: u64) -> Result {
    const NODES: u64 = 4;
    let goals = (1..1_u64 << NODES).map(|mask| {
        let goal = (1..=NODES).filter(|node| mask >> (node - 1) & 1 == 1);
        change(&goal.collect::<Vec<_>>())
    });
    let goals: Vec<MembersChange> = goals.collect();
    let mut clean = true;
    for variant in A::variants() {
        let mut walks = Walks::<Members<A>>::new(config::<A>(variant.config, 3));
        (walks.nodes, walks.walks) = (Some(NODES), number);
        walks.changes.clone_from(&goals);
        let report = walks.run()?;
        println!("{}: {report}", variant.name);
        clean &= report.is_clean();
    }
    Ok(clean)
}

/// Searches up to this number of different states of the default configuration.
fn search<A: Reseat>(states: usize) -> Result {
    let check = Check::<Members<A>>::new(CheckConfig {
        config: config::<A>(A::Config::default(), 2),
        max_epoch: 2,
        crashes: 1,
        commands: 2,
        changes: vec![change(&[1, 2, 3]), change(&[1, 3])],
        timeouts: Some(6),
        max_states: Some(states),
        ..CheckConfig::default()
    });
    let report = check.run()?;
    println!("{report}");
    Ok(report.is_clean())
}
