//! Looks for violations of the invariants while the members of a cluster change.
//!
//! ```text
//! cargo run --release -p elector-members --example explore -- walks raft 1000000
//! cargo run --release -p elector-members --example explore -- search paxos 10000000
//! cargo run --release -p elector-members --example explore -- search raft 0 1 0 1 4
//! ```
//!
//! `walks` does random walks with leases and time: four nodes, of which three vote at the
//! beginning, and changes to any set of voters. `search` follows every order of events of three
//! nodes, of which two vote at the beginning: two elections, one crash, one voter added and one
//! removed. The number is that of the walks, or the limit of different states; 0 means no limit.
//! Four more numbers make the search smaller: the epochs, the crashes, the changes, and how many
//! timers may elapse. The exit code is 1 if there is a violation.

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
        ["search", "raft", ref bounds @ ..] => search::<Raft>(bounds)?,
        ["search", "paxos", ref bounds @ ..] => search::<Paxos>(bounds)?,
        _ => return Err("give: walks|search raft|paxos NUMBER [E C M T]".into()),
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

/// Searches the default configuration within these bounds: the limit of different states, the
/// epochs, the crashes, the changes, and how many timers may elapse.
fn search<A: Reseat>(bounds: &[&str]) -> Result {
    let bounds: Vec<u32> = bounds
        .iter()
        .map(|it| it.parse())
        .collect::<std::result::Result<_, _>>()?;
    let (states, [epochs, crashes, changes, timeouts]) = match bounds[..] {
        [states] => (states, [2, 1, 2, 6]),
        [states, epochs, crashes, changes, timeouts] => {
            (states, [epochs, crashes, changes, timeouts])
        }
        _ => return Err("give a limit of states, and perhaps four more bounds".into()),
    };
    let check = Check::<Members<A>>::new(CheckConfig {
        config: config::<A>(A::Config::default(), 2),
        max_epoch: epochs.into(),
        crashes,
        commands: changes,
        changes: vec![change(&[1, 2, 3]), change(&[1, 3])],
        timeouts: Some(timeouts),
        max_states: (states > 0).then_some(usize::try_from(states)?),
        ..CheckConfig::default()
    });
    let report = check.run()?;
    println!("{report}");
    Ok(report.is_clean())
}
