use std::{
    fmt::Write as _,
    io::{self, IsTerminal},
    process::ExitCode,
};

use elector_core::trace::Record;
use elector_sim::{Contestant, ErasedRecord, Job, Scenario};

use super::{
    LabError, args,
    diagram::{DiagramOptions, svg},
    exit_code, registry,
    study::scenario_option,
    timeline::{TimelineOptions, timeline},
    verdict, write,
};
use crate::{Cli, output};

/// Runs `elector simulate`.
///
/// # Errors
/// If an option is wrong, or something cannot be written. Output files are checked before the run
/// starts.
pub(crate) fn simulate(cli: &Cli, options: &args::Simulate) -> Result<ExitCode, LabError> {
    let entry = registry::single(
        &cli.families,
        &options.algorithm,
        options.variant.as_deref(),
    )?;
    let scenario = scenario(options)?;
    if options.nodes < scenario.min_nodes {
        return Err(LabError::TooSmall {
            scenario: scenario.name,
            min_nodes: scenario.min_nodes,
        });
    }
    for file in options.trace.iter().chain(&options.svg) {
        write::check_file(file)?;
    }
    let contestant = &entry.contestant;
    let (outcome, records) = contestant.run(&Job {
        scenario: &scenario,
        nodes: options.nodes,
        seed: options.seed,
        trace: true,
        twice: true,
        false_suspicions: options.false_suspicions,
    })?;
    if let Some(path) = &options.trace {
        write::write_file(path, &lines(&records)?)?;
    }
    let records: Vec<Record> = records.iter().map(ErasedRecord::to_text).collect();
    if let Some(path) = &options.svg {
        let drawing = DiagramOptions {
            title: title(contestant, &scenario, options),
            ..DiagramOptions::default()
        };
        write::write_file(path, svg(&records, &drawing).as_bytes())?;
    }
    let mut text = format!("{}\n\n", title(contestant, &scenario, options));
    let shown = TimelineOptions {
        color: io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
        heartbeats: options.heartbeats,
        ..TimelineOptions::default()
    };
    // Writing to a string cannot fail.
    let _ = timeline(&records, &mut text, &shown);
    text.push_str(&verdict::text(&outcome));
    let violated = !outcome.violations.is_empty();
    if violated {
        let _ = writeln!(
            text,
            "\nTo repeat this run:\n  {} {}",
            cli.program,
            replay(contestant, &scenario, options)
        );
    }
    output::print(&text)?;
    Ok(exit_code(!violated))
}

fn scenario(options: &args::Simulate) -> Result<Scenario, LabError> {
    Ok(match (&options.scenario_file, &options.scenario) {
        (Some(path), _) => Scenario::read(path)?,
        (None, name) => Scenario::named(name.as_deref().unwrap_or_default())?.at_seed(options.seed),
    })
}

fn title(contestant: &Contestant, scenario: &Scenario, options: &args::Simulate) -> String {
    let (nodes, seed) = (options.nodes, options.seed);
    format!(
        "{}, {}, n = {nodes}, seed {seed}",
        contestant.label(),
        scenario.name
    )
}

fn lines(records: &[ErasedRecord]) -> Result<Vec<u8>, LabError> {
    let mut lines = Vec::new();
    for record in records {
        serde_json::to_writer(&mut lines, record).map_err(LabError::Json)?;
        lines.push(b'\n');
    }
    Ok(lines)
}

/// Returns the arguments that repeat this run.
fn replay(contestant: &Contestant, scenario: &Scenario, options: &args::Simulate) -> String {
    let scenario = scenario_option(&scenario.name, options.scenario_file.as_deref());
    format!(
        "simulate --algorithm {} --variant {} {scenario} --nodes {} --seed {}",
        contestant.algorithm, contestant.variant, options.nodes, options.seed
    )
}
