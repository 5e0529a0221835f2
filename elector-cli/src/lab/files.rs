use std::path::Path;

use elector_core::GuaranteeKind;
use elector_sim::{Cell, MembersSummary, Shard, Summary};
use serde::Serialize;

use super::{
    LabError,
    comparison::Comparison,
    manifest::{MANIFEST, Manifest},
    report,
    runs_file::RunsFile,
    study::Study,
    write,
};

/// The files that a whole comparison writes, in addition to the manifest.
pub(crate) const FILES: [&str; 3] = ["report.html", "summary.csv", "elections.csv"];
/// The file that a shard of a comparison writes, in addition to the manifest. A shard is one of
/// several parts of a comparison, each for one machine.
pub(crate) const RUNS: [&str; 1] = ["runs.bin"];

/// The names and the contents of the files of a folder, except the manifest.
pub(crate) type Contents = Vec<(&'static str, Vec<u8>)>;

/// Checks, before the runs start, that a folder and files in it can be written.
///
/// # Errors
/// If the folder cannot be created, or a file cannot be written.
pub(crate) fn check(folder: &Path, files: &[&str]) -> Result<(), LabError> {
    write::check_folder(folder, &[files, &[MANIFEST]].concat())
}

/// Returns the contents of the files [`FILES`] of a comparison that was run.
///
/// # Errors
/// Returns the errors of the CSV encoder, which never occur for figures.
pub(crate) fn of_study(study: &Study) -> Result<Contents, LabError> {
    let contents = [
        report::page(study, &study.command).into_bytes(),
        summary_csv(study)?,
        elections_csv(study)?,
    ];
    Ok(FILES.into_iter().zip(contents).collect())
}

/// Returns the contents of the file [`RUNS`] of a shard (one part of a comparison), whose runs are
/// in `cells`.
///
/// # Errors
/// Returns the errors of the encoder, which never occur for runs.
pub(crate) fn of_shard(cells: &[Cell]) -> Result<Contents, LabError> {
    let contents = [RunsFile::of(cells).to_bytes()?];
    Ok(RUNS.into_iter().zip(contents).collect())
}

/// Returns the manifest of a folder with these files. `shard` is `None` if the folder has the whole
/// comparison.
#[must_use]
pub(crate) fn manifest(
    comparison: &Comparison,
    shard: Option<Shard>,
    files: &Contents,
) -> Manifest {
    let files = files.iter().map(|(name, bytes)| (*name, bytes.as_slice()));
    Manifest::of(comparison, shard, files)
}

/// Writes the files and their manifest into a folder that [`check`] has checked. The manifest is
/// written last: a folder without a manifest, or with the manifest of other files, is not complete.
///
/// # Errors
/// If a file cannot be written.
pub(crate) fn write(folder: &Path, files: &Contents, manifest: &Manifest) -> Result<(), LabError> {
    for (name, contents) in files {
        write::write_file(&folder.join(name), contents)?;
    }
    write::write_file(&folder.join(MANIFEST), &manifest.to_bytes()?)
}

/// Returns the figures as CSV, one row for each cell. A cell has all runs of one variant in one
/// scenario with one cluster size.
///
/// # Errors
/// Returns the errors of the CSV encoder, which never occur for figures.
pub(crate) fn summary_csv(study: &Study) -> Result<Vec<u8>, LabError> {
    if study.summaries.iter().all(|it| it.members.is_none()) {
        return rows(study.summaries.iter());
    }
    // The CSV encoder rejects nested values, and requires the same columns in all rows.
    rows(study.summaries.iter().map(|summary| {
        let alone = Summary {
            members: None,
            ..summary.clone()
        };
        (alone, ChangeColumns::from(summary.members))
    }))
}

/// The last columns of `summary.csv`, if a scenario of the comparison changes the members. They are
/// empty in the row of a scenario that does not change the members.
#[derive(Debug, Default, Serialize)]
struct ChangeColumns {
    changed_runs: Option<usize>,
    change_ms_p50: Option<f64>,
    change_ms_p99: Option<f64>,
    change_leaderless_ms_mean: Option<f64>,
    change_messages_mean: Option<f64>,
}

impl From<Option<MembersSummary>> for ChangeColumns {
    fn from(members: Option<MembersSummary>) -> Self {
        members.map_or_else(Self::default, |members| Self {
            changed_runs: Some(members.changed_runs),
            change_ms_p50: members.change_ms_p50,
            change_ms_p99: members.change_ms_p99,
            change_leaderless_ms_mean: Some(members.change_leaderless_ms_mean),
            change_messages_mean: Some(members.change_messages_mean),
        })
    }
}

/// A row of `elections.csv`: one election. Times are nanoseconds of virtual time since the boot of
/// the cluster.
#[derive(Debug, Serialize)]
struct ElectionRow<'a> {
    algorithm: &'a str,
    variant: &'a str,
    guarantee: GuaranteeKind,
    nodes: u64,
    scenario: &'a str,
    seed: u64,
    election: usize,
    opened_ns: u64,
    winner_ns: u64,
    settled_ns: u64,
    leader: u64,
    epoch: u64,
    messages: u64,
    bytes: u64,
}

fn elections_csv(study: &Study) -> Result<Vec<u8>, LabError> {
    rows(study.cells.iter().flat_map(|cell| {
        cell.outcomes.iter().flat_map(move |outcome| {
            outcome
                .elections
                .iter()
                .enumerate()
                .map(move |(number, election)| ElectionRow {
                    algorithm: cell.algorithm,
                    variant: &cell.variant,
                    guarantee: cell.guarantee,
                    nodes: cell.nodes,
                    scenario: &cell.scenario,
                    seed: outcome.seed,
                    election: number + 1,
                    opened_ns: election.opened_ns,
                    winner_ns: election.winner_ns,
                    settled_ns: election.settled_ns,
                    leader: election.leader.0,
                    epoch: election.epoch.0,
                    messages: election.messages,
                    bytes: election.bytes,
                })
        })
    }))
}

fn rows(rows: impl Iterator<Item = impl Serialize>) -> Result<Vec<u8>, LabError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row).map_err(LabError::Csv)?;
    }
    let written = writer.into_inner();
    written.map_err(|error| LabError::Csv(error.into_error().into()))
}
