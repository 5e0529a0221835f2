use std::{
    path::{Path, PathBuf},
    process::Command,
};

use clap::ValueEnum;
use serde_json::Value;

use crate::{host::Host, switch::Switch};

/// A system under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum System {
    /// `elector run`, with its defaults
    Elector,
    /// `elector run --profile lan`
    Lan,
    /// etcd with its defaults
    Etcd,
}

/// What one member reports about its cluster in its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MemberStatus {
    pub(crate) term: u64,
    /// The id of the leader, in the numbering of the system itself.
    pub(crate) leader: u64,
    /// The member's own id.
    pub(crate) me: u64,
}

impl System {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Elector => "elector",
            Self::Lan => "elector, lan",
            Self::Etcd => "etcd",
        }
    }

    /// Requests the status of the member that runs in the namespace of the calling thread.
    ///
    /// Returns `None` if the member does not answer or knows no leader.
    pub(crate) fn request_status(self, agent: &ureq::Agent) -> Option<MemberStatus> {
        let answer = match self {
            Self::Elector | Self::Lan => agent.get("http://127.0.0.1:7200/v1/status").call(),
            Self::Etcd => agent
                .post("http://127.0.0.1:2379/v3/maintenance/status")
                .send("{}"),
        };
        let text = answer.ok()?.body_mut().read_to_string().ok()?;
        let status: Value = serde_json::from_str(&text).ok()?;
        let number = |value: &Value| match value {
            Value::String(text) => text.parse().ok(),
            value => value.as_u64(),
        };
        let member = match self {
            Self::Elector | Self::Lan => MemberStatus {
                term: number(&status["epoch"])?,
                leader: number(&status["leader"])?,
                me: number(&status["node"])?,
            },
            Self::Etcd => MemberStatus {
                term: number(&status["raftTerm"])?,
                leader: number(&status["leader"])?,
                me: number(&status["header"]["member_id"])?,
            },
        };
        (member.leader != 0).then_some(member)
    }

    /// Returns the command line that must run once before a member starts for the first time, if
    /// the system has one.
    pub(crate) fn init(self, place: &Place<'_>) -> Option<Command> {
        (self != Self::Etcd).then(|| {
            let mut command = place.elector("node");
            command.arg("--init");
            command
        })
    }

    /// Returns the command line of a member.
    pub(crate) fn member(self, place: &Place<'_>) -> Command {
        match self {
            Self::Elector | Self::Lan => {
                let mut command = place.elector("run");
                command.args(["--http", "127.0.0.1:7200"]);
                if self == Self::Lan {
                    command.args(["--profile", "lan"]);
                }
                // The leader runs this program (`elector-field witness`) as its command.
                let witness = std::env::current_exe().unwrap_or_else(|_| "elector-field".into());
                command
                    .arg("--")
                    .arg(witness)
                    .arg("witness")
                    .arg(place.folder);
                command
            }
            Self::Etcd => {
                let mut command = place.host().command("etcd");
                let members =
                    place.join_members(|id, host| format!("{id}=http://{}:2380", host.address));
                let peer = format!("http://{}:2380", place.host().address);
                command
                    .args(["--name", &place.id().to_string()])
                    .arg("--data-dir")
                    .arg(place.data())
                    .args(["--listen-peer-urls", &peer])
                    .args(["--initial-advertise-peer-urls", &peer])
                    .args(["--listen-client-urls", "http://127.0.0.1:2379"])
                    .args(["--advertise-client-urls", "http://127.0.0.1:2379"])
                    .args(["--initial-cluster", &members])
                    .args(["--initial-cluster-state", "new", "--logger", "zap"])
                    .args(["--log-level", "warn"]);
                command
            }
        }
    }
}

/// What the command line of one member needs: the member's host and its files.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    pub(crate) switch: &'a Switch,
    /// The index of the host of the member in the switch.
    pub(crate) index: usize,
    /// The folder that all members write into.
    pub(crate) folder: &'a Path,
    /// The path of the program `elector`.
    pub(crate) elector: &'a Path,
}

impl Place<'_> {
    fn id(&self) -> usize {
        self.index + 1
    }

    fn host(&self) -> &Host {
        &self.switch.hosts[self.index]
    }

    fn data(&self) -> PathBuf {
        self.folder.join(format!("data-{}", self.id()))
    }

    /// Calls `word` for each member, and joins the results with commas.
    fn join_members(&self, word: impl Fn(usize, &Host) -> String) -> String {
        let hosts = self.switch.hosts.iter().enumerate();
        let words: Vec<_> = hosts.map(|(index, host)| word(index + 1, host)).collect();
        words.join(",")
    }

    fn elector(&self, subcommand: &str) -> Command {
        let mut command = self.host().command(&self.elector.to_string_lossy());
        let peers = self.join_members(|id, host| format!("{id}={}:7100", host.address));
        command
            .args([
                subcommand,
                "--id",
                &self.id().to_string(),
                "--peers",
                &peers,
            ])
            .arg("--plaintext-beyond-loopback")
            .arg("--data-dir")
            .arg(self.data());
        command
    }
}
