use elector_check::CheckConfig;
use elector_core::{MembersChange, NodeId};

use super::{
    LabError, args,
    registry::{self, Entry, Explorer},
};
use crate::Cli;

/// The default number of commands in a search whose members change: one command adds the last node
/// as a voter, and one removes node 2.
pub(super) const COMMANDS: u32 = 2;

/// The default number of nodes in walks (random runs of the model checker) whose members change.
/// With four nodes, two of the three first voters can elect a leader, which then adds the fourth
/// node.
const NODES_OF_WALKS: u64 = 4;

/// Returns the variant for the model checker: with members that change if the option `--members`
/// is set.
///
/// # Errors
/// If `--members` is set, but the members of the algorithm are fixed, or there is only one node.
pub(super) fn explorer<'a>(
    cli: &Cli,
    entry: &'a Entry,
    options: &args::Check,
) -> Result<&'a Explorer, LabError> {
    if !options.members {
        return Ok(&entry.explorer);
    }
    let Some(changing) = &entry.changing else {
        let option = "--members".to_owned();
        return Err(registry::fixed_members(&cli.families, option, entry));
    };
    match options.nodes {
        Some(..2) => Err(LabError::TooFewToChange),
        Some(_) | None => Ok(changing),
    }
}

/// Returns the number of nodes for walks (random runs of the model checker), and the changes of the
/// members that a walk may command: with `--members`, one change to each possible set of voters.
pub(super) fn for_walks(options: &args::Check) -> (Option<u64>, Vec<MembersChange>) {
    if !options.members {
        return (options.nodes, Vec::new());
    }
    let nodes = options.nodes.unwrap_or(NODES_OF_WALKS);
    let sets = (1..1_u64 << nodes).map(|set| change(nodes, |node| set >> (node - 1) & 1 == 1));
    (Some(nodes), sets.collect())
}

/// Returns the changes of the members that a search may command: one makes all nodes voters, and
/// one makes all nodes but node 2 voters.
pub(super) fn for_search(nodes: u64) -> Vec<MembersChange> {
    vec![change(nodes, |_| true), change(nodes, |node| node != 2)]
}

/// Returns a line about the changes of the members in a search. Returns an empty text if the
/// members are fixed.
pub(super) fn described<C>(config: &CheckConfig<C>) -> String {
    if config.changes.is_empty() {
        return String::new();
    }
    let first = change(config.nodes, |node| node < config.nodes);
    let goals: Vec<String> = config.changes.iter().map(ToString::to_string).collect();
    format!(
        "first voters {first}; commands change the voters to {}\n",
        goals.join(" or to ")
    )
}

fn change(nodes: u64, votes: impl Fn(u64) -> bool) -> MembersChange {
    let goal = (1..=nodes).filter(|&node| votes(node)).map(NodeId);
    MembersChange::to(goal.collect())
}
