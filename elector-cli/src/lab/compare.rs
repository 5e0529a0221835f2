use std::{
    fmt::Write as _,
    io::{self, IsTerminal},
    process::ExitCode,
    time::Duration,
};

use elector_sim::Sweep;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{
    LabError,
    args::{self, Format},
    exit_code, files, overview, registry, scenarios,
    study::Study,
    write,
};
use crate::{Cli, output};

/// The maximum number of rows for which one table shows all of them. For more rows, the command
/// prints an overview.
const MAX_TABLE_ROWS: usize = 40;
/// The maximum number of cells whose violations are printed. A broken algorithm has hundreds.
const MAX_PRINTED_CELLS: usize = 20;

/// Runs `elector compare`.
///
/// # Errors
/// If an option is wrong, or something cannot be written. Output files are checked before the runs
/// start.
pub(crate) fn compare(cli: &Cli, options: &args::Compare) -> Result<ExitCode, LabError> {
    let entries = registry::selected(&cli.families, options.algorithms.as_deref())?;
    let (scenarios, paths) =
        scenarios::selected(options.scenarios.as_deref(), &options.scenario_file)?;
    let mut nodes: Vec<u64> = options.nodes.clone();
    nodes.sort_unstable();
    nodes.dedup();
    let sweep = Sweep {
        contestants: entries
            .iter()
            .map(|entry| entry.contestant.clone())
            .collect(),
        nodes,
        scenarios,
        runs: options.runs,
        seed: options.seed,
        jobs: options.jobs,
        always_twice: false,
    };
    if let Some(folder) = &options.out {
        write::check_folder(folder, &files::FILES)?;
    }
    let bar = progress_bar();
    let program = cli.program.clone();
    let study = Study::run(program, entries, sweep, paths, &|done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    let study = study?;
    if let Some(folder) = &options.out {
        files::write(folder, &study, options)?;
    }
    show(&study, options)?;
    Ok(exit_code(study.violations() == 0))
}

fn show(study: &Study, options: &args::Compare) -> Result<(), LabError> {
    let violations = violations(study);
    match options.format {
        Format::Table => output::print(&(tables(study, options) + &violations))?,
        Format::Json => {
            output::print(
                &(serde_json::to_string_pretty(&study.summaries).map_err(LabError::Json)? + "\n"),
            )?;
            output::warn(&violations);
        }
        Format::Csv => {
            output::print(&String::from_utf8_lossy(&files::summary_csv(study)?))?;
            output::warn(&violations);
        }
    }
    Ok(())
}

fn tables(study: &Study, options: &args::Compare) -> String {
    if study.summaries.len() <= MAX_TABLE_ROWS {
        return elector_sim::table(&study.summaries) + "\n";
    }
    let mut text = overview::text(study);
    let _ = writeln!(
        text,
        "\nAll {} rows: add --format csv.",
        study.summaries.len()
    );
    let _ = match &options.out {
        Some(out) => writeln!(
            text,
            "The report is in {}.",
            out.join("report.html").display()
        ),
        None => writeln!(text, "A report with charts and diagrams: add --out DIR."),
    };
    text
}

/// Returns the violations, each with the command that repeats the run. Empty if there are none.
fn violations(study: &Study) -> String {
    let cells = study.cells.iter().zip(&study.summaries);
    let broken: Vec<_> = cells
        .filter(|(_, summary)| summary.violations > 0)
        .collect();
    let mut text = String::new();
    for (cell, summary) in broken.iter().take(MAX_PRINTED_CELLS) {
        let mut runs = cell.outcomes.iter();
        let first = runs.find_map(|run| Some((run.seed, run.violations.first()?)));
        let Some((seed, violation)) = first else {
            continue;
        };
        let _ = write!(
            text,
            "\n{}/{} violates {} in {} with {} nodes ({} in {} runs)\n  {}\n  {}\n",
            cell.algorithm,
            cell.variant,
            violation.invariant,
            cell.scenario,
            cell.nodes,
            summary.violations,
            summary.runs,
            violation.detail,
            study.replay(cell, seed)
        );
    }
    if broken.len() > MAX_PRINTED_CELLS {
        let more = broken.len() - MAX_PRINTED_CELLS;
        let _ = writeln!(
            text,
            "\n{more} more cells have violations: see --format csv."
        );
    }
    text
}

fn progress_bar() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    // A few times a second are enough: each redraw costs as much time as many runs.
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8));
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} runs, {eta} left");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}
