//! The environment variables that this program reads.

use std::{
    collections::BTreeSet,
    env,
    ffi::OsString,
    io,
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        process::CommandExt,
    },
    process::Command,
};

use clap::CommandFactory;

use crate::{args::Arguments, nearest::nearest};

/// The prefix of all environment variables that this program reads.
const PREFIX: &str = "ELECTOR_";

/// The variables that are known although they set no flag: the secret for commands over HTTP, and
/// the variables that `elector run` sets for its COMMAND. These variables are here because a node
/// that a COMMAND starts inherits them, and must not warn of them.
const WITHOUT_FLAG: [&str; 4] = [
    "ELECTOR_TOKEN",
    "ELECTOR_NODE",
    "ELECTOR_EPOCH",
    "ELECTOR_FENCING_TOKEN",
];

/// Cleans the environment variables that begin with [`PREFIX`]. If a variable must be cleaned, this
/// function restarts this program in the same process with the cleaned variables, and does not
/// return. An empty variable counts as not set, and is removed. A carriage return at the end of a
/// value belongs to a line end of the file from which the variable was read, and is removed. Call
/// this function while there is only one thread.
///
/// # Errors
/// If the program cannot be restarted.
pub(crate) fn clean() -> io::Result<()> {
    let ours = env::vars_os().filter(|(name, _)| name.as_bytes().starts_with(PREFIX.as_bytes()));
    let cleaned: Vec<_> = ours
        .filter_map(|(name, value)| Some((name, cleaned(value)?)))
        .collect();
    if cleaned.is_empty() {
        return Ok(());
    }
    let mut arguments = env::args_os();
    let mut command = Command::new(env::current_exe()?);
    command.arg0(arguments.next().unwrap_or_default());
    command.args(arguments);
    for (name, value) in cleaned {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    Err(command.exec())
}

/// Returns the cleaned value, or `None` if the value is clean already. `Some(None)` means that the
/// variable counts as not set.
fn cleaned(value: OsString) -> Option<Option<OsString>> {
    let mut bytes = value.into_vec();
    let was_cut = bytes.pop_if(|last| *last == b'\r').is_some();
    if bytes.is_empty() {
        return Some(None);
    }
    was_cut.then(|| Some(OsString::from_vec(bytes)))
}

/// An environment variable whose name begins with `ELECTOR_`, and that this program does not read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unknown {
    pub(crate) name: String,
    /// The known variable that was most likely meant.
    pub(crate) nearest: Option<String>,
}

/// Returns all unknown variables. The variables that Kubernetes sets in each pod for a service
/// named `elector…` are not among them.
pub(crate) fn unknown() -> Vec<Unknown> {
    let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    unknown_among(names)
}

fn unknown_among(names: impl Iterator<Item = String>) -> Vec<Unknown> {
    let mut known = BTreeSet::from(WITHOUT_FLAG.map(str::to_owned));
    add_variables_of(&Arguments::command(), &mut known);
    names
        .filter(|name| name.starts_with(PREFIX) && !known.contains(name) && !is_of_kubernetes(name))
        .map(|name| Unknown {
            nearest: nearest(&name, known.iter().map(String::as_str)).map(str::to_owned),
            name,
        })
        .collect()
}

fn add_variables_of(command: &clap::Command, known: &mut BTreeSet<String>) {
    let named = command.get_arguments().filter_map(clap::Arg::get_env);
    known.extend(named.map(|name| name.to_string_lossy().into_owned()));
    command
        .get_subcommands()
        .for_each(|command| add_variables_of(command, known));
}

/// Returns `true` for names such as `ELECTOR_SERVICE_HOST` and `ELECTOR_PORT_7100_TCP`, which
/// Kubernetes sets for a service.
fn is_of_kubernetes(name: &str) -> bool {
    ["_SERVICE_HOST", "_SERVICE_PORT", "_PORT_"]
        .iter()
        .any(|part| name.contains(part))
        || name.ends_with("_PORT")
}

#[cfg(test)]
mod tests {
    use super::*;

    // An operator who misspells a variable gets no error. Without a warning, the operator would not
    // notice that the default stays in force.
    #[test]
    fn a_misspelled_variable_is_found_with_the_one_that_was_meant() {
        let names = [
            "ELECTOR_PEERS",
            "ELECTOR_PEER",
            "ELECTOR_TOKEN",
            "ELECTOR_URL",
            "ELECTOR_EPOCH",
            "ELECTOR_SERVICE_HOST",
            "ELECTOR_SERVICE_PORT_PEERS",
            "ELECTOR_PORT",
            "ELECTOR_LEADER_PORT_7100_TCP_ADDR",
            "HOME",
        ];
        let found = unknown_among(names.into_iter().map(str::to_owned));
        let found: Vec<_> = found
            .iter()
            .map(|unknown| (unknown.name.as_str(), unknown.nearest.as_deref()))
            .filter(|(name, _)| *name != "ELECTOR_URL")
            .collect();
        assert_eq!(found, [("ELECTOR_PEER", Some("ELECTOR_PEERS"))]);
    }

    // A file of variables may have Windows line ends, and lines without a value.
    #[test]
    fn a_carriage_return_is_removed_and_an_empty_value_counts_as_not_set() {
        assert_eq!(cleaned("7100\r".into()), Some(Some("7100".into())));
        for empty in ["", "\r"] {
            assert_eq!(cleaned(empty.into()), Some(None));
        }
        for kept in ["7100", "a\rb", " "] {
            assert_eq!(cleaned(kept.into()), None);
        }
    }
}
