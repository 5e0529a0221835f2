use std::{io, path::PathBuf, time::Duration};

use elector_core::{MembershipError, TimingError, actor::StartError};
use elector_net::{NetError, RecordError, TlsError, http::HttpError};
use thiserror::Error;

use crate::{output::StdoutError, run::RunError};

/// Why a node cannot be run. The message says what to do.
#[derive(Debug, Error)]
pub(crate) enum ServeError {
    /// The settings file cannot be read.
    #[error("cannot read {}: {cause}", path.display())]
    ReadFile {
        /// The path of the settings file.
        path: PathBuf,
        /// Why the file cannot be read.
        cause: io::Error,
    },
    /// The settings file contains a key that is no setting, or a value that is invalid.
    #[error("{}: {cause}", path.display())]
    Settings {
        /// The path of the settings file.
        path: PathBuf,
        /// What is wrong in the file, with the number of the line.
        cause: Box<toml::de::Error>,
    },
    /// A required setting is missing.
    #[error("{flag} is missing: give it as a flag, as {env}, or as {key} in the file of --config")]
    Missing {
        /// The flag of the missing setting.
        flag: &'static str,
        /// The environment variable of the missing setting.
        env: &'static str,
        /// The key of the missing setting in the settings file.
        key: &'static str,
    },
    /// The data folder has no record (the durable state of a node), and the settings name no other
    /// node.
    #[error(
        "there is no record in {}, and no other node is named. For the first start of a cluster, \
         name all nodes with --peers; for a node that joins a running cluster, name a member with \
         --join; for a node that has run before, correct --data-dir", folder.display()
    )]
    NoPeers {
        /// The path of the data folder.
        folder: PathBuf,
    },
    /// The settings name an algorithm that does not exist.
    #[error("there is no algorithm \"{name}\": choose {}", any_of(known))]
    UnknownAlgorithm {
        /// The name that the settings give.
        name: String,
        /// The names of all algorithms.
        known: Vec<&'static str>,
    },
    /// The settings name a variant that the algorithm does not have.
    #[error("{algorithm} has no variant \"{name}\": choose {}", any_of(known))]
    UnknownVariant {
        /// The name of the algorithm.
        algorithm: &'static str,
        /// The name that the settings give.
        name: String,
        /// The names of all variants of the algorithm.
        known: Vec<&'static str>,
    },
    /// The settings have an option that the algorithm does not have, or a value that it rejects.
    #[error("the settings of {algorithm}: {message}")]
    Options {
        /// The name of the algorithm.
        algorithm: &'static str,
        /// What is wrong with the option or its value.
        message: String,
    },
    /// A duration of the failure detection is negative, too long, or not a number.
    #[error("detection.{0} must be a number of milliseconds, zero or more")]
    Duration(&'static str),
    /// The durations of the algorithm break a rule of its configuration.
    #[error("timing: {0}")]
    Timing(TimingError),
    /// The algorithm has the guarantee `quorum`, but no leases under this configuration, so a
    /// leader would never start its work.
    #[error(
        "{0} has no leases under this configuration, so a leader would never start its work: \
         choose a variant with leases, see `elector algorithms`"
    )]
    NoLease(&'static str),
    /// The settings make the node join a running cluster, and the members of its algorithm are
    /// fixed.
    #[error(
        "the members of a cluster of {0} are fixed, so no node can --join it: choose raft or \
         paxos, or see `elector record set --help`"
    )]
    CannotJoin(&'static str),
    /// The settings make the node a witness, which is a voter that never leads, and its algorithm
    /// has no witnesses.
    #[error("{0} has no voters that never lead: choose raft or paxos, or omit --never-lead")]
    CanLead(&'static str),
    /// The durations of the failure detection break a rule.
    #[error("detection: {0}")]
    Detection(String),
    /// The list of peers is invalid.
    #[error("peers: {0}")]
    Peers(MembershipError),
    /// The id must come from the host name (`--id auto`), and the host name does not end in an id.
    #[error(
        "--id auto: the host name {0:?} does not end in a number below 2^64: set --id to a number"
    )]
    HostName(String),
    /// The text of the log filter is invalid.
    #[error("--log: {0}")]
    Log(String),
    /// The certificates for TLS cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The network of the node cannot be set up.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The grace of the command, which is the time from SIGTERM to SIGKILL, is longer than the time
    /// in which the node must hand over at a shutdown.
    #[error(
        "--grace-ms ({grace:?}) is longer than --leave-ms ({leave:?}): at a shutdown, the command \
         would be killed before the end of its grace. Shorten --grace-ms, or lengthen --leave-ms"
    )]
    GraceTooLong {
        /// The grace of the command: the time from SIGTERM to SIGKILL.
        grace: Duration,
        /// The time in which the node must hand over at a shutdown.
        leave: Duration,
    },
    /// The node could not be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The record, which is the durable state of the node in its data folder, cannot be used or
    /// created.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The node cannot serve HTTP.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The command of `elector run` cannot be run, or its guardian, which is the process that kills
    /// the command before the lease ends.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Standard output cannot be written.
    #[error(transparent)]
    Stdout(#[from] StdoutError),
    /// A value cannot be written as JSON.
    #[error("cannot write JSON: {0}")]
    Json(serde_json::Error),
    /// The operating system refused something that every process needs, for example a thread.
    #[error("{what}: {cause}")]
    System {
        /// What this process could not do.
        what: &'static str,
        /// The error of the operating system.
        cause: io::Error,
    },
}

impl ServeError {
    /// Returns a function that makes a [`System`](Self::System) error from an error of the
    /// operating system.
    pub(super) fn system(what: &'static str) -> impl Fn(io::Error) -> Self {
        move |cause| Self::System { what, cause }
    }
}

/// Joins names, as in "raft, paxos or ring".
fn any_of(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [others @ .., last] => format!("{} or {last}", others.join(", ")),
    }
}
