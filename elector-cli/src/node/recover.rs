//! `elector recover`: makes a node the only voter after a majority of the voters was lost.

use std::path::PathBuf;

use clap::Args;

use super::{error::ServeError, record::algorithm_of};
use crate::{family::Family, output};

/// The arguments of `elector recover`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Use this only if a majority of the voters is lost permanently: their machines or their disks. If
they can be started again, start them instead.

 1. Stop all nodes of the cluster that still run. If a node of the old cluster runs on, two leaders
    can act at the same time.
 2. Choose one node to keep, the one with the highest epoch: `elector record show DIR...`.
 3. Run this command on its data folder, and start the node. It leads alone.
 4. On each other node: delete its data folder, and start it with `elector node --join`. Then add
    all of them with `elector members add`.

Fencing tokens keep rising: the epoch rises by 2^32, so that it is above each epoch in which a lost
node may have led. Nodes with records from before the recovery are rejected.")]
pub(crate) struct Recover {
    /// Make this node the only voter
    #[arg(long, required = true)]
    as_sole_voter: bool,
    /// Confirm that no other node of the cluster runs
    #[arg(long, required = true)]
    i_have_stopped_the_others: bool,
    /// The data folder of the node
    #[arg(long, value_name = "DIR", env = "ELECTOR_DATA_DIR")]
    data_dir: PathBuf,
}

/// Carries out `elector recover`.
///
/// # Errors
/// If the folder is in use, if the algorithm of its record has fixed members, or if the folder
/// cannot be written.
pub(super) fn recover(families: &[Family], recover: &Recover) -> Result<(), ServeError> {
    let folder = &recover.data_dir;
    let recovery = algorithm_of(families, folder)?.recover(folder)?;
    let node = recovery.identity.node;
    Ok(output::print(&format!(
        "Node {node} is the only voter now. Its epoch is {}, before it was {}.\n\
         Start it. Then delete the data folders of all other nodes, start them with `elector node \
         --join {node}=HOST:PORT`, and add them with `elector members add`.\n",
        recovery.epoch, recovery.before,
    ))?)
}
