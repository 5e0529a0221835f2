//! Commands that users can paste into a shell.

use std::path::Path;

use elector_sim::{Scenario, Sweep, scenario::ScenarioError};

use super::{comparison::OwnScenario, registry::Entry};
use crate::{Cli, family::Family};

/// Returns the command that repeats a comparison. Different options for the same comparison give
/// the same command. The command omits options that do not change the result: the number of
/// threads, the format, the shard (the part of the comparison that this machine runs) and the
/// output folder.
///
/// # Errors
/// Never returns an error, because the built-in scenarios, which this function reads, are valid.
pub(crate) fn normalised(
    cli: &Cli,
    entries: &[Entry],
    sweep: &Sweep,
    own: &[OwnScenario],
) -> Result<String, ScenarioError> {
    let mut parts = vec![format!("{} compare", cli.program)];
    let list = |names: &[String]| quoted(&names.join(","));
    let names = algorithms(&cli.families, entries);
    if names != families(&cli.families) {
        parts.push(format!("--algorithms {}", list(&names)));
    }
    let nodes: Vec<String> = sweep.nodes.iter().map(u64::to_string).collect();
    parts.push(format!("--nodes {}", nodes.join(",")));
    let names = sweep.scenarios.iter().map(|scenario| scenario.name.clone());
    let names: Vec<String> = names.take(sweep.scenarios.len() - own.len()).collect();
    let defaults = match own {
        [] => Scenario::builtin()?.into_iter().map(|it| it.name).collect(),
        _ => Vec::new(),
    };
    if names != defaults {
        parts.push(format!("--scenarios {}", list(&names)));
    }
    let files = own.iter().map(|own| Some(Path::new(&own.path)));
    parts.extend(files.map(|file| scenario_option("", file)));
    parts.push(format!("--runs {} --seed {}", sweep.runs, sweep.seed));
    Ok(parts.join(" "))
}

fn families(families: &[Family]) -> Vec<String> {
    let names = families.iter().map(|family| family.name.to_owned());
    names.collect()
}

/// Returns the shortest list of names that selects these variants (configurations of algorithms):
/// if all variants of an algorithm are selected, the name of the algorithm replaces their names.
fn algorithms(families: &[Family], entries: &[Entry]) -> Vec<String> {
    let label = |entry: &Entry| entry.contestant.label();
    let mut rest = entries;
    let mut names = Vec::new();
    while let Some((first, others)) = rest.split_first() {
        let whole = families.iter().find(|family| {
            let variants = rest.get(..family.entries.len());
            let labels = |entries: &[Entry]| entries.iter().map(label).collect::<Vec<_>>();
            family.name == first.contestant.algorithm
                && variants.is_some_and(|variants| labels(variants) == labels(&family.entries))
        });
        (rest, names) = match whole {
            Some(family) => {
                names.push(family.name.to_owned());
                (&rest[family.entries.len()..], names)
            }
            None => {
                names.push(label(first));
                (others, names)
            }
        };
    }
    names
}

/// Returns the option of `simulate` that selects a scenario: by its file if there is one, or else
/// by its name.
#[must_use]
pub(crate) fn scenario_option(name: &str, file: Option<&Path>) -> String {
    match file {
        Some(path) => format!("--scenario-file {}", quoted(&path.display().to_string())),
        None => format!("--scenario {name}"),
    }
}

/// Returns the arguments of elector that simulate one run. `scenario` is an option that
/// [`scenario_option`] has returned.
#[must_use]
pub(crate) fn simulation(
    algorithm: &str,
    variant: &str,
    scenario: &str,
    nodes: u64,
    seed: u64,
    false_suspicions: bool,
) -> String {
    let suspicions = if false_suspicions {
        " --false-suspicions"
    } else {
        ""
    };
    format!(
        "simulate --algorithm {algorithm} --variant {variant} {scenario} --nodes {nodes} --seed \
         {seed}{suspicions}"
    )
}

/// Quotes a word so that a shell takes it as one word.
#[must_use]
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./,:=+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{args::Command, comparison::Comparison, study::sample};

    fn normal(arguments: &str) -> String {
        let arguments = std::iter::once("elector").chain(arguments.split(' '));
        let arguments = <crate::args::Arguments as clap::Parser>::try_parse_from(arguments);
        let crate::args::Command::Lab(Command::Compare(options)) = arguments.unwrap().command
        else {
            unreachable!("the command is compare")
        };
        let cli = Cli::standard().started_by("elector");
        Comparison::of(&cli, &options).unwrap().command
    }

    // Users may start the shards of one comparison, which are its parts for several machines, with
    // options that are written in different ways. These shards must have the same command, because
    // `merge` compares the commands.
    #[test]
    fn the_same_settings_give_the_same_command() {
        for (given, expected) in [
            (
                "compare",
                "elector compare --nodes 3,5,7 --runs 200 --seed 1",
            ),
            (
                "compare --algorithms raft,paxos,bully,ring --jobs 2 --format csv --out here",
                "elector compare --nodes 3,5,7 --runs 200 --seed 1",
            ),
            (
                "compare --nodes 5,3,5 --algorithms bully/preempt,raft --seed 9 --scenarios boot",
                "elector compare --algorithms bully/preempt,raft --nodes 3,5 --scenarios boot \
                 --runs 200 --seed 9",
            ),
        ] {
            assert_eq!(normal(given), expected, "{given}");
            let again = expected.strip_prefix("elector ").unwrap();
            assert_eq!(normal(again), expected, "{given}");
        }
    }

    // The name of an algorithm must not stand for its variants if one variant is missing.
    #[test]
    fn an_algorithm_stands_only_for_all_its_variants() {
        let families = Cli::standard().families;
        let raft = &families[0].entries;
        assert_eq!(algorithms(&families, raft), ["raft"]);
        assert!(algorithms(&families, &raft[1..]).len() == raft.len() - 1);
        assert!(!algorithms(&families, &raft[1..]).contains(&"raft".to_owned()));
        let sample = sample();
        assert_eq!(
            algorithms(&families, &sample.entries),
            ["raft/plain", "bully/preempt"]
        );
    }

    // A user must be able to paste a printed command into a shell, with any file name.
    #[test]
    fn words_are_quoted_when_a_shell_would_split_them() {
        assert_eq!(quoted("runs/mine.toml"), "runs/mine.toml");
        assert_eq!(quoted("my runs.toml"), "'my runs.toml'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
