use std::{collections::HashMap, path::PathBuf, process::ExitCode};

use elector_sim::Scenario;

use super::LabError;
use crate::{
    output,
    wrap::{WIDTH, wrapped},
};

/// `elector scenarios`, of all or of one.
///
/// # Errors
/// If no scenario has this name, or standard output cannot be written.
pub(crate) fn list(name: Option<&str>) -> Result<ExitCode, LabError> {
    if let Some(name) = name {
        output::print(Scenario::source(name)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = String::new();
    for scenario in Scenario::builtin()? {
        let label = format!("{:<18} ", scenario.name);
        text.push_str(&wrapped(&scenario.summary, &label, WIDTH));
        text.push_str(&wrapped(&scenario.sees, &" ".repeat(19), WIDTH));
        text.push('\n');
    }
    text.push_str("One as a file to copy and change: elector scenarios NAME > mine.toml\n");
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Scenarios, and the files of those that came from one, by name.
type Chosen = (Vec<Scenario>, HashMap<String, PathBuf>);

/// The scenarios of these names and files. Without both, all that are built in; with files alone,
/// those. Each name once.
///
/// # Errors
/// If a name is empty or unknown, a file cannot be read or is wrong, or two have one name.
pub(crate) fn chosen(names: Option<&[String]>, files: &[PathBuf]) -> Result<Chosen, LabError> {
    let mut scenarios: Vec<Scenario> = match names {
        None if files.is_empty() => Scenario::builtin()?,
        None => Vec::new(),
        Some(names) => named(names)?,
    };
    let mut paths = HashMap::new();
    for path in files {
        let scenario = Scenario::read(path)?;
        if scenarios.iter().any(|known| known.name == scenario.name) {
            return Err(LabError::SameName(scenario.name));
        }
        paths.insert(scenario.name.clone(), path.clone());
        scenarios.push(scenario);
    }
    Ok((scenarios, paths))
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
        let scenario = Scenario::named(name)?;
        if scenarios.iter().all(|known| known.name != scenario.name) {
            scenarios.push(scenario);
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

    // A name given twice must not run twice: the second row would look like a second result.
    #[test]
    fn each_scenario_is_taken_once_in_the_order_asked() {
        let asked = names(&["lossy", "boot", "lossy"]);
        let (chosen, _) = chosen(Some(&asked), &[]).unwrap();
        let chosen: Vec<&str> = chosen.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(chosen, ["lossy", "boot"]);
    }

    // With a file of one's own, the built-in ones would bury it.
    #[test]
    fn a_file_alone_stands_alone() {
        let path = std::env::temp_dir().join(format!("elector-own-{}.toml", std::process::id()));
        std::fs::write(&path, "name = \"own\"\nsummary = \"Nothing.\"\n").unwrap();
        let alone = chosen(None, std::slice::from_ref(&path)).unwrap();
        let twice = chosen(None, &[path.clone(), path.clone()]);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(alone.0.len(), 1);
        assert_eq!(alone.1["own"], path);
        assert!(matches!(twice, Err(LabError::SameName(name)) if name == "own"));
    }

    // A comma too many is a slip, and must not silently mean something.
    #[test]
    fn empty_names_are_refused() {
        let refused = chosen(Some(&names(&["boot", " "])), &[]);
        assert!(matches!(refused, Err(LabError::EmptyName { .. })));
    }
}
