use std::{
    fmt::Write as _,
    io::{self, IsTerminal},
    process::ExitCode,
};

use elector_core::trace::Record;
use elector_sim::{Contestant, ErasedRecord, Job, Outcome, Scenario, SetupError};

use super::{
    LabError, args,
    command::{scenario_option, simulation},
    diagram::{DiagramOptions, svg},
    exit_code, registry,
    registry::Entry,
    scenarios,
    timeline::{TimelineOptions, timeline},
    verdict, write,
};
use crate::{Cli, output};

/// Runs `elector simulate`.
///
/// # Errors
/// If an option is wrong, or something cannot be written. Whether the output files can be written
/// is checked before the run starts.
pub(crate) fn simulate(cli: &Cli, options: &args::Simulate) -> Result<ExitCode, LabError> {
    let (entry, scenario) = selected(cli, options)?;
    for file in options.trace.iter().chain(&options.svg) {
        write::check_file(file)?;
    }
    let contestant = &entry.contestant;
    let (outcome, records) = run(contestant, &scenario, options)?;
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

/// Returns the variant and the scenario that the options select.
///
/// # Errors
/// If a name is unknown, a file is wrong, the cluster is too small, or the scenario changes the
/// members and the members of the algorithm are fixed.
pub(crate) fn selected<'a>(
    cli: &'a Cli,
    options: &args::Simulate,
) -> Result<(&'a Entry, Scenario), LabError> {
    let entry = registry::single(
        &cli.families,
        &options.algorithm,
        options.variant.as_deref(),
    )?;
    let scenario = scenario(options)?;
    if !entry.contestant.can_run(&scenario) {
        let changing = format!("the scenario {}", scenario.name);
        return Err(registry::fixed_members(&cli.families, changing, entry));
    }
    if options.nodes < scenario.min_nodes {
        return Err(LabError::TooSmall {
            scenario: scenario.name,
            min_nodes: scenario.min_nodes,
        });
    }
    Ok((entry, scenario))
}

/// Simulates the run twice, to check that both give the same result, and returns its outcome and
/// its trace.
///
/// # Errors
/// If the number of nodes or the configuration of the variant is invalid.
pub(crate) fn run(
    contestant: &Contestant,
    scenario: &Scenario,
    options: &args::Simulate,
) -> Result<(Outcome, Vec<ErasedRecord>), SetupError> {
    contestant.run(&Job {
        scenario,
        nodes: options.nodes,
        seed: options.seed,
        trace: true,
        twice: true,
        false_suspicions: options.false_suspicions,
    })
}

fn scenario(options: &args::Simulate) -> Result<Scenario, LabError> {
    Ok(match (&options.scenario_file, &options.scenario) {
        (Some(path), _) => Scenario::read(path)?,
        (None, name) => {
            let name = name.as_deref().unwrap_or_default();
            scenarios::reject_path("--scenario", name)?;
            Scenario::named(name)?.at_seed(options.seed)
        }
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

/// Returns the arguments of `elector` that repeat the run with these options.
fn replay(contestant: &Contestant, scenario: &Scenario, options: &args::Simulate) -> String {
    let scenario = scenario_option(&scenario.name, options.scenario_file.as_deref());
    simulation(
        contestant.algorithm,
        &contestant.variant,
        &scenario,
        options.nodes,
        options.seed,
        options.false_suspicions,
    )
}
