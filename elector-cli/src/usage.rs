//! Wrong usage, and what this program is built without.

use std::{env, process::ExitCode};

use crate::{FAILED, output};

/// The exit code when a node could not be asked, for wrong usage too: 2 would say something about
/// the cluster.
pub(crate) const UNKNOWN: u8 = 3;

/// The subcommands that ask a node.
const ASKING: [&str; 4] = ["status", "watch", "step-down", "transfer"];

/// What is compiled in only with a feature of this crate.
struct Feature {
    name: &'static str,
    is_on: bool,
    subcommands: &'static [&'static str],
}

const FEATURES: [Feature; 2] = [
    Feature {
        name: "lab",
        is_on: cfg!(feature = "lab"),
        subcommands: &["compare", "simulate", "check", "scenarios"],
    },
    Feature {
        name: "node",
        is_on: cfg!(feature = "node"),
        subcommands: &[
            "node",
            "run",
            "members",
            "certs",
            "status",
            "watch",
            "step-down",
            "transfer",
        ],
    },
];

/// Says what is wrong with the arguments, and returns the exit code. Help and the version, which
/// are asked of clap itself, come here too.
pub(crate) fn wrong(error: &clap::Error) -> ExitCode {
    let subcommand = env::args().nth(1).unwrap_or_default();
    match missing(&FEATURES, &subcommand) {
        Some(text) => output::warn(&text),
        None => {
            // As clap does: there is nowhere to report a failure.
            let _ = error.print();
            if error.exit_code() == 0 {
                return ExitCode::SUCCESS;
            }
        }
    }
    let asks = ASKING.contains(&subcommand.as_str());
    ExitCode::from(if asks { UNKNOWN } else { FAILED })
}

/// What to do about a subcommand that is not compiled in.
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

    // "Unrecognized subcommand" would send its reader to the wrong place.
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

    // A subcommand that is in no feature of the list would be called unknown where it is missing.
    #[test]
    fn every_subcommand_of_a_feature_is_in_its_list() {
        let arguments = Arguments::command();
        let known = arguments.get_subcommands().map(clap::Command::get_name);
        let mut known: BTreeSet<&str> = known.collect();
        assert!(known.remove("algorithms"));
        let listed = FEATURES.iter().filter(|feature| feature.is_on);
        let listed = listed.flat_map(|feature| feature.subcommands.iter().copied());
        let listed: BTreeSet<&str> = listed.collect();
        if cfg!(target_os = "linux") {
            assert_eq!(known, listed);
        }
        let asking = BTreeSet::from(ASKING);
        assert!(!cfg!(feature = "node") || asking.is_subset(&known));
    }
}
