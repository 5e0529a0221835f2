use std::{fs, path::Path, process::ExitCode};

use elector_check::{CheckConfig, Schedule, Time};

use super::{
    LabError, args, check_members, exit_code,
    registry::{self, Explorer, WalkMode, WalkRequest, WalkResult},
};
use crate::{Cli, output};

/// The default for the maximum number of timeouts in a run of the model checker, if the model has
/// no time (without `--ticks`).
const DEFAULT_TIMEOUTS: u32 = 4;

/// Runs `elector check`.
///
/// # Errors
/// If an option is wrong.
pub(crate) fn check(cli: &Cli, options: &args::Check) -> Result<ExitCode, LabError> {
    let (name, variant) = (&options.algorithm, options.variant.as_deref());
    let entry = registry::single(&cli.families, name, variant)?;
    let explorer = check_members::explorer(cli, entry, options)?;
    let label = entry.contestant.label();
    let (text, clean) = match mode(options)? {
        Some(mode) => walk(&cli.program, &label, explorer, options, mode)?,
        None => search(&label, explorer, options)?,
    };
    output::print(&text)?;
    Ok(exit_code(clean))
}

fn mode(options: &args::Check) -> Result<Option<WalkMode>, LabError> {
    if let Some(path) = &options.schedule {
        return Ok(Some(WalkMode::Schedule(schedule(path)?)));
    }
    let (seed, jobs) = (options.seed, options.jobs);
    let random = |walks| WalkMode::Random { walks, seed, jobs };
    Ok(options.walks.map(random))
}

fn schedule(path: &Path) -> Result<Schedule, LabError> {
    let path = path.to_owned();
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(reason) => return Err(LabError::ReadSchedule { path, reason }),
    };
    text.parse()
        .map_err(|reason| LabError::Schedule { path, reason })
}

fn walk(
    program: &str,
    label: &str,
    explorer: &Explorer,
    options: &args::Check,
    mode: WalkMode,
) -> Result<(String, bool), LabError> {
    let (nodes, changes) = check_members::for_walks(options);
    let result = (explorer.walker)(&WalkRequest {
        nodes,
        false_hints: options.false_hints,
        changes,
        mode,
    })?;
    let report = match result {
        WalkResult::Schedule(replay) => {
            let clean = replay.violation.is_none();
            let verdict = if clean { "no violation\n" } else { "" };
            return Ok((format!("{label}\n\n{replay}{verdict}"), clean));
        }
        WalkResult::Random(report) => report,
    };
    let mut text = format!("{label}\n\n{report}");
    if let Some(finding) = &report.finding {
        let nodes = options
            .nodes
            .map_or(String::new(), |n| format!(" --nodes {n}"));
        let members = if options.members { " --members" } else { "" };
        let seed = finding.seed.unwrap_or(options.seed);
        text += &format!(
            "\nAs a test:\n\n{}\nTo repeat this walk:\n  {program} check --algorithm {label} \
             --walks 1 --seed {seed}{nodes}{members}\n",
            finding.as_test()
        );
    }
    Ok((text, report.is_clean()))
}

fn search(
    label: &str,
    explorer: &Explorer,
    options: &args::Check,
) -> Result<(String, bool), LabError> {
    // `--ticks` bounds the length of a run, too. So only a search without `--ticks` needs a default
    // for the number of timeouts.
    let untimed = options.ticks.is_none().then_some(DEFAULT_TIMEOUTS);
    let nodes = options.nodes.unwrap_or(3);
    let (commands, changes) = match options.members {
        true => (check_members::COMMANDS, check_members::for_search(nodes)),
        false => (0, Vec::new()),
    };
    let config = CheckConfig {
        nodes,
        config: (),
        time: options.ticks.map(Time::of),
        max_epoch: options.max_epoch,
        crashes: options.crashes,
        suspicions: options.suspicions,
        false_hints: options.false_hints,
        commands: options.commands.unwrap_or(commands),
        changes,
        timeouts: options.timeouts.or(untimed),
        late: options.late,
        led: options.led,
        duplicating: !options.once,
        max_states: Some(options.states),
    };
    let changes = check_members::described(&config);
    let report = (explorer.checker)(config)?;
    let text = format!("{label}, n = {nodes}\n{changes}\n{report}\n");
    Ok((text, report.is_clean()))
}
