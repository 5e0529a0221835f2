//! Errors for wrong usage, and for subcommands that are not compiled in.

use std::{env, process::ExitCode};

use crate::{FAILED, output};

/// The exit code of a subcommand that queries a node, if it could not query the node. Wrong
/// arguments of these subcommands give this code, too: clap's code 2 would say that the node knows
/// no leader (`elector status`).
pub(crate) const UNKNOWN: u8 = 3;

/// The subcommands that query a node.
const QUERIES: [&str; 5] = ["status", "watch", "members", "step-down", "transfer"];

/// A feature of this crate, and the subcommands that are compiled in with it.
struct Feature {
    name: &'static str,
    is_on: bool,
    subcommands: &'static [&'static str],
}

const FEATURES: [Feature; 2] = [
    Feature {
        name: "lab",
        is_on: cfg!(feature = "lab"),
        subcommands: &[
            "compare",
            "verify",
            "merge",
            "simulate",
            "check",
            "scenarios",
        ],
    },
    Feature {
        name: "node",
        is_on: cfg!(feature = "node"),
        subcommands: &[
            "node",
            "run",
            "members",
            "record",
            "recover",
            "certs",
            "status",
            "watch",
            "step-down",
            "transfer",
        ],
    },
];

/// Prints what is wrong with the arguments, and returns the exit code. For clap a request for help
/// or for the version is an error, too: this function answers it, and returns the exit code of
/// success.
pub(crate) fn wrong(error: &clap::Error) -> ExitCode {
    let subcommand = env::args().nth(1).unwrap_or_default();
    match missing(&FEATURES, &subcommand) {
        Some(text) => output::warn(&text),
        None => {
            // A failure to print cannot be reported anywhere. clap also ignores this failure.
            let _ = error.print();
            if error.exit_code() == 0 {
                return ExitCode::SUCCESS;
            }
        }
    }
    let is_query = QUERIES.contains(&subcommand.as_str());
    ExitCode::from(if is_query { UNKNOWN } else { FAILED })
}

/// Returns an error message if this subcommand exists, but is not compiled into this program.
fn missing(features: &[Feature], subcommand: &str) -> Option<String> {
    let mut features = features.iter();
    let missing = features.find(|it| !it.is_on && it.subcommands.contains(&subcommand))?;
    let name = missing.name;
    Some(format!(
        "error: this program was built without `{subcommand}`: build it with the feature `{name}` \
         of elector-cli\n"
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory as _;

    use super::*;
    use crate::args::Arguments;

    // clap would report an "unrecognized subcommand". This would mislead a user who knows that
    // elector has the subcommand.
    #[test]
    fn a_subcommand_that_is_not_compiled_in_names_its_feature() {
        let lab = Feature {
            is_on: false,
            ..FEATURES[0]
        };
        let text = missing(&[lab], "compare").unwrap();
        assert!(text.contains("without `compare`"), "{text}");
        assert!(text.contains("the feature `lab`"), "{text}");
        assert_eq!(missing(&FEATURES, "comapre"), None);
    }

    // If a subcommand was missing in `FEATURES`, a program that is built without the subcommand
    // would report it as unrecognized, and would not name the missing feature.
    #[test]
    fn every_subcommand_of_a_feature_is_in_its_list() {
        let arguments = Arguments::command();
        let known = arguments.get_subcommands().map(clap::Command::get_name);
        let mut known: BTreeSet<&str> = known.collect();
        for always in ["algorithms", "completions", "man"] {
            assert!(known.remove(always), "{always}");
        }
        let listed = FEATURES.iter().filter(|feature| feature.is_on);
        let listed = listed.flat_map(|feature| feature.subcommands.iter().copied());
        let listed: BTreeSet<&str> = listed.collect();
        if cfg!(target_os = "linux") {
            assert_eq!(known, listed);
        }
        let queries = BTreeSet::from(QUERIES);
        assert!(!cfg!(feature = "node") || queries.is_subset(&known));
    }
}
