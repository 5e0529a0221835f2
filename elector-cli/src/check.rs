use std::process::ExitCode;

use elector_check::CheckConfig;

use crate::{CliError, VIOLATED, args, output, registry};

/// `elector check`.
///
/// # Errors
/// If the request is wrong.
pub(crate) fn check(options: &args::Check) -> Result<ExitCode, CliError> {
    let families = registry::families();
    let entry = registry::one(&families, &options.algorithm, options.variant.as_deref())?;
    let report = (entry.checker)(CheckConfig {
        nodes: options.nodes,
        config: (),
        max_epoch: options.max_epoch,
        crashes: options.crashes,
        suspicions: options.suspicions,
        commands: options.commands,
        timeouts: Some(options.timeouts),
        duplicating: !options.once,
        max_states: Some(options.states),
        // Of several threads the first to find a counterexample wins: not the same in each run.
        threads: 1,
    })?;
    let label = entry.contestant.label();
    output::print(&format!("{label}, n = {}\n\n{report}\n", options.nodes))?;
    Ok(if report.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(VIOLATED)
    })
}
