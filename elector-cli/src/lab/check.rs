use std::{fs, path::Path, process::ExitCode};

use elector_check::{CheckConfig, Schedule, Time};

use super::{
    LabError, VIOLATED, args,
    registry::{self, Entry, Route, Walked, Way},
};
use crate::{Cli, output};

/// How many timeouts a run without time has, if nothing else is asked for.
const TIMEOUTS: u32 = 4;

/// `elector check`.
///
/// # Errors
/// If the request is wrong.
pub(crate) fn check(cli: &Cli, options: &args::Check) -> Result<ExitCode, LabError> {
    let (name, variant) = (&options.algorithm, options.variant.as_deref());
    let entry = registry::one(&cli.families, name, variant)?;
    let (text, clean) = match way(options)? {
        Some(way) => walk(&cli.program, entry, options, way)?,
        None => search(entry, options)?,
    };
    output::print(&text)?;
    Ok(if clean {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(VIOLATED)
    })
}

fn way(options: &args::Check) -> Result<Option<Way>, LabError> {
    if let Some(path) = &options.schedule {
        return Ok(Some(Way::Schedule(schedule(path)?)));
    }
    let (seed, jobs) = (options.seed, options.jobs);
    let random = |walks| Way::Random { walks, seed, jobs };
    Ok(options.walks.map(random))
}

fn schedule(path: &Path) -> Result<Schedule, LabError> {
    let shown = || path.display().to_string();
    let text = fs::read_to_string(path).map_err(|source| LabError::ReadSchedule {
        path: shown(),
        source,
    })?;
    text.parse().map_err(|source| LabError::Schedule {
        path: shown(),
        source,
    })
}

fn walk(
    program: &str,
    entry: &Entry,
    options: &args::Check,
    way: Way,
) -> Result<(String, bool), LabError> {
    let label = entry.contestant.label();
    let walked = (entry.walker)(&Route {
        nodes: options.nodes,
        false_hints: options.false_hints,
        way,
    })?;
    let report = match walked {
        Walked::Schedule(played) => {
            let clean = played.broken.is_none();
            let verdict = if clean { "no promise was broken\n" } else { "" };
            return Ok((format!("{label}\n\n{played}{verdict}"), clean));
        }
        Walked::Random(report) => report,
    };
    let mut text = format!("{label}\n\n{report}");
    if let Some(finding) = &report.finding {
        let nodes = options
            .nodes
            .map_or(String::new(), |n| format!(" --nodes {n}"));
        let seed = finding.seed.unwrap_or(options.seed);
        text += &format!(
            "\nAs a test:\n\n{}\nThis walk again:\n  {program} check --algorithm {label} --walks 1 \
             --seed {seed}{nodes}\n",
            finding.as_test()
        );
    }
    Ok((text, report.is_clean()))
}

fn search(entry: &Entry, options: &args::Check) -> Result<(String, bool), LabError> {
    // Ticks bound a run, too.
    let untimed = options.ticks.is_none().then_some(TIMEOUTS);
    let nodes = options.nodes.unwrap_or(3);
    let report = (entry.checker)(CheckConfig {
        nodes,
        config: (),
        time: options.ticks.map(Time::of),
        max_epoch: options.max_epoch,
        crashes: options.crashes,
        suspicions: options.suspicions,
        false_hints: options.false_hints,
        commands: options.commands,
        timeouts: options.timeouts.or(untimed),
        late: options.late,
        led: options.led,
        duplicating: !options.once,
        max_states: Some(options.states),
    })?;
    let label = entry.contestant.label();
    let text = format!("{label}, n = {nodes}\n\n{report}\n");
    Ok((text, report.is_clean()))
}
