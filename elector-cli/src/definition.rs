use std::{
    env::{self, consts::EXE_SUFFIX},
    path::Path,
};

use clap::{
    Arg, Command, CommandFactory as _, ValueHint,
    builder::{PossibleValue, PossibleValuesParser, Str},
};

use crate::{args::Arguments, family::Family};

/// The names that shells and man pages offer as values of arguments.
struct Values {
    algorithms: Vec<PossibleValue>,
    variants: Vec<PossibleValue>,
    scenarios: Vec<PossibleValue>,
}

/// Returns the definition of the command for completions and man pages, under the name `program`.
/// The definition contains the names of the algorithms in `families` and of all scenarios.
///
/// The parser of the arguments does not use this definition. It accepts any text as the name of an
/// algorithm or a scenario, and the subcommand rejects a wrong name with a better error than clap.
pub(crate) fn definition(families: &[Family], program: &str) -> Command {
    let values = Values {
        algorithms: algorithms(families),
        variants: variants(families),
        scenarios: scenarios(),
    };
    let command = values.added_to(Arguments::command());
    command.bin_name(program).display_name(program)
}

impl Values {
    fn added_to(&self, command: Command) -> Command {
        let subcommand = command.get_name().to_owned();
        command
            .mut_args(|arg| self.described(&subcommand, arg))
            .mut_subcommands(|command| self.added_to(command))
    }

    fn described(&self, subcommand: &str, arg: Arg) -> Arg {
        match (subcommand, arg.get_id().as_str()) {
            (_, "algorithm" | "algorithms") => arg.value_parser(parser(&self.algorithms)),
            (_, "variant") => arg.value_parser(parser(&self.variants)),
            // A man page with all names would only repeat the long list that `elector scenarios`
            // prints.
            (_, "scenario" | "scenarios") | ("scenarios", "name") => arg
                .value_parser(parser(&self.scenarios))
                .hide_possible_values(true),
            _ => hinted(arg),
        }
    }
}

/// Returns the name under which a shell knows this program: the file name in argument 0 of the
/// process, or `elector` if argument 0 has no file name.
pub(crate) fn program() -> String {
    let path = env::args_os().next().unwrap_or_default();
    let name = Path::new(&path).file_name().and_then(|name| name.to_str());
    let name = name.and_then(|name| name.strip_suffix(EXE_SUFFIX));
    name.unwrap_or("elector").to_owned()
}

fn parser(values: &[PossibleValue]) -> PossibleValuesParser {
    PossibleValuesParser::new(values.iter().cloned())
}

/// Adds a hint to an argument, so that a shell offers folders, files or programs as its value. The
/// hint follows from the name of the value in the help, for example `DIR`.
fn hinted(arg: Arg) -> Arg {
    let name = arg.get_value_names().and_then(<[_]>::first);
    match name.map(Str::as_str) {
        Some("DIR") => arg.value_hint(ValueHint::DirPath),
        Some("FILE") => arg.value_hint(ValueHint::FilePath),
        Some("COMMAND") => arg.value_hint(ValueHint::CommandName),
        // The name `BOOL` already says that the values are `true` and `false`.
        Some("BOOL") => arg.hide_possible_values(true),
        _ => arg,
    }
}

/// Returns each algorithm, followed by its variants.
fn algorithms(families: &[Family]) -> Vec<PossibleValue> {
    let mut values = Vec::new();
    for family in families {
        values.push(PossibleValue::new(family.name).help(family.summary));
        for (variant, summary) in &family.variants {
            let name = format!("{}/{variant}", family.name);
            values.push(PossibleValue::new(name).help(*summary));
        }
    }
    values
}

/// Returns the name of each variant once, also if several algorithms have a variant of this name.
fn variants(families: &[Family]) -> Vec<PossibleValue> {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in families.iter().flat_map(|family| &family.variants) {
        if !names.contains(name) {
            names.push(name);
        }
    }
    names.into_iter().map(PossibleValue::new).collect()
}

#[cfg(feature = "lab")]
fn scenarios() -> Vec<PossibleValue> {
    let scenarios = elector_sim::Scenario::builtin().unwrap_or_default();
    let changing = elector_sim::Scenario::changing_members().unwrap_or_default();
    let names = scenarios
        .into_iter()
        .chain(changing)
        .map(|scenario| scenario.name);
    names.map(PossibleValue::new).collect()
}

/// Returns no names, because only the simulator has scenarios, and it is not compiled in.
#[cfg(not(feature = "lab"))]
fn scenarios() -> Vec<PossibleValue> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cli;

    fn values(command: &Command, argument: &str) -> Vec<String> {
        let argument = command
            .get_arguments()
            .find(|arg| arg.get_id() == argument)
            .unwrap();
        let values = argument.get_possible_values();
        values.iter().map(|it| it.get_name().to_owned()).collect()
    }

    // Shells must offer an algorithm of another crate like the built-in algorithms, for each
    // argument that names an algorithm.
    #[test]
    fn the_algorithms_of_the_program_are_the_values() {
        let cli = Cli::new().with::<elector_ring::Ring>();
        let definition = definition(&cli.families, "mine");
        let mut found = 0;
        for command in definition.get_subcommands() {
            for argument in command.get_arguments() {
                let id = argument.get_id().as_str();
                if id == "algorithm" || id == "algorithms" {
                    let values = values(command, id);
                    assert!(values[0] == "ring" && values.len() > 1, "{values:?}");
                    assert!(
                        values.iter().all(|name| name.starts_with("ring")),
                        "{values:?}"
                    );
                    found += 1;
                }
            }
        }
        let lab = if cfg!(feature = "lab") { 3 } else { 0 };
        let node = if cfg!(all(feature = "node", target_os = "linux")) {
            2
        } else {
            0
        };
        assert_eq!(found, lab + node);
    }

    // For each argument that names a scenario, shells must offer the scenarios that
    // `elector scenarios` lists. The argument of `elector scenarios` itself is one of these
    // arguments.
    #[cfg(feature = "lab")]
    #[test]
    fn scenarios_are_offered_wherever_one_is_named() {
        let definition = definition(&Cli::standard().families, "elector");
        for (command, argument) in [
            ("compare", "scenarios"),
            ("simulate", "scenario"),
            ("scenarios", "name"),
        ] {
            let command = definition.find_subcommand(command).unwrap();
            let values = values(command, argument);
            assert!(values.contains(&"leader-crash".to_owned()), "{values:?}");
        }
    }

    // clap checks the whole definition of the command line (no duplicate names, valid defaults)
    // only if `debug_assert` is called. Without this test, a mistake in the definition would show
    // only when a user requests completions or man pages.
    #[test]
    fn the_definition_is_valid() {
        definition(&Cli::standard().families, "elector").debug_assert();
    }
}
