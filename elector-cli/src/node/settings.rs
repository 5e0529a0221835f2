use std::{
    fs,
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::{Args, ValueEnum};
use elector_core::actor::{Peer, PeerError};
use serde::{Deserialize, Deserializer, de::Error as _};

use super::{command::RunSettings, error::ServeError};

/// What a node is told: by a flag, else by the environment, else by the file, under the same name
/// in each (`--data-dir`, `ELECTOR_DATA_DIR`, `data_dir`).
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// A file of settings, as TOML; flags and environment go before it
    #[arg(long, value_name = "FILE", env = "ELECTOR_CONFIG")]
    #[serde(skip)]
    pub(crate) config: Option<PathBuf>,
    /// The name of the cluster [default: elector]
    #[arg(long, value_name = "NAME", env = "ELECTOR_NAME")]
    pub(crate) name: Option<String>,
    /// Which of the peers this node is; `auto`: the number at the end of the host name plus one
    #[arg(long, value_name = "ID", env = "ELECTOR_ID")]
    pub(crate) id: Option<IdSetting>,
    /// All nodes and their addresses, this one among them: 1=HOST:PORT,2=HOST:PORT,…
    #[arg(
        long,
        value_name = "ID=HOST:PORT,…",
        value_delimiter = ',',
        env = "ELECTOR_PEERS"
    )]
    #[serde(deserialize_with = "peers")]
    pub(crate) peers: Option<Vec<Peer>>,
    /// Where the node keeps what it must still know after a crash
    #[arg(long, value_name = "DIR", env = "ELECTOR_DATA_DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The algorithm, as `raft` or `raft/plain`; the same on all nodes [default: raft]
    #[arg(long, value_name = "NAME", env = "ELECTOR_ALGORITHM")]
    pub(crate) algorithm: Option<String>,
    /// Durations for a network within a building, or cautious ones [default: default]
    #[arg(long, value_enum, env = "ELECTOR_PROFILE")]
    pub(crate) profile: Option<Profile>,
    /// Where to listen for peers [default: this node's own address among the peers]
    #[arg(long, value_name = "HOST:PORT", env = "ELECTOR_LISTEN")]
    pub(crate) listen: Option<String>,
    /// A folder with ca.pem, node-ID.pem and node-ID.key.pem; see `elector certs`
    #[arg(long, value_name = "DIR", env = "ELECTOR_TLS_DIR")]
    pub(crate) tls_dir: Option<PathBuf>,
    /// Let peers connect from other machines without TLS: whoever reaches the port can vote
    #[arg(
        long,
        num_args = 0..=1,
        default_missing_value = "true",
        value_name = "BOOL",
        env = "ELECTOR_PLAINTEXT_BEYOND_LOOPBACK"
    )]
    pub(crate) plaintext_beyond_loopback: Option<bool>,
    /// Serve status, events and metrics over HTTP here
    #[arg(long, value_name = "HOST:PORT", env = "ELECTOR_HTTP")]
    pub(crate) http: Option<String>,
    /// Let HTTP be reached from other machines
    #[arg(
        long,
        num_args = 0..=1,
        default_missing_value = "true",
        value_name = "BOOL",
        env = "ELECTOR_HTTP_BEYOND_LOOPBACK"
    )]
    pub(crate) http_beyond_loopback: Option<bool>,
    /// A file with the token that allows `step-down` and `transfer` over HTTP; the variable
    /// `ELECTOR_TOKEN` is one, too. Without a token they are not allowed
    #[arg(long, value_name = "FILE", env = "ELECTOR_TOKEN_FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// How long a node that is told to end may take to hand over, in milliseconds [default: 15000]
    #[arg(long, value_name = "MS", env = "ELECTOR_LEAVE_MS")]
    pub(crate) leave_ms: Option<u64>,
    /// Let a second process keep the memory until this one has closed its sockets, so that peers
    /// notice at once when it is killed (see elector-heir) [default: true]
    #[arg(long, value_name = "BOOL", env = "ELECTOR_HEIR")]
    pub(crate) heir: Option<bool>,
    /// Take a refused connection for the death of the peer, and elect at once rather than when its
    /// lease has ended. A proxy that is restarted, or a firewall that rejects, refuses for a leader
    /// that lives: then two commands run at once [default: false]
    #[arg(
        long,
        num_args = 0..=1,
        default_missing_value = "true",
        value_name = "BOOL",
        env = "ELECTOR_TRUST_REFUSED"
    )]
    pub(crate) trust_refused: Option<bool>,
    /// How to log, on standard error [default: human]
    #[arg(long, value_enum, env = "ELECTOR_LOG_FORMAT")]
    pub(crate) log_format: Option<LogFormat>,
    /// What to log: error, warn, info, debug, or a filter such as `info,elector_net=debug`
    /// [default: info]
    #[arg(long, value_name = "FILTER", env = "ELECTOR_LOG")]
    pub(crate) log: Option<String>,
    /// The durations of the algorithms, each under its own name; only in a file.
    #[arg(skip)]
    pub(crate) timing: toml::Table,
    /// When silence counts; only in a file.
    #[arg(skip)]
    pub(crate) detection: DetectionSettings,
    /// The options of the algorithm, each under its own name; only in a file.
    #[arg(skip)]
    pub(crate) options: toml::Table,
    /// How the command of `elector run` is stopped.
    #[arg(skip)]
    pub(crate) run: RunSettings,
}

/// See [`elector_net::Detection`]; what is left out is that of the profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DetectionSettings {
    pub(crate) ping_ms: Option<f64>,
    pub(crate) floor_ms: Option<f64>,
    pub(crate) ceiling_ms: Option<f64>,
}

/// Sets of durations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Profile {
    /// A leader that hangs is replaced within about a second. Bears round trips of 200 ms, lost
    /// packets and busy machines
    #[default]
    Default,
    /// Within 50 ms: for nodes within a building, on machines with time to spare
    Lan,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// To be read
    #[default]
    Human,
    /// An object a line
    Json,
}

/// Which node this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdSetting {
    Is(u64),
    /// From the host name, as the pods of a Kubernetes `StatefulSet` are numbered.
    Auto,
}

impl FromStr for IdSetting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let number = text.parse().map(Self::Is);
        number.map_err(|_| "not a whole number, nor `auto`".to_owned())
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

/// `$flags.$name.or($file.$name)` for each.
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
    /// Adds what the file says where flags and environment say nothing.
    ///
    /// # Errors
    /// If the file cannot be read, or has what no setting is.
    pub(crate) fn with_file(self) -> Result<Self, ServeError> {
        let Some(path) = self.config.clone() else {
            return Ok(self);
        };
        let file = Self::read(&path)?;
        let flags = self;
        Ok(first_of!(
            flags, file: name, id, peers, data_dir, algorithm, profile, listen, tls_dir,
            plaintext_beyond_loopback, http, http_beyond_loopback, token_file, leave_ms, heir,
            trust_refused, log_format, log,
        ))
    }

    fn read(path: &Path) -> Result<Self, ServeError> {
        let text = fs::read_to_string(path).map_err(|source| ServeError::ReadFile {
            path: path.to_owned(),
            source,
        })?;
        let settings = toml::from_str(&text);
        settings.map_err(|source| ServeError::Settings {
            path: path.to_owned(),
            source: Box::new(source),
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

    // Who writes a file must be able to write all that a flag can say, under the same name.
    #[test]
    fn a_file_says_what_flags_say() {
        let settings: Settings = toml::from_str(FILE).unwrap();
        assert_eq!(settings.id, Some(IdSetting::Auto));
        assert_eq!(settings.peers.unwrap()[1], (2, "db2:7100").into());
        assert_eq!(settings.profile, Some(Profile::Lan));
        assert_eq!(settings.detection.floor_ms, Some(40.0));
        assert!(settings.timing.contains_key("heartbeat_ms"));
    }

    // A typing error in a file must not leave the default in force.
    #[test]
    fn what_is_no_setting_is_refused_by_name() {
        for (text, told) in [
            ("pears = []", "pears"),
            ("id = 1.5", "whole number"),
            ("id = \"one\"", "whole number"),
            ("peers = [\"1=db1\"]", "HOST:PORT"),
            ("profile = \"wan\"", "wan"),
            ("detection = { flor_ms = 1 }", "flor_ms"),
        ] {
            let error = toml::from_str::<Settings>(text).unwrap_err().to_string();
            assert!(error.contains(told), "{text}: {error}");
        }
    }
}
