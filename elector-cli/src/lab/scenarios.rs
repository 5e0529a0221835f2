use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use elector_sim::Scenario;

use super::{LabError, comparison::OwnScenario};
use crate::{
    output,
    wrap::{WIDTH, wrapped},
};

/// The width of the column with the names of scenarios, in characters. A longer name shifts the
/// text beside it to the right.
const WIDTH_OF_NAMES: usize = 18;

/// Runs `elector scenarios`: lists all scenarios, or prints the source of one.
///
/// # Errors
/// If no built-in scenario has this name, or standard output cannot be written.
pub(crate) fn list(name: Option<&str>) -> Result<ExitCode, LabError> {
    if let Some(name) = name {
        reject_path("scenarios", name)?;
        output::print(Scenario::source(name)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = String::new();
    for scenario in Scenario::builtin()? {
        describe(&scenario, &mut text);
    }
    text.push_str(
        "Scenarios that change the members, for algorithms whose members can change. `compare` \
         runs them\nif they are named; `--scenarios members` names all of them:\n\n",
    );
    for scenario in Scenario::changing_members()? {
        describe(&scenario, &mut text);
    }
    text.push_str("To copy and change a scenario: elector scenarios NAME > mine.toml\n");
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Appends what happens in a scenario, and what a user sees, to `text`.
fn describe(scenario: &Scenario, text: &mut String) {
    let label = format!("{:<WIDTH_OF_NAMES$} ", scenario.name);
    text.push_str(&wrapped(&scenario.summary, &label, WIDTH));
    let blanks = " ".repeat(label.chars().count());
    text.push_str(&wrapped(&scenario.sees, &blanks, WIDTH));
    text.push('\n');
}

/// All selected scenarios, and then a second list with those of them that came from files of the
/// user. The scenarios of the second list are the last ones of the first list.
type Selection = (Vec<Scenario>, Vec<OwnScenario>);

/// Returns the scenarios with these names and from these files. Without names and files, returns
/// the built-in scenarios of a whole comparison, which do not change the members. With files and
/// without names, returns only the scenarios of the files. Each scenario occurs once.
///
/// # Errors
/// If a name is empty or unknown, a file cannot be read or is wrong, or two scenarios have the same
/// name.
pub(crate) fn selected(names: Option<&[String]>, files: &[PathBuf]) -> Result<Selection, LabError> {
    let mut scenarios: Vec<Scenario> = match names {
        None if files.is_empty() => Scenario::builtin()?,
        None => Vec::new(),
        Some(names) => named(names)?,
    };
    let mut all_own = Vec::new();
    for path in files {
        let (own, scenario) = OwnScenario::read(path)?;
        if scenarios.iter().any(|known| known.name == scenario.name) {
            return Err(LabError::SameName(scenario.name));
        }
        all_own.push(own);
        scenarios.push(scenario);
    }
    Ok((scenarios, all_own))
}

/// Rejects the path of a file if the name of a scenario is expected. `place` is the option or the
/// subcommand that expects a name.
///
/// # Errors
/// If `name` looks like a path.
pub(crate) fn reject_path(place: &'static str, name: &str) -> Result<(), LabError> {
    let is_toml = Path::new(name)
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("toml"));
    if is_toml || name.contains(['/', '\\']) {
        let path = name.to_owned();
        return Err(LabError::PathAsName { place, path });
    }
    Ok(())
}

fn named(names: &[String]) -> Result<Vec<Scenario>, LabError> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    for name in names {
        let name = name.trim();
        if name.is_empty() {
            return Err(LabError::EmptyName {
                option: "--scenarios",
                default: "all scenarios",
                example: "leader-crash,lossy",
            });
        }
        reject_path("--scenarios", name)?;
        for scenario in Scenario::all_named(name)? {
            if scenarios.iter().all(|known| known.name != scenario.name) {
                scenarios.push(scenario);
            }
        }
    }
    Ok(scenarios)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|&name| name.to_owned()).collect()
    }

    // A scenario whose name occurs twice must run only once: a second row would look like a second
    // result.
    #[test]
    fn each_scenario_runs_once_in_the_order_of_the_names() {
        let wanted = names(&["lossy", "boot", "lossy"]);
        let (selected, _) = selected(Some(&wanted), &[]).unwrap();
        let selected: Vec<&str> = selected.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(selected, ["lossy", "boot"]);
    }

    // If the user gives only a file, the built-in scenarios must not run: the result for the file
    // would be hard to find among their results.
    #[test]
    fn a_file_replaces_the_built_in_scenarios() {
        let path = std::env::temp_dir().join(format!("elector-own-{}.toml", std::process::id()));
        std::fs::write(&path, "name = \"own\"\nsummary = \"Nothing.\"\n").unwrap();
        let alone = selected(None, std::slice::from_ref(&path)).unwrap();
        let twice = selected(None, &[path.clone(), path.clone()]);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(alone.0.len(), 1);
        assert_eq!(alone.1[0].path, path.display().to_string());
        assert_eq!(alone.1[0].name, "own");
        assert!(matches!(twice, Err(LabError::SameName(name)) if name == "own"));
    }

    // An extra comma in a list of names is a typing error, and must give an error message.
    #[test]
    fn empty_names_are_rejected() {
        let rejected = selected(Some(&names(&["boot", " "])), &[]);
        assert!(matches!(rejected, Err(LabError::EmptyName { .. })));
    }

    // Users forget `--scenario-file` before a path. The error must name this option, and not the
    // most similar name of a built-in scenario.
    #[test]
    fn a_path_in_place_of_a_name_leads_to_the_right_option() {
        for path in ["./mine.toml", "mine.TOML", "runs/mine", r"C:\mine"] {
            let error = selected(Some(&names(&["boot", path])), &[]).unwrap_err();
            let error = error.to_string();
            let hint = format!("--scenario-file {}", crate::lab::command::quoted(path));
            assert!(error.contains(&hint), "{path}: {error}");
        }
    }
}
