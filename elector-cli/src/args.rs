use clap::{Parser, Subcommand};

use crate::{completions::Completions, manual::Man, version::version};

/// The arguments of the `elector` command.
#[derive(Debug, Parser)]
#[command(
    name = "elector",
    version = version(),
    about = "Leader election: compare algorithms, check them, and run nodes of real clusters",
    after_help = after_help()
)]
pub(crate) struct Arguments {
    /// The subcommand that the user has given.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// A subcommand of `elector`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[cfg(feature = "lab")]
    #[command(flatten)]
    Lab(crate::lab::Command),
    #[cfg(all(feature = "node", target_os = "linux"))]
    #[command(flatten)]
    Node(crate::node::Command),
    /// List the algorithms, their variants and their guarantees
    Algorithms,
    #[cfg(feature = "node")]
    #[command(flatten)]
    Client(crate::client::Command),
    /// Print a script that completes this command in a shell
    Completions(Completions),
    /// Write man pages for this command and its subcommands
    Man(Man),
}

/// Returns examples for the subcommands that are compiled in, and the meaning of the exit codes.
fn after_help() -> String {
    let (lab, node) = (cfg!(feature = "lab"), cfg!(feature = "node"));
    let examples = [
        (lab, "compare", "every algorithm in every scenario"),
        (
            lab,
            "simulate --algorithm raft --scenario leader-crash --svg run.svg",
            "",
        ),
        (true, "algorithms", "the algorithms and their guarantees"),
        (lab, "scenarios", "the faults that can be simulated"),
        (
            lab,
            "check --algorithm raft --nodes 2",
            "every order of events, within limits",
        ),
        (
            node,
            "certs dev --nodes 3 --out certs",
            "certificates for a cluster",
        ),
        (
            node && cfg!(target_os = "linux"),
            "run --help",
            "how to run a program on the leader only",
        ),
        (node, "status", "who leads, as a running node knows it"),
    ];
    let mut text = "Examples:\n".to_owned();
    for (_, command, what) in examples.iter().filter(|example| example.0) {
        text += &format!("  elector {command:<46}{what}\n");
    }
    text += "\n`elector COMMAND --help` explains one command.\nExit code: 0 success; ";
    if lab {
        text += "1 an invariant was violated; ";
    }
    text += "2 the command failed.";
    if node {
        text += "\nCommands that query a node have other codes: see `elector status --help`.";
    }
    text
}

/// Parses a whole number from 1 to `max`.
///
/// # Errors
/// The error says what is wrong with `text`. If `text` is zero, the error is `zero_error`.
pub(crate) fn within(text: &str, max: u64, zero_error: &str) -> Result<u64, String> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("not a whole number from 1 to {max}"));
    }
    // A number that does not fit into a `u64` is above every `max`.
    match text.parse::<u64>().unwrap_or(u64::MAX) {
        0 => Err(zero_error.to_owned()),
        value if value > max => Err(format!("the limit is {max}")),
        value => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    // clap checks the whole definition of the command line (no duplicate names, valid defaults)
    // only if `debug_assert` is called. Without this test, a mistake in the definition could reach
    // users.
    #[test]
    fn the_definition_is_valid() {
        Arguments::command().debug_assert();
    }
}
