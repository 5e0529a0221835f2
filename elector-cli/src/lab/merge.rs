//! `elector merge`: makes one comparison from all its shards, which are the parts that several
//! machines have run.

mod error;
mod parts;

use std::{path::Path, process::ExitCode};

use elector_sim::Cell;

pub(crate) use error::MergeError;
use parts::Part;

use super::{
    LabError, args, build::Build, comparison::Comparison, exit_code, files, print, study::Study,
};
use crate::{Cli, output};

/// Runs `elector merge`.
///
/// # Errors
/// If the folders are not all shards of one comparison, each once, or if something cannot be
/// written.
pub(crate) fn merge(cli: &Cli, options: &args::Merge) -> Result<ExitCode, LabError> {
    for folder in &options.shards {
        // The manifest of the whole comparison would overwrite the manifest of the shard (part of
        // the comparison).
        if is_same(folder, &options.out) {
            return Err(MergeError::OutIsShard(folder.clone()).into());
        }
    }
    let parts = parts::read(&options.shards)?;
    let comparison = parts[0].manifest.comparison(cli, &parts[0].folder, None)?;
    let build = &parts[0].manifest.build;
    if *build != Build::of_this_program() {
        let folder = parts[0].folder.clone();
        let build = Box::new(build.clone());
        return Err(MergeError::OtherProgram { folder, build }.into());
    }
    let cells = joined(&comparison, &parts)?;
    files::check(&options.out, &files::FILES)?;
    if build.dirty {
        output::warn(
            "note: the program was built from changed sources, so it is not known whether all \
             shards were run by the same program\n",
        );
    }
    let study = Study::new(comparison.clone(), cells);
    let contents = files::of_study(&study)?;
    let manifest = files::manifest(&comparison, None, &contents);
    files::write(&options.out, &contents, &manifest)?;
    print::show(&study, options.format, Some(&options.out))?;
    Ok(exit_code(study.violations() == 0))
}

fn is_same(folder: &Path, other: &Path) -> bool {
    match (folder.canonicalize(), other.canonicalize()) {
        (Ok(folder), Ok(other)) => folder == other,
        _ => false,
    }
}

/// Returns the cells of the comparison with the runs of all shards. A cell has all runs of one
/// variant in one scenario with one cluster size.
fn joined(comparison: &Comparison, parts: &[Part]) -> Result<Vec<Cell>, LabError> {
    let sweep = &comparison.sweep;
    let mut cells = sweep.empty_cells();
    for part in parts {
        // The cells (one for each variant, scenario and size) of a shard have the same order as
        // `cells`, so the search for the next cell continues after the last cell that was found.
        let mut rest = cells.iter_mut();
        for record in part.runs()?.cells {
            let cell = rest.find(|cell| record.is_of(cell));
            let cell = cell.ok_or_else(|| {
                part.damaged(format!(
                    "it has runs of an unexpected cell: {}",
                    record.label()
                ))
            })?;
            for run in &record.runs {
                let outcome = run.outcome();
                let outcome = outcome.ok_or_else(|| {
                    let label = record.label();
                    part.damaged(format!("the run of {label}, seed {}, is wrong", run.seed))
                })?;
                cell.outcomes.push(outcome);
            }
        }
    }
    for cell in &mut cells {
        let number = |seed: u64| seed.wrapping_sub(sweep.seed);
        cell.outcomes.sort_by_key(|run| number(run.seed));
        let seeds = cell.outcomes.iter().map(|run| number(run.seed));
        if !seeds.eq(0..sweep.runs) {
            return Err(MergeError::Incomplete {
                algorithm: format!("{}/{}", cell.algorithm, cell.variant),
                scenario: cell.scenario.clone(),
                nodes: cell.nodes,
            }
            .into());
        }
    }
    Ok(cells)
}
