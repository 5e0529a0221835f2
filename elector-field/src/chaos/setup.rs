use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use clap::ValueEnum;

use crate::host::Host;

/// The HTTP address of each node, in the namespace of the node.
pub(super) const HTTP: &str = "127.0.0.1:7200";

const NODE_PORT: u16 = 7100;
const PROXY_PORT: u16 = 7000;

/// The grace: the time from SIGTERM to SIGKILL for the command that a leader runs, in milliseconds.
/// In trials, commands ignore SIGTERM, so each command uses all of the grace.
const GRACE_MS: &str = "30";

/// How long a node that ends may wait for a successor, in milliseconds. The time must be limited,
/// because there may be no majority that can elect a successor.
const LEAVE_MS: &str = "1000";

/// An algorithm with a quorum guarantee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Algorithm {
    Raft,
    Paxos,
}

/// The durations of leases, elections and faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Pace {
    /// One fifth of the default durations, for many faults in a short time
    Quick,
    /// The default durations
    Default,
    /// The durations of `--profile lan`: on a busy machine commands outlive such short leases
    Lan,
    /// A long lease: guardians have a second to kill the command, and are in time on an overloaded
    /// machine
    Patient,
}

/// What all nodes of one cluster have in common.
#[derive(Debug)]
pub(super) struct Setup<'a> {
    pub(super) elector: &'a Path,
    pub(super) algorithm: Algorithm,
    /// More arguments for each node.
    pub(super) with: &'a [String],
    /// The folder that all nodes of the cluster write into.
    pub(super) folder: &'a Path,
    pub(super) hosts: &'a [Host],
}

impl Algorithm {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Raft => "raft",
            Self::Paxos => "paxos",
        }
    }
}

impl Pace {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Default => "default",
            Self::Lan => "lan",
            Self::Patient => "patient",
        }
    }

    pub(super) fn lease(self) -> Duration {
        Duration::from_millis(match self {
            Self::Quick => 160,
            Self::Default => 800,
            Self::Patient => 1500,
            Self::Lan => 25,
        })
    }

    /// Returns the text of the settings file.
    pub(super) fn settings(self) -> &'static str {
        match self {
            Self::Quick => {
                "[timing]\nheartbeat_ms = 20\nlease_ms = 160\nelection_min_ms = 240\n\
                 election_max_ms = 480\nround_trip_ms = 50\n\
                 [run]\nmargin_ms = 20\nloss_grace_ms = 10\n"
            }
            Self::Default => "profile = \"default\"\n",
            Self::Lan => "profile = \"lan\"\n",
            Self::Patient => {
                "[timing]\nheartbeat_ms = 100\nlease_ms = 1500\nelection_min_ms = 2000\n\
                 election_max_ms = 3000\nround_trip_ms = 200\n\
                 [run]\nmargin_ms = 1000\nloss_grace_ms = 100\n"
            }
        }
    }
}

impl Setup<'_> {
    /// Returns `true` if this node has a proxy. Every second node has one, because trials need
    /// nodes with and without a proxy.
    pub(super) fn has_proxy(index: usize) -> bool {
        index.is_multiple_of(2)
    }

    pub(super) fn data(&self, index: usize, disk: Option<&Path>) -> PathBuf {
        let folder = || self.folder.join(format!("node-{}", index + 1));
        disk.map_or_else(folder, Path::to_owned).join("data")
    }

    /// Returns the command line of the proxy in front of a node.
    pub(super) fn proxy(&self, index: usize) -> Command {
        let address = self.hosts[index].address;
        let mut command = Command::new(Self::own_program());
        command.args([
            "relay",
            &format!("{address}:{PROXY_PORT}"),
            &format!("{address}:{NODE_PORT}"),
        ]);
        command
    }

    /// Returns the command line that formats the data folder of a node.
    pub(super) fn init(&self, index: usize, data: &Path) -> Command {
        let mut command = self.base_command("node", index, data);
        command.arg("--init");
        command
    }

    /// Returns the command line of a node. The command that the node runs while it leads ignores
    /// SIGTERM.
    pub(super) fn node(&self, index: usize, data: &Path) -> Command {
        let listen = format!("{}:{NODE_PORT}", self.hosts[index].address);
        let mut command = self.base_command("run", index, data);
        command
            .args(["--listen", &listen, "--http", HTTP])
            .args(["--grace-ms", GRACE_MS, "--leave-ms", LEAVE_MS])
            .args(self.with)
            .args(["--", "env", "--ignore-signal=TERM"])
            .arg(Self::own_program())
            .arg("witness")
            .arg(self.folder);
        command
    }

    fn base_command(&self, subcommand: &str, index: usize, data: &Path) -> Command {
        let address = |(index, host): (usize, &Host)| {
            let port = if Self::has_proxy(index) {
                PROXY_PORT
            } else {
                NODE_PORT
            };
            format!("{}={}:{port}", index + 1, host.address)
        };
        let peers: Vec<_> = self.hosts.iter().enumerate().map(address).collect();
        let mut command = Command::new(self.elector);
        command
            .args([subcommand, "--id", &(index + 1).to_string()])
            .args(["--peers", &peers.join(","), "--plaintext-beyond-loopback"])
            .args(["--algorithm", self.algorithm.name()])
            .args(["--log-format", "json"])
            .arg("--config")
            .arg(self.folder.join("settings.toml"))
            .arg("--data-dir")
            .arg(data);
        command
    }

    /// Returns the path of this program. The proxy and the command that a leader runs are this
    /// program too.
    fn own_program() -> PathBuf {
        env::current_exe().unwrap_or_else(|_| "elector-field".into())
    }
}
