use std::{fs, path::Path, process::ExitCode};

use elector_check::{CheckConfig, Schedule, Time};

use crate::{
    CliError, VIOLATED, args, output,
    registry::{self, Entry, Route, Walked, Way},
};

/// How many timeouts a run without time has, if nothing else is asked for.
const TIMEOUTS: u32 = 4;

/// `elector check`.
///
/// # Errors
/// If the request is wrong.
pub(crate) fn check(options: &args::Check) -> Result<ExitCode, CliError> {
    let families = registry::families();
    let entry = registry::one(&families, &options.algorithm, options.variant.as_deref())?;
    let (text, clean) = match way(options)? {
        Some(way) => walk(&entry, options, way)?,
        None => search(&entry, options)?,
    };
    output::print(&text)?;
    Ok(if clean {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(VIOLATED)
    })
}

fn way(options: &args::Check) -> Result<Option<Way>, CliError> {
    if let Some(path) = &options.schedule {
        return Ok(Some(Way::Schedule(schedule(path)?)));
    }
    let (seed, jobs) = (options.seed, options.jobs);
    let random = |walks| Way::Random { walks, seed, jobs };
    Ok(options.walks.map(random))
}

fn schedule(path: &Path) -> Result<Schedule, CliError> {
    let shown = || path.display().to_string();
    let text = fs::read_to_string(path).map_err(|source| CliError::ReadSchedule {
        path: shown(),
        source,
    })?;
    text.parse().map_err(|source| CliError::Schedule {
        path: shown(),
        source,
    })
}

fn walk(entry: &Entry, options: &args::Check, way: Way) -> Result<(String, bool), CliError> {
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
            "\nAs a test:\n\n{}\nThis walk again:\n  cargo run --release -- check --algorithm {label} \
             --walks 1 --seed {seed}{nodes}\n",
            finding.as_test()
        );
    }
    Ok((text, report.is_clean()))
}

fn search(entry: &Entry, options: &args::Check) -> Result<(String, bool), CliError> {
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
