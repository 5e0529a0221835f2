use std::{
    fs,
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::{Args, ValueEnum};
use elector_core::actor::{Peer, PeerError};
use serde::{Deserialize, Deserializer, de::Error as _};

use super::{error::ServeError, run_settings::RunSettings};

/// The settings of a node. Each setting has the same name as a flag, as a variable and in the
/// settings file (`--data-dir`, `ELECTOR_DATA_DIR`, `data_dir`). The flag takes precedence over the
/// variable, and the variable over the file.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// A TOML file with settings; flags and variables take precedence
    #[arg(long, value_name = "FILE", env = "ELECTOR_CONFIG")]
    #[serde(skip)]
    pub(crate) config: Option<PathBuf>,
    /// The name of the cluster [default: elector]
    #[arg(long, value_name = "NAME", env = "ELECTOR_NAME")]
    pub(crate) name: Option<String>,
    /// The id of this node in the list of peers; `auto`: the number at the end of the host name
    /// plus one
    #[arg(long, value_name = "ID", env = "ELECTOR_ID")]
    pub(crate) id: Option<IdSetting>,
    /// All nodes with their addresses, including this node: 1=HOST:PORT,2=HOST:PORT,…
    #[arg(
        long,
        value_name = "ID=HOST:PORT,…",
        value_delimiter = ',',
        env = "ELECTOR_PEERS"
    )]
    #[serde(deserialize_with = "peers")]
    pub(crate) peers: Option<Vec<Peer>>,
    /// Nodes of a running cluster, with their addresses: this node joins it, and votes when
    /// `elector members add` has added it. Only with `raft` and `paxos`. One node that runs is
    /// enough
    #[arg(
        long,
        value_name = "ID=HOST:PORT,…",
        value_delimiter = ',',
        env = "ELECTOR_JOIN"
    )]
    #[serde(deserialize_with = "peers")]
    pub(crate) join: Option<Vec<Peer>>,
    /// The folder for the state that must survive a crash
    #[arg(long, value_name = "DIR", env = "ELECTOR_DATA_DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The algorithm, for example `raft` or `raft/plain`; the same on all nodes [default: raft]
    #[arg(long, value_name = "NAME", env = "ELECTOR_ALGORITHM")]
    pub(crate) algorithm: Option<String>,
    /// The durations: for any network, or for nodes in one building [default: default]
    #[arg(long, value_enum, env = "ELECTOR_PROFILE")]
    pub(crate) profile: Option<Profile>,
    /// The address to listen on for peers; `:PORT` for all addresses of this machine [default: the
    /// address of this node in the list of peers]
    #[arg(long, value_name = "HOST:PORT", env = "ELECTOR_LISTEN")]
    pub(crate) listen: Option<String>,
    /// The address at which other nodes reach this node, if it is not in their lists [default: the
    /// address of this node in the list of peers, or else --listen]
    #[arg(long, value_name = "HOST:PORT", env = "ELECTOR_ADVERTISE")]
    pub(crate) advertise: Option<String>,
    /// Let this node vote, and never lead: a witness, for example on a small machine beside two
    /// large ones. Only with `raft` and `paxos` [default: false]
    #[arg(
        long,
        num_args = 0..=1,
        default_missing_value = "true",
        value_name = "BOOL",
        env = "ELECTOR_NEVER_LEAD"
    )]
    pub(crate) never_lead: Option<bool>,
    /// A folder with ca.pem, node-ID.pem and node-ID.key.pem; see `elector certs`
    #[arg(long, value_name = "DIR", env = "ELECTOR_TLS_DIR")]
    pub(crate) tls_dir: Option<PathBuf>,
    /// Accept peers on other machines without TLS: any program that reaches the port can vote
    #[arg(
        long,
        num_args = 0..=1,
        default_missing_value = "true",
        value_name = "BOOL",
        env = "ELECTOR_PLAINTEXT_BEYOND_LOOPBACK"
    )]
    pub(crate) plaintext_beyond_loopback: Option<bool>,
    /// The address to serve status, events and metrics over HTTP
    #[arg(long, value_name = "HOST:PORT", env = "ELECTOR_HTTP")]
    pub(crate) http: Option<String>,
    /// Accept HTTP requests from other machines
    #[arg(
        long,
        num_args = 0..=1,
        default_missing_value = "true",
        value_name = "BOOL",
        env = "ELECTOR_HTTP_BEYOND_LOOPBACK"
    )]
    pub(crate) http_beyond_loopback: Option<bool>,
    /// A file with the token that allows `step-down`, `transfer` and `members` over HTTP. Instead,
    /// the variable `ELECTOR_TOKEN` can hold the token. Without a token these commands are rejected
    #[arg(long, value_name = "FILE", env = "ELECTOR_TOKEN_FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// How long the node may take to hand over at a shutdown, in milliseconds [default: 15000]
    #[arg(long, value_name = "MS", env = "ELECTOR_LEAVE_MS")]
    pub(crate) leave_ms: Option<u64>,
    /// Start an heir: a helper process that keeps the memory of this process until its sockets are
    /// closed, so that peers notice at once when this process is killed [default: true]
    #[arg(long, value_name = "BOOL", env = "ELECTOR_HEIR")]
    pub(crate) heir: Option<bool>,
    /// Treat a refused connection as a proof that the peer is dead, and elect at once instead of
    /// after the end of its lease. Not safe behind a proxy or a firewall: these can refuse a
    /// connection to a leader that is alive, and then two commands run at the same time [default:
    /// false]
    #[arg(
        long,
        num_args = 0..=1,
        default_missing_value = "true",
        value_name = "BOOL",
        env = "ELECTOR_TRUST_REFUSED"
    )]
    pub(crate) trust_refused: Option<bool>,
    /// The format of the log on standard error [default: human]
    #[arg(long, value_enum, env = "ELECTOR_LOG_FORMAT")]
    pub(crate) log_format: Option<LogFormat>,
    /// The filter of the log: error, warn, info, debug, or for example `info,elector_net=debug`
    /// [default: info]
    #[arg(long, value_name = "FILTER", env = "ELECTOR_LOG")]
    pub(crate) log: Option<String>,
    /// The durations of the algorithm, each under its own name; only in the settings file.
    #[arg(skip)]
    pub(crate) timing: toml::Table,
    /// The durations of the failure detection; only in the settings file.
    #[arg(skip)]
    pub(crate) detection: DetectionSettings,
    /// The options of the algorithm, each under its own name; only in the settings file.
    #[arg(skip)]
    pub(crate) options: toml::Table,
    /// The settings of `elector run`; here only those from the settings file.
    #[arg(skip)]
    pub(crate) run: RunSettings,
}

/// The settings of [`elector_net::Detection`], in milliseconds. A setting that is missing comes
/// from the profile, which is a set of defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DetectionSettings {
    pub(crate) ping_ms: Option<f64>,
    pub(crate) floor_ms: Option<f64>,
    pub(crate) ceiling_ms: Option<f64>,
}

/// A set of defaults for the durations of the algorithm and of the failure detection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Profile {
    /// Within about a second, replaces a leader that hangs. Tolerates round trips of 200 ms, lost
    /// packets and busy machines
    #[default]
    Default,
    /// Within 50 ms, replaces a leader that hangs. For nodes in one building, on machines that are
    /// not busy
    Lan,
}

/// The format of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// Lines of text for people
    #[default]
    Human,
    /// One JSON object per line
    Json,
}

/// The setting of the id of this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdSetting {
    Is(u64),
    /// The id is the number at the end of the host name plus one, for the nodes of a Kubernetes
    /// `StatefulSet`.
    Auto,
}

impl FromStr for IdSetting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let number = text.parse().map(Self::Is);
        number.map_err(|_| "must be a whole number or `auto`".to_owned())
    }
}

impl<'de> Deserialize<'de> for IdSetting {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a node id: a whole number, or \"auto\"")]
        enum Either {
            Number(u64),
            Text(String),
        }
        match Either::deserialize(from)? {
            Either::Number(id) => Ok(Self::Is(id)),
            Either::Text(text) => text.parse().map_err(D::Error::custom),
        }
    }
}

fn peers<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<Peer>>, D::Error> {
    let texts = Vec::<String>::deserialize(from)?;
    let peers = texts.iter().map(|text| text.parse());
    let peers = peers.collect::<Result<Vec<Peer>, PeerError>>();
    peers.map(Some).map_err(D::Error::custom)
}

/// Builds `Settings`. Each named setting is `$flags.$name.or($file.$name)`.
macro_rules! first_of {
    ($flags:ident, $file:ident: $($name:ident),+ $(,)?) => {
        Settings {
            config: $flags.config,
            $($name: $flags.$name.or($file.$name),)+
            timing: $file.timing,
            detection: $file.detection,
            options: $file.options,
            run: $file.run,
        }
    };
}

impl Settings {
    /// Returns these settings, which come from flags and variables. A setting that is missing here
    /// comes from the settings file.
    ///
    /// # Errors
    /// If the file cannot be read, or contains something that is no setting.
    pub(crate) fn with_file(self) -> Result<Self, ServeError> {
        let Some(path) = self.config.clone() else {
            return Ok(self);
        };
        let file = Self::read(&path)?;
        let flags = self;
        Ok(first_of!(
            flags, file: name, id, peers, join, data_dir, algorithm, profile, listen, advertise,
            never_lead, tls_dir, plaintext_beyond_loopback, http, http_beyond_loopback, token_file,
            leave_ms, heir, trust_refused, log_format, log,
        ))
    }

    fn read(path: &Path) -> Result<Self, ServeError> {
        let text = fs::read_to_string(path).map_err(|cause| ServeError::ReadFile {
            path: path.to_owned(),
            cause,
        })?;
        toml::from_str(&text).map_err(|cause| ServeError::Settings {
            path: path.to_owned(),
            cause: Box::new(cause),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
        name = "billing"
        id = "auto"
        peers = ["1=db1:7100", "2=db2:7100"]
        data_dir = "/var/lib/elector"
        profile = "lan"
        http = "127.0.0.1:7180"
        [timing]
        heartbeat_ms = 20
        [detection]
        floor_ms = 40
        [options]
        pre_vote = false
    "#;

    // The settings file must have the same settings as the flags, under the same names.
    #[test]
    fn a_file_has_the_settings_of_the_flags() {
        let settings: Settings = toml::from_str(FILE).unwrap();
        assert_eq!(settings.id, Some(IdSetting::Auto));
        assert_eq!(settings.peers.unwrap()[1], (2, "db2:7100").into());
        assert_eq!(settings.profile, Some(Profile::Lan));
        assert_eq!(settings.detection.floor_ms, Some(40.0));
        assert!(settings.timing.contains_key("heartbeat_ms"));
    }

    // If a misspelled key was ignored, the default would stay in force, and the operator would not
    // notice.
    #[test]
    fn an_invalid_setting_is_an_error_that_names_it() {
        for (text, hint) in [
            ("pears = []", "pears"),
            ("id = 1.5", "whole number"),
            ("id = \"one\"", "whole number"),
            ("peers = [\"1=db1\"]", "HOST:PORT"),
            ("profile = \"wan\"", "wan"),
            ("detection = { flor_ms = 1 }", "flor_ms"),
        ] {
            let error = toml::from_str::<Settings>(text).unwrap_err().to_string();
            assert!(error.contains(hint), "{text}: {error}");
        }
    }
}
