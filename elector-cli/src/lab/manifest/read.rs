//! Reads a manifest, and makes a comparison from it. Any person can have written a manifest, so
//! everything in it is checked.

use std::{fs, io, num::NonZeroUsize, path::Path};

use elector_sim::{Scenario, Shard, Sweep};
use serde_json::Value;

use super::{FORMAT, MANIFEST, Manifest, VERSION, last_seed};
use crate::{
    Cli,
    lab::{
        args::{MAX_NODES, MAX_RUNS},
        comparison::{Comparison, contestants},
        files::{FILES, RUNS},
        folder_error::FolderError,
        registry,
        registry::Entry,
    },
};

impl Manifest {
    /// Reads the manifest of a folder.
    ///
    /// # Errors
    /// If there is no manifest, if it is damaged, or another version of elector wrote it.
    pub(crate) fn read(folder: &Path) -> Result<Self, FolderError> {
        let path = folder.join(MANIFEST);
        let text = fs::read(&path).map_err(|reason| match reason.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                FolderError::NoManifest(folder.to_owned())
            }
            _ => FolderError::Read {
                path: path.clone(),
                reason,
            },
        })?;
        let damaged = |reason: String| FolderError::Damaged {
            path: path.clone(),
            reason,
        };
        let value: Value = serde_json::from_slice(&text).map_err(|it| damaged(it.to_string()))?;
        let version = value.get("elector").and_then(Value::as_str);
        let version = version.ok_or_else(|| damaged("it has no field `elector`".to_owned()))?;
        if version != VERSION || value.get("format") != Some(&Value::from(FORMAT)) {
            let commit = value.pointer("/build/commit").and_then(Value::as_str);
            return Err(FolderError::OtherVersion {
                path,
                version: version.to_owned(),
                commit: commit.map(str::to_owned),
            });
        }
        let manifest: Self = serde_json::from_value(value).map_err(|it| damaged(it.to_string()))?;
        match manifest.problem() {
            Some(problem) => Err(damaged(problem)),
            None => Ok(manifest),
        }
    }

    /// Returns the first rule that the manifest breaks, as text. Returns `None` if it breaks no
    /// rule.
    fn problem(&self) -> Option<String> {
        let text = |text: &str| Some(text.to_owned());
        if self.shard.is_some() && self.shard().is_none() {
            return text("the number of the shard is out of range");
        }
        let names: Vec<&str> = self.files.keys().map(String::as_str).collect();
        let mut expected = self.file_names().to_vec();
        expected.sort_unstable();
        if names != expected {
            return Some(format!("`files` must have: {}", expected.join(", ")));
        }
        if !(1..=MAX_RUNS).contains(&self.runs) {
            return Some(format!("`runs` must be from 1 to {MAX_RUNS}"));
        }
        if self.seeds.last != last_seed(self.seeds.first, self.runs) {
            return text("`seeds` does not match `runs`");
        }
        let is_valid = |nodes: &u64| (1..=MAX_NODES).contains(nodes);
        let ascends = self.nodes.windows(2).all(|pair| pair[0] < pair[1]);
        if !self.nodes.iter().all(is_valid) || !ascends {
            return Some(format!("`nodes` must ascend and be from 1 to {MAX_NODES}"));
        }
        let variants = self
            .algorithms
            .iter()
            .map(|it| (&it.algorithm, &it.variant));
        if has_duplicates(variants) {
            return text("`algorithms` names a variant twice");
        }
        if has_duplicates(self.scenarios.iter()) {
            return text("`scenarios` names a scenario twice");
        }
        let own = self.scenario_files.iter().map(|own| &own.name);
        let named = self.scenarios.iter().rev().take(own.len()).rev();
        if !own.eq(named) {
            return text("the last `scenarios` are not those of `scenario_files`");
        }
        None
    }

    /// Returns the names of the files of the folder, without the manifest.
    #[must_use]
    pub(crate) fn file_names(&self) -> &'static [&'static str] {
        if self.shard.is_some() { &RUNS } else { &FILES }
    }

    /// Returns the comparison that the manifest describes. The manifest contains the text of the
    /// user's scenarios, so their files are not read again.
    ///
    /// # Errors
    /// If this program does not have a variant or a scenario of the manifest, or a scenario of the
    /// user is wrong.
    pub(crate) fn comparison(
        &self,
        cli: &Cli,
        folder: &Path,
        jobs: Option<NonZeroUsize>,
    ) -> Result<Comparison, FolderError> {
        let path = folder.join(MANIFEST);
        let entries = self.entries(cli, &path)?;
        let scenario = |reason| FolderError::Scenario {
            path: path.clone(),
            reason,
        };
        let built_in = self.scenarios.len() - self.scenario_files.len();
        let mut scenarios = Vec::new();
        for name in self.scenarios.iter().take(built_in) {
            scenarios.push(Scenario::named(name).map_err(scenario)?);
        }
        for own in &self.scenario_files {
            let parsed = Scenario::parse(&own.text, &own.path).map_err(scenario)?;
            if parsed.name != own.name {
                return Err(FolderError::Damaged {
                    path,
                    reason: format!("the text of scenario {} has another name", own.name),
                });
            }
            scenarios.push(parsed);
        }
        Ok(Comparison {
            program: self.program.clone(),
            command: self.command.clone(),
            sweep: Sweep {
                contestants: contestants(&entries),
                nodes: self.nodes.clone(),
                scenarios,
                runs: self.runs,
                seed: self.seeds.first,
                jobs,
                always_twice: false,
            },
            entries,
            own: self.scenario_files.clone(),
        })
    }

    /// Returns the variants of algorithms that the manifest names.
    fn entries(&self, cli: &Cli, path: &Path) -> Result<Vec<Entry>, FolderError> {
        let entries = self.algorithms.iter().map(|compared| {
            let variant = Some(compared.variant.as_str());
            let found = registry::single(&cli.families, &compared.algorithm, variant);
            found.cloned().map_err(|_| FolderError::UnknownVariant {
                path: path.to_owned(),
                variant: format!("{}/{}", compared.algorithm, compared.variant),
            })
        });
        entries.collect()
    }

    /// Returns the names of the variants that have another configuration in `comparison` than in
    /// the manifest.
    #[must_use]
    pub(crate) fn reconfigured(&self, comparison: &Comparison) -> Vec<String> {
        let both = self.algorithms.iter().zip(&comparison.entries);
        let different = both.filter(|(compared, entry)| compared.config != entry.config);
        different
            .map(|(_, entry)| entry.contestant.label())
            .collect()
    }

    /// Returns the shard (the part of the comparison) that the folder has. A folder with a whole
    /// comparison has its only shard, 1 of 1.
    #[must_use]
    pub(crate) fn part(&self) -> Shard {
        self.shard().unwrap_or(Shard::WHOLE)
    }
}

fn has_duplicates<T: Ord>(items: impl Iterator<Item = T>) -> bool {
    let mut items: Vec<T> = items.collect();
    items.sort_unstable();
    items.windows(2).any(|pair| pair[0] == pair[1])
}
