//! The variables of the environment that this program reads.

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

/// How all of them begin.
const PREFIX: &str = "ELECTOR_";

/// Those that are no flag: a secret, and what COMMAND is told, which a node in a COMMAND inherits.
const OTHERS: [&str; 4] = [
    "ELECTOR_TOKEN",
    "ELECTOR_NODE",
    "ELECTOR_EPOCH",
    "ELECTOR_FENCING_TOKEN",
];

/// Starts this program anew in the same process if variables must be read otherwise than they are:
/// an empty one counts as not set, and a carriage return at the end belongs to the line end of the
/// file that it comes from. To be called while there is one thread.
///
/// # Errors
/// If the program cannot be started anew.
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

/// How a value is to be read, if that is not as it is; `None` inside for one that is not set.
fn cleaned(value: OsString) -> Option<Option<OsString>> {
    let mut bytes = value.into_vec();
    let is_cut = bytes.pop_if(|last| *last == b'\r').is_some();
    if bytes.is_empty() {
        return Some(None);
    }
    is_cut.then(|| Some(OsString::from_vec(bytes)))
}

/// A variable that begins with `ELECTOR_` and that this program does not read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unknown {
    pub(crate) name: String,
    /// The one that was most likely meant.
    pub(crate) nearest: Option<String>,
}

/// All such variables. What Kubernetes sets in each pod for a service named `elector…` is left out.
pub(crate) fn unknown() -> Vec<Unknown> {
    let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    among(names)
}

fn among(names: impl Iterator<Item = String>) -> Vec<Unknown> {
    let mut known = BTreeSet::from(OTHERS.map(str::to_owned));
    add(&Arguments::command(), &mut known);
    names
        .filter(|name| name.starts_with(PREFIX) && !known.contains(name) && !is_of_service(name))
        .map(|name| Unknown {
            nearest: nearest(&name, known.iter().map(String::as_str)).map(str::to_owned),
            name,
        })
        .collect()
}

fn add(command: &clap::Command, known: &mut BTreeSet<String>) {
    let named = command.get_arguments().filter_map(clap::Arg::get_env);
    known.extend(named.map(|name| name.to_string_lossy().into_owned()));
    command
        .get_subcommands()
        .for_each(|command| add(command, known));
}

/// `ELECTOR_SERVICE_HOST`, `ELECTOR_PORT_7100_TCP`, and so on.
fn is_of_service(name: &str) -> bool {
    ["_SERVICE_HOST", "_SERVICE_PORT", "_PORT_"]
        .iter()
        .any(|part| name.contains(part))
        || name.ends_with("_PORT")
}

#[cfg(test)]
mod tests {
    use super::*;

    // A variable with a typing error leaves the default in force, and no error tells of it.
    #[test]
    fn a_mistyped_variable_is_found_with_the_one_that_was_meant() {
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
        let found = among(names.into_iter().map(str::to_owned));
        let found: Vec<_> = found
            .iter()
            .map(|unknown| (unknown.name.as_str(), unknown.nearest.as_deref()))
            .filter(|(name, _)| *name != "ELECTOR_URL")
            .collect();
        assert_eq!(found, [("ELECTOR_PEER", Some("ELECTOR_PEERS"))]);
    }

    // A line of a file with Windows line ends, and one without a value.
    #[test]
    fn a_carriage_return_is_cut_and_an_empty_value_is_none() {
        assert_eq!(cleaned("7100\r".into()), Some(Some("7100".into())));
        for empty in ["", "\r"] {
            assert_eq!(cleaned(empty.into()), Some(None));
        }
        for kept in ["7100", "a\rb", " "] {
            assert_eq!(cleaned(kept.into()), None);
        }
    }
}
