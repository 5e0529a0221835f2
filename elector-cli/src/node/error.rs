use std::{io, path::PathBuf, time::Duration};

use elector_core::{MembershipError, TimingError, actor::StartError};
use elector_net::{NetError, RecordError, TlsError, http::HttpError};
use thiserror::Error;

use crate::{output::StdoutError, run::RunError};

/// Why a node cannot be run. The message says what to do instead.
#[derive(Debug, Error)]
pub(crate) enum ServeError {
    /// The file of settings cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    ReadFile {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file has what is no setting.
    #[error("{}: {source}", path.display())]
    Settings {
        /// Which.
        path: PathBuf,
        /// What, and in which line.
        source: Box<toml::de::Error>,
    },
    /// A setting that a node cannot do without is missing.
    #[error("{flag} is missing: give it as a flag, as {env}, or as {key} in the file of --config")]
    Missing {
        /// The flag.
        flag: &'static str,
        /// The variable.
        env: &'static str,
        /// The key in the file.
        key: &'static str,
    },
    /// There is no such algorithm.
    #[error("there is no algorithm \"{asked}\": choose {}", any_of(known))]
    UnknownAlgorithm {
        /// What was asked for.
        asked: String,
        /// All of them.
        known: Vec<&'static str>,
    },
    /// The algorithm has no such variant.
    #[error("{algorithm} has no variant \"{asked}\"; it has: {known}")]
    UnknownVariant {
        /// The algorithm.
        algorithm: String,
        /// What was asked for.
        asked: String,
        /// All of them.
        known: String,
    },
    /// The algorithm does not have such options, or not such values.
    #[error("the settings of {algorithm}: {told}")]
    Options {
        /// The algorithm.
        algorithm: &'static str,
        /// What is wrong.
        told: String,
    },
    /// A duration of the failure detection is none.
    #[error("detection.{0} must be a number of milliseconds, zero or more")]
    Duration(&'static str),
    /// A rule of the configuration is broken.
    #[error("timing: {0}")]
    Timing(#[source] TimingError),
    /// The algorithm has no leases under this configuration.
    #[error(
        "{0} has no leases under this configuration: it elects a leader that never works. Choose a \
         variant with leases, see `elector algorithms`"
    )]
    NoLease(&'static str),
    /// The failure detection breaks a rule.
    #[error("detection: {0}")]
    Detection(String),
    /// The peers are no cluster.
    #[error("peers: {0}")]
    Peers(#[source] MembershipError),
    /// The host name has no number.
    #[error(
        "--id auto: the host name {0:?} does not end in a number below 2^64: give the id itself"
    )]
    HostName(String),
    /// The log filter is none.
    #[error("--log: {0}")]
    Log(String),
    /// The certificates do not fit.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The network of the node cannot be set up.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The command may take longer to end than the node may take to leave.
    #[error(
        "--grace-ms ({grace:?}) is longer than --leave-ms ({leave:?}): a command that takes all \
         of its grace would be cut short when the node is told to end. Shorten the one, or \
         lengthen the other"
    )]
    Grace {
        /// How long the command may take.
        grace: Duration,
        /// How long the node may take.
        leave: Duration,
    },
    /// The node could not be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The record cannot be made.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// HTTP cannot be served.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The command cannot be run, or not be guarded.
    #[error(transparent)]
    Run(RunError),
    /// Standard output cannot be written.
    #[error(transparent)]
    Stdout(#[from] StdoutError),
    /// Something cannot be put into JSON.
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The operating system refused something that every process needs.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why not.
        source: io::Error,
    },
}

/// As in "raft, paxos or ring".
fn any_of(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [others @ .., last] => format!("{} or {last}", others.join(", ")),
    }
}
