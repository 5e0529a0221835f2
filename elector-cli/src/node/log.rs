use std::io::{self, IsTerminal};

use tracing_subscriber::{EnvFilter, fmt};

use super::{
    error::ServeError,
    settings::{LogFormat, Settings},
};

/// Begins to log to standard error, as the settings say.
///
/// # Errors
/// If the filter is none.
pub(crate) fn begin(settings: &Settings) -> Result<(), ServeError> {
    let filter = settings.log.as_deref().unwrap_or("info");
    let filter = EnvFilter::try_new(filter).map_err(|error| ServeError::Log(error.to_string()))?;
    // Whoever read the log may have gone. To complain of that, to standard error, would be a panic.
    let log = fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .log_internal_errors(false);
    let begun = match settings.log_format.unwrap_or_default() {
        LogFormat::Human => log.with_ansi(io::stderr().is_terminal()).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    // Somebody else has begun: then that is where the log goes.
    drop(begun);
    Ok(())
}
