use std::{
    fmt::Write as _,
    io::{self, IsTerminal},
    process::ExitCode,
    time::Duration,
};

use elector_sim::Sweep;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{
    LabError, VIOLATED,
    args::{self, Format},
    files, overview, registry, scenarios,
    study::Study,
    write,
};
use crate::{Cli, output};

/// Up to this many rows a table of all of them can be taken in; beyond it an overview is shown.
const ROWS: usize = 40;
/// Violating cells told of one by one; a broken algorithm has hundreds.
const TOLD: usize = 20;

/// `elector compare`.
///
/// # Errors
/// If the request is wrong, or something cannot be written; the latter is found out before the
/// runs begin.
pub(crate) fn compare(cli: &Cli, options: &args::Compare) -> Result<ExitCode, LabError> {
    let entries = registry::selected(&cli.families, options.algorithms.as_deref())?;
    let (chosen, paths) = scenarios::chosen(options.scenarios.as_deref(), &options.scenario_file)?;
    let mut nodes: Vec<u64> = options.nodes.clone();
    nodes.sort_unstable();
    nodes.dedup();
    let sweep = Sweep {
        contestants: entries
            .iter()
            .map(|entry| entry.contestant.clone())
            .collect(),
        nodes,
        scenarios: chosen,
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
    Ok(if study.violations() == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(VIOLATED)
    })
}

fn show(study: &Study, options: &args::Compare) -> Result<(), LabError> {
    let violations = violations(study);
    match options.format {
        Format::Table => output::print(&(tables(study, options) + &violations))?,
        Format::Json => {
            output::print(&(serde_json::to_string_pretty(&study.summaries)? + "\n"))?;
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
    if study.summaries.len() <= ROWS {
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

/// What did not hold, and how to see it again; empty if all did.
fn violations(study: &Study) -> String {
    let cells = study.cells.iter().zip(&study.summaries);
    let broken: Vec<_> = cells
        .filter(|(_, summary)| summary.violations > 0)
        .collect();
    let mut text = String::new();
    for (cell, summary) in broken.iter().take(TOLD) {
        let worst = cell.outcomes.iter().find(|run| !run.violations.is_empty());
        let Some((run, violation)) = worst.and_then(|run| Some((run, run.violations.first()?)))
        else {
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
            study.replay(cell, run.seed)
        );
    }
    if broken.len() > TOLD {
        let more = broken.len() - TOLD;
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
    // Redrawn a few times a second: every redraw costs as much as many runs.
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8));
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} runs, {eta} left");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}
