//! `elector record`: shows and changes the data folders of stopped nodes.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use elector_core::{Epoch, NodeId};
use elector_net::{FileStorage, ListChange, StoppedNode};

use super::{
    erased::{self, ErasedAlgorithm},
    error::ServeError,
};
use crate::{
    family::Family,
    output::{self, ids},
};

/// The subcommands of `elector record`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Record {
    /// Show the list of nodes and the highest epoch in data folders of stopped nodes
    Show(Show),
    /// Change the list of nodes in data folders of stopped nodes, under Bully and Ring
    #[command(after_help = "\
Under Raft and Paxos, the members change while the cluster runs: use `elector members`.

To change the list, for example from nodes 1,2,3 to nodes 1,2,3,4,5:
 1. Stop all nodes. None may run until all are changed: with two lists, two leaders can be elected.
 2. Create the folders of new nodes: `elector node --init`, with the new list.
 3. Run `elector record show` on the folders of all nodes, and note the highest epoch and the
    highest generation of all nodes, for example 12 and 1.
 4. On the folder of each node of the new list, old or new:
      elector record set --nodes 1,2,3,4,5 --generation 2 --epoch-floor 12 DIR
 5. Start all nodes with the new list in --peers. Nodes that were not changed are rejected.
 6. Delete the folders of nodes that are not in the list any more.

A node whose disk was lost is replaced in the same way, by a node with a new id.")]
    Set(Set),
    /// Forget the disk of a peer, in the data folder of a stopped node
    #[command(after_help = "\
When a node first accepts a peer, it stores the disk id of that peer. From then on, it rejects other
disks under the same node id. Use this only if the wrong disk was accepted, for example after a
mistyped address. Under Bully and Ring, a node that has lost its disk is replaced by a node with a
new id, see `elector record set --help`. Under Raft and Paxos, use `elector members readmit`.")]
    Forget(Forget),
}

/// The arguments of `elector record show`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Show {
    /// The data folders to show
    #[arg(value_name = "DIR", required = true)]
    folders: Vec<PathBuf>,
}

/// The arguments of `elector record set`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Set {
    /// The ids of all nodes from now on
    #[arg(long, value_name = "ID,…", value_delimiter = ',', required = true)]
    nodes: Vec<u64>,
    /// The generation (the number) of the new list: one more than the highest generation that
    /// `elector record show` prints for the data folders of all nodes
    #[arg(long, value_name = "N")]
    generation: u64,
    /// The highest epoch that `elector record show` prints for the data folders of all nodes, old
    /// and new. Epochs and fencing tokens continue from there
    #[arg(long, value_name = "EPOCH")]
    epoch_floor: u64,
    /// The data folders to change
    #[arg(value_name = "DIR", required = true)]
    folders: Vec<PathBuf>,
}

/// The arguments of `elector record forget`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Forget {
    /// The id of the peer whose disk is forgotten
    #[arg(long, value_name = "ID")]
    node: u64,
    /// The data folder of the stopped node
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Carries out `elector record`.
///
/// # Errors
/// If a folder cannot be read or changed. The folders that precede this folder in the list are
/// changed already.
pub(super) fn record(families: &[Family], command: Record) -> Result<(), ServeError> {
    let text = match command {
        Record::Show(show) => shown(families, &show.folders)?,
        Record::Set(set) => changed(families, set)?,
        Record::Forget(forget) => forgotten(&forget)?,
    };
    Ok(output::print(&text)?)
}

fn shown(families: &[Family], folders: &[PathBuf]) -> Result<String, ServeError> {
    let mut text = String::new();
    let mut nodes = BTreeMap::new();
    for folder in folders {
        let stopped = algorithm_of(families, folder)?.stopped(folder)?;
        let StoppedNode {
            identity,
            roster,
            epoch,
            members,
            ..
        } = &stopped;
        let _ = writeln!(
            text,
            "{}: {identity}\n  epoch       {epoch}",
            folder.display()
        );
        let _ = match (roster, members) {
            (Some(roster), Some(members)) => writeln!(
                text,
                "  voters      {}\n  roster      {}\n  disk        {}",
                ids(&members.voters()),
                members.roster,
                roster.disk
            ),
            (Some(roster), None) => writeln!(
                text,
                "  nodes       {}\n  generation  {}\n  disk        {}",
                ids(&roster.nodes),
                roster.generation,
                roster.disk
            ),
            (None, _) => writeln!(
                text,
                "  nodes       not stored (older format): set by the next start"
            ),
        };
        nodes.insert(identity.node, stopped);
    }
    let epoch = nodes.values().map(|node| node.epoch).max();
    let generation = nodes.values().filter_map(|node| node.roster.as_ref());
    let generation = generation.map(|roster| roster.generation).max();
    let _ = writeln!(text, "highest epoch       {}", epoch.unwrap_or_default());
    if nodes.values().all(|node| node.members.is_none()) {
        let _ = writeln!(text, "highest generation  {}", generation.unwrap_or(0));
        text.push_str(&missing(&nodes));
    }
    Ok(text)
}

/// Returns a line with the nodes that are in the newest list of nodes, and not among the nodes in
/// `shown`. The highest epoch of the cluster is not known before the folders of these nodes are
/// shown.
fn missing(shown: &BTreeMap<NodeId, StoppedNode>) -> String {
    let rosters = shown.values().filter_map(|node| node.roster.as_ref());
    let Some(newest) = rosters.max_by_key(|roster| roster.generation) else {
        return String::new();
    };
    let others = newest.nodes.iter().filter(|node| !shown.contains_key(node));
    let others: Vec<NodeId> = others.copied().collect();
    match others.as_slice() {
        [] => String::new(),
        others => format!(
            "Not shown: nodes {}. Show their folders too, and take the highest epoch of all.\n",
            ids(others)
        ),
    }
}

fn changed(families: &[Family], set: Set) -> Result<String, ServeError> {
    let change = ListChange {
        nodes: set.nodes.into_iter().map(NodeId).collect(),
        generation: set.generation,
        floor: Epoch(set.epoch_floor),
    };
    let mut text = String::new();
    for folder in &set.folders {
        let result = match algorithm_of(families, folder)?.change(folder, &change)? {
            true => "changed",
            false => "already changed",
        };
        let _ = writeln!(text, "{}: {result}", folder.display());
    }
    Ok(text)
}

fn forgotten(forget: &Forget) -> Result<String, ServeError> {
    let forgotten = FileStorage::forget(&forget.folder, forget.node)?;
    Ok(match forgotten {
        Some(disk) => format!("node {}: the disk {disk} is forgotten\n", forget.node),
        None => format!("node {}: no disk was stored\n", forget.node),
    })
}

/// Returns the algorithm of the node to which this data folder belongs.
pub(super) fn algorithm_of<'a>(
    families: &'a [Family],
    folder: &Path,
) -> Result<&'a dyn ErasedAlgorithm, ServeError> {
    let identity = FileStorage::inspect(folder)?.identity;
    erased::named(families, Some(&identity.algorithm))
}
