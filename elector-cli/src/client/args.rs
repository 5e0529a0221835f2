use std::path::PathBuf;

use clap::Args;

const CODES: &str = "\
Exit code: 0 the node holds the leadership; 1 it follows another; 2 it knows no leader; 3 that could
not be found out. Of several nodes, the lowest of their codes.";

const DONE: &str = "\
Exit code: 0 the node has taken it; 1 it refuses, and says why; 3 it could not be asked.

The token is read from --token-file, or else from ELECTOR_TOKEN. Every user of a machine can see the
arguments of its processes.";

const OUTCOME: &str = "\
Exit code: 0 the node named by --to leads, or with --no-wait: the node asked has taken the command;
1 it refuses, and says why; 2 another node leads; 3 it could not be asked, or no leader is known.

The node asked gives its leadership up first, so another one may be elected if the one named does not
answer. It is the node asked that is looked at, until it shows a new leader.

The token is read from --token-file, or else from ELECTOR_TOKEN. Every user of a machine can see the
arguments of its processes.";

/// Which node is asked.
#[derive(Clone, Debug, Args)]
pub(crate) struct Asked {
    /// Where the node serves HTTP: what its own --http says
    #[arg(
        long,
        value_name = "ADDR",
        env = "ELECTOR_HTTP",
        default_value = "127.0.0.1:7180",
        value_parser = address
    )]
    pub(crate) http: String,
}

/// The secret that the node wants to see.
#[derive(Clone, Debug, Args)]
pub(crate) struct Shown {
    /// A file that holds the node's bearer token
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// The token itself; better in its variable
    #[arg(
        long,
        value_name = "TOKEN",
        env = "ELECTOR_TOKEN",
        hide_env_values = true
    )]
    pub(crate) token: Option<String>,
}

/// `elector status`.
#[derive(Clone, Debug, Args)]
#[command(after_help = CODES)]
pub(crate) struct Status {
    /// Where the node serves HTTP: what its own --http says; several, separated by commas, with
    /// --explain
    #[arg(
        long,
        value_name = "ADDR",
        env = "ELECTOR_HTTP",
        default_value = "127.0.0.1:7180",
        value_delimiter = ',',
        value_parser = address
    )]
    pub(crate) http: Vec<String>,
    /// Print the node's answer as it is
    #[arg(long)]
    pub(crate) json: bool,
    /// Say in words why there is a leader or none, who is heard, and what is waited for
    #[arg(long, conflicts_with = "json")]
    pub(crate) explain: bool,
}

/// `elector watch`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
A connection that breaks is made again, and what happened meanwhile is told; events that the node has
forgotten by then are counted. Ends on Ctrl-C.
Exit code: 3 if there is no node to begin with.")]
pub(crate) struct Watch {
    #[command(flatten)]
    pub(crate) asked: Asked,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// `elector step-down`.
#[derive(Clone, Debug, Args)]
#[command(after_help = DONE)]
pub(crate) struct StepDown {
    #[command(flatten)]
    pub(crate) asked: Asked,
    #[command(flatten)]
    pub(crate) shown: Shown,
}

/// `elector transfer`.
#[derive(Clone, Debug, Args)]
#[command(after_help = OUTCOME)]
pub(crate) struct Transfer {
    #[command(flatten)]
    pub(crate) asked: Asked,
    #[command(flatten)]
    pub(crate) shown: Shown,
    /// The node that is to lead
    #[arg(long, value_name = "ID")]
    pub(crate) to: u64,
    /// How long to wait for a new leader, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 30_000)]
    pub(crate) wait_ms: u64,
    /// Do not wait for the outcome
    #[arg(long, conflicts_with = "wait_ms")]
    pub(crate) no_wait: bool,
}

/// `host:port`, with or without `http://` in front.
fn address(text: &str) -> Result<String, String> {
    const FORM: &str = "write HOST:PORT, as in 127.0.0.1:7180";
    if text.starts_with("https://") {
        return Err(format!("a node serves HTTP without TLS: {FORM}"));
    }
    let bare = text.strip_prefix("http://").unwrap_or(text);
    let bare = bare.strip_suffix('/').unwrap_or(bare);
    let (host, port) = bare.rsplit_once(':').ok_or(FORM)?;
    // An IPv6 address stands in brackets, or its last part would pass for a port.
    let is_host = match host.strip_prefix('[') {
        Some(v6) => v6.ends_with(']'),
        None => !host.is_empty() && !host.contains(['/', '@', '?', '#', ' ', ':']),
    };
    if !is_host || port.parse::<u16>().is_err() {
        return Err(FORM.to_owned());
    }
    Ok(bare.to_owned())
}

#[cfg(test)]
mod tests {
    use super::address;

    // What is pasted from a browser or a log must work, and what cannot be meant must be told.
    #[test]
    fn addresses_are_taken_as_they_are_found() {
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
