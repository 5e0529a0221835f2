use std::{fs, path::Path};

use elector_sim::{Scenario, Sweep, scenario::ScenarioError};
use serde::{Deserialize, Serialize};

use super::{LabError, args, command, registry, registry::Entry, scenarios};
use crate::Cli;

/// A comparison before it is run: everything that determines its result.
#[derive(Clone, Debug)]
pub(crate) struct Comparison {
    /// The words with which a shell starts this program, for example `elector`.
    pub(crate) program: String,
    /// The command line that repeats the comparison.
    pub(crate) command: String,
    /// The variants (configurations of algorithms) to compare.
    pub(crate) entries: Vec<Entry>,
    /// The scenarios, cluster sizes and seeds of the runs.
    pub(crate) sweep: Sweep,
    /// The scenarios from files of the user. They are also the last scenarios of `sweep`.
    pub(crate) own: Vec<OwnScenario>,
}

/// A scenario from a file of the user, with the text of the file when it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnScenario {
    /// The name of the scenario.
    pub(crate) name: String,
    /// The path of the file, as the user gave it.
    pub(crate) path: String,
    /// The text of the file.
    pub(crate) text: String,
}

impl OwnScenario {
    /// Reads a scenario from a file.
    ///
    /// # Errors
    /// If the file cannot be read or is not a scenario.
    pub(crate) fn read(path: &Path) -> Result<(Self, Scenario), ScenarioError> {
        let shown = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|error| ScenarioError::Read {
            path: shown.clone(),
            error,
        })?;
        let scenario = Scenario::parse(&text, &shown)?;
        let own = Self {
            name: scenario.name.clone(),
            path: shown,
            text,
        };
        Ok((own, scenario))
    }
}

impl Comparison {
    /// Returns the comparison that these options describe.
    ///
    /// # Errors
    /// If a name is unknown, or a scenario file is wrong.
    pub(crate) fn of(cli: &Cli, options: &args::Compare) -> Result<Self, LabError> {
        let entries = registry::selected(&cli.families, options.algorithms.as_deref())?;
        let (scenarios, own) =
            scenarios::selected(options.scenarios.as_deref(), &options.scenario_file)?;
        let mut nodes = options.nodes.clone();
        nodes.sort_unstable();
        nodes.dedup();
        let sweep = Sweep {
            contestants: contestants(&entries),
            nodes,
            scenarios,
            runs: options.runs,
            seed: options.seed,
            jobs: options.jobs,
            always_twice: false,
        };
        Ok(Self {
            program: cli.program.clone(),
            command: command::normalised(cli, &entries, &sweep, &own)?,
            entries,
            sweep,
            own,
        })
    }
}

/// Returns the variants (configurations of algorithms) in the form that the simulator runs.
pub(crate) fn contestants(entries: &[Entry]) -> Vec<elector_sim::Contestant> {
    let contestants = entries.iter().map(|entry| entry.contestant.clone());
    contestants.collect()
}
