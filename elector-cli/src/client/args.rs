use std::{path::PathBuf, str::FromStr};

use clap::{Args, Subcommand};
use elector_core::{
    NodeId,
    actor::{Peer, PeerError},
};

const STATUS_HELP: &str = "\
Exit code: 0 the node holds the leadership; 1 it follows another node; 2 it knows no leader; 3 it
could not be queried. With several nodes, the lowest of their codes.";

const STEP_DOWN_HELP: &str = "\
Exit code: 0 the node accepted the command; 1 it refused, and the reason is printed; 3 it could not
be reached.

The token is read from --token-file, or else from ELECTOR_TOKEN. Do not use --token on a machine
with other users: every user can see the arguments of all processes.";

const TRANSFER_HELP: &str = "\
Exit code: 0 the node given by --to leads, or with --no-wait: the command was accepted; 1 it was
refused, and the reason is printed; 2 another node leads; 3 the node at --http could not be reached,
or knows no leader.

The command goes to the node at --http, which must be the leader. This node steps down first, so a
third node may be elected if the node given by --to does not answer. Then this command reads the
status of the node at --http until that node knows a new leader.

The token is read from --token-file, or else from ELECTOR_TOKEN. Do not use --token on a machine
with other users: every user can see the arguments of all processes.";

/// The node to which a command is sent.
#[derive(Clone, Debug, Args)]
pub(crate) struct Target {
    /// The address at which the node serves HTTP (its own --http)
    #[arg(
        long,
        global = true,
        value_name = "ADDR",
        env = "ELECTOR_HTTP",
        default_value = "127.0.0.1:7180",
        value_parser = address
    )]
    pub(crate) http: String,
}

/// The secret that a node requires for a command.
#[derive(Clone, Debug, Args)]
pub(crate) struct Secret {
    /// A file with the bearer token of the node
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// The bearer token itself; the variable `ELECTOR_TOKEN` is safer
    #[arg(
        long,
        value_name = "TOKEN",
        env = "ELECTOR_TOKEN",
        hide_env_values = true
    )]
    pub(crate) token: Option<String>,
}

/// The arguments of `elector status`.
#[derive(Clone, Debug, Args)]
#[command(after_help = STATUS_HELP)]
pub(crate) struct Status {
    /// The address at which the node serves HTTP (its own --http); with --explain, several
    /// addresses, separated by commas
    #[arg(
        long,
        value_name = "ADDR",
        env = "ELECTOR_HTTP",
        default_value = "127.0.0.1:7180",
        value_delimiter = ',',
        value_parser = address
    )]
    pub(crate) http: Vec<String>,
    /// Print the answer of the node as JSON, unchanged
    #[arg(long)]
    pub(crate) json: bool,
    /// Explain in words why there is a leader or not, which peers are reachable, and what the node
    /// waits for
    #[arg(long, conflicts_with = "json")]
    pub(crate) explain: bool,
}

/// The arguments of `elector watch`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
If the connection breaks, this command connects again and prints the events that it has missed.
Events that the node does not store any more are counted. Ctrl-C ends the command.
Exit code: 3 if no node answers at the start.")]
pub(crate) struct Watch {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Print one JSON object per line
    #[arg(long)]
    pub(crate) json: bool,
}

/// The arguments of `elector step-down`.
#[derive(Clone, Debug, Args)]
#[command(after_help = STEP_DOWN_HELP)]
pub(crate) struct StepDown {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) secret: Secret,
}

/// The arguments of `elector transfer`.
#[derive(Clone, Debug, Args)]
#[command(after_help = TRANSFER_HELP)]
pub(crate) struct Transfer {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) secret: Secret,
    /// The id of the node that must lead next
    #[arg(long, value_name = "ID")]
    pub(crate) to: u64,
    /// How long to wait for a new leader, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 30_000)]
    pub(crate) wait_ms: u64,
    /// Do not wait for the new leader
    #[arg(long, conflicts_with = "wait_ms")]
    pub(crate) no_wait: bool,
}

const MEMBERS_HELP: &str = "\
Examples:
  elector members                      who votes, and what a change waits for
  elector members add 4=db4:7100       a node that was started with --join
  elector members remove 3             a machine that does not come back
  elector members add 4 --remove 3     replace node 3 by node 4, in one change
  elector members readmit 3            node 3 has come back with an empty disk
  elector members set 1,2,4

Each change goes to the leader: give the HTTP address of the leader in --http. The command then
waits until the change is complete. A change goes on by itself if this command is interrupted, and
also if the leader changes.

Exit code: 0 the change is complete, or with --no-wait: was accepted; 1 it was refused, and the
reason is printed; 3 the node could not be reached, or the change is not complete within --wait-ms.

The token is read from --token-file, or else from ELECTOR_TOKEN.";

/// The arguments of `elector members`.
#[derive(Clone, Debug, Args)]
#[command(after_help = MEMBERS_HELP)]
pub(crate) struct Members {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Print the answer of the node as JSON, unchanged
    #[arg(long)]
    pub(crate) json: bool,
    /// The change of the members to make. Without a change, the command shows the members
    #[command(subcommand)]
    pub(crate) command: Option<MembersCommand>,
}

/// A subcommand of `elector members`, which changes the members.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum MembersCommand {
    /// Let nodes vote as soon as they have caught up
    Add(AddMembers),
    /// Let nodes vote no longer
    Remove(RemoveMembers),
    /// Let exactly these nodes vote
    Set(SetMembers),
    /// Let a node vote that has come back with an empty disk
    Readmit(ReadmitMember),
}

/// The arguments of `elector members add`.
#[derive(Clone, Debug, Args)]
pub(crate) struct AddMembers {
    /// The nodes to add, with the addresses of those that the cluster does not know yet
    #[arg(value_name = "ID[=HOST:PORT]", required = true, value_delimiter = ',')]
    pub(crate) nodes: Vec<Goal>,
    /// Nodes that vote no longer after the same change
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub(crate) remove: Vec<u64>,
    #[command(flatten)]
    pub(crate) change: Change,
}

/// The arguments of `elector members remove`.
#[derive(Clone, Debug, Args)]
pub(crate) struct RemoveMembers {
    /// The nodes that vote no longer
    #[arg(value_name = "ID", required = true, value_delimiter = ',')]
    pub(crate) nodes: Vec<u64>,
    #[command(flatten)]
    pub(crate) change: Change,
}

/// The arguments of `elector members set`.
#[derive(Clone, Debug, Args)]
pub(crate) struct SetMembers {
    /// All nodes that vote after the change
    #[arg(value_name = "ID[=HOST:PORT]", required = true, value_delimiter = ',')]
    pub(crate) nodes: Vec<Goal>,
    #[command(flatten)]
    pub(crate) change: Change,
}

/// The arguments of `elector members readmit`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ReadmitMember {
    /// The node that has come back
    #[arg(value_name = "ID")]
    pub(crate) node: u64,
    #[command(flatten)]
    pub(crate) change: Change,
}

/// The options of each subcommand that changes the members.
#[derive(Clone, Debug, Args)]
pub(crate) struct Change {
    #[command(flatten)]
    pub(crate) secret: Secret,
    /// Make the change only if the list of members that is in force has this name: the value after
    /// `roster` in `elector members` [default: the list that the node has when this command begins]
    #[arg(long, value_name = "EPOCH.VERSION")]
    pub(crate) if_roster: Option<String>,
    /// If a change is in progress, replace its goal by the goal of this command
    #[arg(long)]
    pub(crate) replace: bool,
    /// How long to wait until the change is complete, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 300_000)]
    pub(crate) wait_ms: u64,
    /// Do not wait until the change is complete
    #[arg(long, conflicts_with = "wait_ms")]
    pub(crate) no_wait: bool,
}

/// A node that votes after a change of the members: its id, and its address if the user gives one.
/// All these nodes together are the goal of the change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Goal(pub(crate) Peer);

impl Goal {
    pub(crate) fn node(&self) -> NodeId {
        self.0.id
    }
}

impl FromStr for Goal {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains('=') {
            let peer: Result<Peer, PeerError> = text.parse();
            return peer.map(Self).map_err(|error| error.to_string());
        }
        let id: Result<u64, _> = text.trim().parse();
        id.map(|id| Self(id.into()))
            .map_err(|_| format!("{text:?} is no node: write ID, or ID=HOST:PORT"))
    }
}

/// Parses `host:port`, with or without `http://` in front.
fn address(text: &str) -> Result<String, String> {
    const FORMAT: &str = "write HOST:PORT, as in 127.0.0.1:7180";
    if text.starts_with("https://") {
        return Err(format!("a node serves HTTP without TLS: {FORMAT}"));
    }
    let bare = text.strip_prefix("http://").unwrap_or(text);
    let bare = bare.strip_suffix('/').unwrap_or(bare);
    let (host, port) = bare.rsplit_once(':').ok_or(FORMAT)?;
    // An IPv6 address must be in brackets. Without brackets, its last part would be taken for a
    // port.
    let is_host = match host.strip_prefix('[') {
        Some(v6) => v6.ends_with(']'),
        None => !host.is_empty() && !host.contains(['/', '@', '?', '#', ' ', ':']),
    };
    if !is_host || port.parse::<u16>().is_err() {
        return Err(FORMAT.to_owned());
    }
    Ok(bare.to_owned())
}

#[cfg(test)]
mod tests {
    use super::address;

    // A user must be able to paste an address from a browser or a log. Any other text must be
    // rejected.
    #[test]
    fn an_address_may_be_a_url() {
        for text in ["[::1]:7180", "http://[::1]:7180/", "http://[::1]:7180"] {
            assert_eq!(address(text).unwrap(), "[::1]:7180");
        }
        assert!(
            address("https://db1:7180")
                .unwrap_err()
                .contains("without TLS")
        );
        for wrong in [
            "",
            "db1",
            "7180",
            ":7180",
            "db1:http",
            "::1:7180",
            "db1:7180/v1",
            "a b:1",
        ] {
            assert!(address(wrong).unwrap_err().contains("HOST:PORT"), "{wrong}");
        }
    }
}
