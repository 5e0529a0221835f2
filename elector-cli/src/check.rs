use std::process::ExitCode;

use elector_check::{CheckConfig, Time};

use crate::{CliError, VIOLATED, args, output, registry};

/// How many timeouts a run without time has, if nothing else is asked for.
const TIMEOUTS: u32 = 4;

/// `elector check`.
///
/// # Errors
/// If the request is wrong.
pub(crate) fn check(options: &args::Check) -> Result<ExitCode, CliError> {
    let families = registry::families();
    let entry = registry::one(&families, &options.algorithm, options.variant.as_deref())?;
    // Ticks bound a run, too.
    let untimed = options.ticks.is_none().then_some(TIMEOUTS);
    let report = (entry.checker)(CheckConfig {
        nodes: options.nodes,
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
    output::print(&format!("{label}, n = {}\n\n{report}\n", options.nodes))?;
    Ok(if report.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(VIOLATED)
    })
}
