use clap::{Parser, Subcommand};

/// The arguments of the `elector` command.
#[derive(Debug, Parser)]
#[command(
    name = "elector",
    version,
    about = "Leader election, compared: which algorithm holds what it promises, at what cost",
    after_help = after_help()
)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[cfg(feature = "lab")]
    #[command(flatten)]
    Lab(crate::lab::Command),
    #[cfg(all(feature = "node", target_os = "linux"))]
    #[command(flatten)]
    Node(crate::node::Command),
    /// List the algorithms and their variants, and what each promises
    Algorithms,
    #[cfg(feature = "node")]
    #[command(flatten)]
    Client(crate::client::Command),
}

const EXIT_CODES: &str = "
Exit code: 0 all went well; 1 an invariant was violated; 2 the command could not be done. Commands
that ask a node have their own: `elector status --help`.";

/// Where to begin, with what is compiled in.
fn after_help() -> String {
    let (lab, node) = (cfg!(feature = "lab"), cfg!(feature = "node"));
    let examples = [
        (
            lab,
            "compare                                       every algorithm in every scenario",
        ),
        (
            lab,
            "simulate --algorithm raft --scenario leader-crash --svg run.svg",
        ),
        (
            true,
            "algorithms                                    what there is, and what it promises",
        ),
        (
            lab,
            "scenarios                                     what can go wrong",
        ),
        (
            lab,
            "check --algorithm raft --nodes 2              every order of events, within bounds",
        ),
        (
            node,
            "status                                        who leads, asked of a node that runs",
        ),
    ];
    let mut text = "Begin with:\n".to_owned();
    for (_, example) in examples.iter().filter(|(is_there, _)| *is_there) {
        text += &format!("  elector {example}\n");
    }
    text + EXIT_CODES
}

/// A whole number from 1 to `most`.
///
/// # Errors
/// What is wrong with `text`; if it is zero, that is `none`.
pub(crate) fn within(text: &str, most: u64, none: &str) -> Result<u64, String> {
    let wrong = || format!("not a whole number from 1 to {most}");
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    // Digits that do not fit are a number beyond every limit.
    match text.parse::<u64>().unwrap_or(u64::MAX) {
        0 => Err(none.to_owned()),
        value if value > most => Err(format!("the limit is {most}")),
        value => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    // clap checks its own rules (names that clash, defaults that do not parse) only when asked.
    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }
}
