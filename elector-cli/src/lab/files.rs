use std::path::Path;

use elector_core::GuaranteeKind;
use serde::Serialize;
use serde_json::json;

use super::{
    LabError, args, report,
    study::{Study, quoted, scenario_option},
    write,
};

/// The files that `--out` writes.
pub(crate) const FILES: [&str; 4] = [
    "report.html",
    "summary.csv",
    "elections.csv",
    "manifest.json",
];

/// Writes all of [`FILES`] into a folder that [`write::check_folder`] has checked.
///
/// # Errors
/// If a file cannot be written.
pub(crate) fn write(folder: &Path, study: &Study, options: &args::Compare) -> Result<(), LabError> {
    let contents = [
        report::page(study, &command(study, options)).into_bytes(),
        summary_csv(study)?,
        elections_csv(study)?,
        manifest(study, options)?,
    ];
    let mut files = FILES.iter().zip(contents);
    files.try_for_each(|(file, contents)| write::write_file(&folder.join(file), &contents))
}

/// Returns the figures, one row per cell.
///
/// # Errors
/// Errors of the CSV encoder; figures do not cause any.
pub(crate) fn summary_csv(study: &Study) -> Result<Vec<u8>, LabError> {
    rows(study.summaries.iter())
}

/// One row per election. Times are nanoseconds of virtual time since boot.
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

fn manifest(study: &Study, options: &args::Compare) -> Result<Vec<u8>, LabError> {
    let algorithms = study.entries.iter().map(|entry| {
        json!({
            "algorithm": entry.contestant.algorithm,
            "variant": entry.contestant.variant,
            "guarantee": entry.contestant.guarantee,
            "config": entry.config,
        })
    });
    let names = study.sweep.scenarios.iter().map(|scenario| &scenario.name);
    let runs = study.sweep.runs;
    let manifest = json!({
        "elector": env!("CARGO_PKG_VERSION"),
        "command": command(study, options),
        "algorithms": algorithms.collect::<Vec<_>>(),
        "nodes": study.sweep.nodes,
        "scenarios": names.collect::<Vec<_>>(),
        "runs": runs,
        "seeds": { "first": study.sweep.seed, "last": study.sweep.seed.wrapping_add(runs - 1) },
        "files": FILES,
    });
    let mut text = serde_json::to_vec_pretty(&manifest).map_err(LabError::Json)?;
    text.push(b'\n');
    Ok(text)
}

/// Returns the command that repeats this comparison, without the options that do not change its
/// result: the number of threads and the output folder.
#[must_use]
pub(crate) fn command(study: &Study, options: &args::Compare) -> String {
    let mut parts = vec![format!("{} compare", study.program)];
    let list = |names: &[String]| quoted(&names.join(","));
    if let Some(names) = &options.algorithms {
        parts.push(format!("--algorithms {}", list(names)));
    }
    let nodes: Vec<String> = options.nodes.iter().map(u64::to_string).collect();
    parts.push(format!("--nodes {}", nodes.join(",")));
    if let Some(names) = &options.scenarios {
        parts.push(format!("--scenarios {}", list(names)));
    }
    let files = options.scenario_file.iter();
    parts.extend(files.map(|file| scenario_option("", Some(file))));
    parts.push(format!("--runs {} --seed {}", options.runs, options.seed));
    parts.join(" ")
}
