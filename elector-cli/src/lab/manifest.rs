//! `manifest.json`: the settings and the program that made the files of a folder, and the digests
//! of these files.

mod read;

use std::collections::BTreeMap;

use elector_core::GuaranteeKind;
use elector_sim::Shard;
use serde::{Deserialize, Serialize};

use super::{
    LabError,
    build::Build,
    comparison::{Comparison, OwnScenario},
    sha256::FileDigest,
};

/// The name of the manifest file.
pub(crate) const MANIFEST: &str = "manifest.json";
/// The version of the format of the manifest. A program reads only manifests of its own version.
const FORMAT: u32 = 1;
/// The version of this program.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The contents of `manifest.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// The version of the program that wrote the folder.
    pub(crate) elector: String,
    /// The version of the format of the manifest.
    format: u32,
    /// The source and the compiler of the program that wrote the folder.
    pub(crate) build: Build,
    /// The number of the shard, if the folder has only a shard (one of several parts) of a
    /// comparison.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shard: Option<ShardNumber>,
    /// The command line that repeats the comparison.
    pub(crate) command: String,
    /// The words with which a shell started the program, for example `elector`.
    program: String,
    /// The variants of algorithms that were compared.
    algorithms: Vec<ComparedVariant>,
    /// The cluster sizes, in nodes.
    nodes: Vec<u64>,
    /// The names of the scenarios. The scenarios of [`Self::scenario_files`] are the last ones.
    scenarios: Vec<String>,
    /// The scenarios from files of the user.
    scenario_files: Vec<OwnScenario>,
    /// The number of runs of each cell, which is one variant in one scenario with one cluster size.
    runs: u64,
    /// The seeds of the runs of a cell, which are the same for all cells. A cell is one variant in
    /// one scenario with one cluster size.
    seeds: Seeds,
    /// The digests of the other files of the folder, by name.
    pub(crate) files: BTreeMap<String, FileDigest>,
}

/// A variant of an algorithm that was compared, and its configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ComparedVariant {
    algorithm: String,
    variant: String,
    guarantee: GuaranteeKind,
    config: serde_json::Value,
}

/// The seeds of the first and of the last run of a cell (all runs of one variant in one scenario at
/// one size).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seeds {
    first: u64,
    last: u64,
}

/// The number of a shard and the number of all shards: see [`Shard`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ShardNumber {
    number: u64,
    count: u64,
}

impl Manifest {
    /// Returns the manifest of a comparison, or of one shard (one part) of the comparison. `files`
    /// are the names and the contents of the other files in the folder.
    #[must_use]
    pub(crate) fn of<'a>(
        comparison: &Comparison,
        shard: Option<Shard>,
        files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Self {
        let variants = comparison.entries.iter().map(|entry| ComparedVariant {
            algorithm: entry.contestant.algorithm.to_owned(),
            variant: entry.contestant.variant.clone(),
            guarantee: entry.contestant.guarantee,
            config: entry.config.clone(),
        });
        let sweep = &comparison.sweep;
        let files = files.into_iter();
        Self {
            elector: VERSION.to_owned(),
            format: FORMAT,
            build: Build::of_this_program(),
            shard: shard.map(|shard| ShardNumber {
                number: shard.number(),
                count: shard.count(),
            }),
            command: comparison.command.clone(),
            program: comparison.program.clone(),
            algorithms: variants.collect(),
            nodes: sweep.nodes.clone(),
            scenarios: sweep.scenarios.iter().map(|it| it.name.clone()).collect(),
            scenario_files: comparison.own.clone(),
            runs: sweep.runs,
            seeds: Seeds {
                first: sweep.seed,
                last: last_seed(sweep.seed, sweep.runs),
            },
            files: files
                .map(|(name, contents)| (name.to_owned(), FileDigest::of(contents)))
                .collect(),
        }
    }

    /// Returns the bytes of the file `manifest.json`.
    ///
    /// # Errors
    /// Returns the errors of the JSON encoder, which never occur for a manifest.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, LabError> {
        let mut text = serde_json::to_vec_pretty(self).map_err(LabError::Json)?;
        text.push(b'\n');
        Ok(text)
    }

    /// Returns the shard, if the folder has only a shard (one of several parts) of a comparison.
    #[must_use]
    pub(crate) fn shard(&self) -> Option<Shard> {
        self.shard
            .and_then(|shard| Shard::new(shard.number, shard.count))
    }

    /// Returns the name of the first setting in which two manifests differ. The build of the
    /// program, the shard (the part of the comparison) and the files are not compared, because they
    /// are no settings.
    #[must_use]
    pub(crate) fn differing_setting(&self, other: &Self) -> Option<&'static str> {
        let equal = [
            ("program", self.program == other.program),
            ("algorithms", self.algorithms == other.algorithms),
            ("nodes", self.nodes == other.nodes),
            ("scenarios", self.scenarios == other.scenarios),
            (
                "scenario_files",
                self.scenario_files == other.scenario_files,
            ),
            ("runs", self.runs == other.runs),
            ("seeds", self.seeds == other.seeds),
            ("command", self.command == other.command),
        ];
        let different = equal.into_iter().find(|(_, equal)| !equal);
        different.map(|(name, _)| name)
    }
}

/// Returns the seed of the last run of a cell (all runs of one variant in one scenario at one
/// size), from the seed of the first run and the number of runs.
fn last_seed(first: u64, runs: u64) -> u64 {
    first.wrapping_add(runs.saturating_sub(1))
}
