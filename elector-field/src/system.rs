use std::{
    path::{Path, PathBuf},
    process::Command,
};

use clap::ValueEnum;
use serde_json::Value;

use crate::{host::Host, switch::Switch};

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum System {
    /// `elector run`, with its defaults
    Elector,
    /// `elector run --profile lan`
    Lan,
    /// etcd with its defaults
    Etcd,
}

/// What one member says of its cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Belief {
    pub(crate) term: u64,
    /// By the number that the system itself gives it.
    pub(crate) leader: u64,
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

    /// Asks the member on this host, from inside its namespace.
    pub(crate) fn ask(self, agent: &ureq::Agent) -> Option<Belief> {
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
        let belief = match self {
            Self::Elector | Self::Lan => Belief {
                term: number(&status["epoch"])?,
                leader: number(&status["leader"])?,
                me: number(&status["node"])?,
            },
            Self::Etcd => Belief {
                term: number(&status["raftTerm"])?,
                leader: number(&status["leader"])?,
                me: number(&status["header"]["member_id"])?,
            },
        };
        (belief.leader != 0).then_some(belief)
    }

    /// What must be done once before a member first starts; `None`: nothing.
    pub(crate) fn init(self, place: &Place<'_>) -> Option<Command> {
        (self != Self::Etcd).then(|| {
            let mut command = place.elector("node");
            command.arg("--init");
            command
        })
    }

    pub(crate) fn member(self, place: &Place<'_>) -> Command {
        match self {
            Self::Elector | Self::Lan => {
                let mut command = place.elector("run");
                command.args(["--http", "127.0.0.1:7200"]);
                if self == Self::Lan {
                    command.args(["--profile", "lan"]);
                }
                // The command is this very program.
                let me = std::env::current_exe().unwrap_or_else(|_| "elector-field".into());
                command.arg("--").arg(me).arg("witness").arg(place.folder);
                command
            }
            Self::Etcd => {
                let mut command = place.host().command("etcd");
                let members = place.each(|id, host| format!("{id}=http://{}:2380", host.address));
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

/// Where one member runs.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    pub(crate) switch: &'a Switch,
    /// Which of the hosts, counted from 0.
    pub(crate) index: usize,
    /// What all members write into.
    pub(crate) folder: &'a Path,
    /// The program.
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

    /// One word for each member, with commas between them.
    fn each(&self, word: impl Fn(usize, &Host) -> String) -> String {
        let hosts = self.switch.hosts.iter().enumerate();
        let words: Vec<_> = hosts.map(|(index, host)| word(index + 1, host)).collect();
        words.join(",")
    }

    fn elector(&self, what: &str) -> Command {
        let mut command = self.host().command(&self.elector.to_string_lossy());
        let peers = self.each(|id, host| format!("{id}={}:7100", host.address));
        command
            .args([what, "--id", &self.id().to_string(), "--peers", &peers])
            .arg("--plaintext-beyond-loopback")
            .arg("--data-dir")
            .arg(self.data());
        command
    }
}
