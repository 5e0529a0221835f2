use std::{fmt::Write as _, path::PathBuf};

use clap::{Args, Subcommand};
use elector_core::NodeId;
use elector_net::certs;

use super::error::ClientError;
use crate::{args::within, output};

/// The maximum value of `--nodes`.
const MAX_NODES: u64 = 1_000;

/// The subcommands of `elector certs`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Certs {
    /// Make a private CA and a certificate for each node: for development and private clusters
    Dev(Dev),
}

/// The arguments of `elector certs dev`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  elector certs dev --nodes 3 --out certs
  elector certs dev --nodes 5 --out certs --cluster billing --days 90
  elector certs dev --add 4 --out certs                 one more node, with the CA in certs

To renew the certificate of node 2, move its two files out of the folder and use --add 2. A running
node reads new files without a restart. Certificates of another CA work as well: the one of node 3
needs the DNS name node-3.elector.internal and the extended key usages serverAuth and clientAuth.
Exit code: 0 success; 2 nothing was written.")]
pub(crate) struct Dev {
    /// The number of nodes; their ids start at 1
    #[arg(long, value_name = "N", required_unless_present = "add", value_parser = nodes)]
    nodes: Option<u64>,
    /// Add certificates for the nodes with these ids, made with the CA in the folder --out
    #[arg(
        long,
        value_name = "ID,…",
        value_delimiter = ',',
        conflicts_with_all = ["nodes", "cluster"]
    )]
    add: Vec<u64>,
    /// The folder for the files; existing files are not overwritten
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The name of the cluster; it becomes part of the name of the CA
    #[arg(long, value_name = "NAME", default_value = "elector")]
    cluster: String,
    /// How many days the certificates of the nodes are valid
    #[arg(
        long,
        value_name = "DAYS",
        default_value = "365",
        value_parser = clap::value_parser!(u32).range(1..=i64::from(certs::MOST_DAYS))
    )]
    days: u32,
}

/// Carries out `elector certs`.
///
/// # Errors
/// If certificates exist already, or if they cannot be made or written.
pub(super) fn certs(command: &Certs) -> Result<(), ClientError> {
    let Certs::Dev(options) = command;
    let folder = &options.out;
    let nodes: Vec<NodeId> = match options.nodes {
        Some(nodes) => (1..=nodes).map(NodeId).collect(),
        None => options.add.iter().copied().map(NodeId).collect(),
    };
    let written = if options.nodes.is_some() {
        certs::write_dev(folder, &options.cluster, &nodes, options.days)?
    } else {
        certs::add_dev(folder, &nodes, options.days)?
    };
    Ok(output::print(&report(options, &nodes, &written))?)
}

fn report(options: &Dev, nodes: &[NodeId], written: &[PathBuf]) -> String {
    let (adding, folder) = (options.nodes.is_none(), options.out.display());
    let mut text = format!("Wrote these files, valid for {} days:\n", options.days);
    for path in written {
        let _ = writeln!(text, "  {}", path.display());
    }
    let _ = write!(
        text,
        "\nKeep {folder}/ca.key.pem away from the nodes, offline if possible: with this key, \
         anyone can act as any node.\nThis CA is for development and private clusters. It cannot \
         revoke certificates.\n\n"
    );
    let first = nodes
        .first()
        .map_or_else(|| "1".to_owned(), NodeId::to_string);
    let shown = nodes.iter().take(3).map(|id| format!("{id}=HOST:PORT"));
    let shown: Vec<_> = shown.collect();
    let (peers, all) = match (adding, nodes.len() > shown.len()) {
        (true, _) => (
            "ID=HOST:PORT,…".to_owned(),
            " (--peers lists all nodes, on all of them; --init is for the first start of all)",
        ),
        (false, true) => (format!("{},…", shown.join(",")), ""),
        (false, false) => (shown.join(","), ""),
    };
    let _ = write!(
        text,
        "Next, copy ca.pem and its own two files to each node, and start it{all}. Node {first}:\n  \
         elector node --id {first} --peers {peers} --data-dir DIR --init --tls-dir {folder}\n"
    );
    if adding {
        let _ = write!(
            text,
            "A node that joins a running cluster of raft or paxos:\n  elector node --id {first} \
             --join ID=HOST:PORT --listen :PORT --data-dir DIR --tls-dir {folder}\n"
        );
    }
    text
}

fn nodes(text: &str) -> Result<u64, String> {
    within(text, MAX_NODES, "a cluster has at least 1 node")
}
