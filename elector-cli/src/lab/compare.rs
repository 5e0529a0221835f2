use std::{
    io::{self, IsTerminal},
    path::Path,
    process::ExitCode,
    time::Duration,
};

use elector_sim::{Cell, Shard, SweepError};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{
    LabError, args, comparison::Comparison, exit_code, files, overview::count, print, study::Study,
    violations,
};
use crate::{Cli, output};

/// Runs `elector compare`.
///
/// # Errors
/// If an option is wrong, or something cannot be written. Whether the output files can be written
/// is checked before the runs start.
pub(crate) fn compare(cli: &Cli, options: &args::Compare) -> Result<ExitCode, LabError> {
    let comparison = Comparison::of(cli, options)?;
    let out = options.out.as_deref();
    if let (Some(shard), Some(out)) = (options.shard, out) {
        return compare_shard(comparison, shard, out);
    }
    if let Some(folder) = out {
        files::check(folder, &files::FILES)?;
    }
    let cells = run(&comparison, Shard::WHOLE)?;
    let study = Study::new(comparison.clone(), cells);
    if let Some(folder) = out {
        let contents = files::of_study(&study)?;
        let manifest = files::manifest(&comparison, None, &contents);
        files::write(folder, &contents, &manifest)?;
    }
    print::show(&study, options.format, out)?;
    Ok(exit_code(study.violations() == 0))
}

/// Does the runs of one shard, and writes their outcomes into a folder. A shard is one of several
/// parts of a comparison, each for one machine.
fn compare_shard(
    comparison: Comparison,
    shard: Shard,
    folder: &Path,
) -> Result<ExitCode, LabError> {
    files::check(folder, &files::RUNS)?;
    let cells = run(&comparison, shard)?;
    let contents = files::of_shard(&cells)?;
    let manifest = files::manifest(&comparison, Some(shard), &contents);
    files::write(folder, &contents, &manifest)?;
    let all = (comparison.sweep.runs as usize).saturating_mul(cells.len());
    let study = Study::new(comparison, cells);
    output::print(&format!(
        "Shard {shard}: {} of {} runs are in {}.\nWhen all shards are done: {} merge --out OUT \
         DIR…\n{}",
        count(study.runs()),
        count(all),
        folder.display(),
        study.program,
        violations::text(&study, None)
    ))?;
    Ok(exit_code(study.violations() == 0))
}

/// Does the runs of a shard (one part of a comparison, or all of it), and shows their progress if
/// standard error is a terminal.
///
/// # Errors
/// Returns the errors of [`Sweep::run_shard`](elector_sim::Sweep::run_shard).
pub(crate) fn run(comparison: &Comparison, shard: Shard) -> Result<Vec<Cell>, SweepError> {
    let bar = progress_bar();
    let cells = comparison.sweep.run_shard(shard, &|done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    cells
}

fn progress_bar() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    // The bar is redrawn only eight times a second, because a redraw takes as much time as many
    // runs.
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8));
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} runs, {eta} left");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}
