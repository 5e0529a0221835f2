mod error_line;
mod queue;

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    fs::File,
    io::{self, IsTerminal, Write},
    os::fd::AsFd,
    panic,
    sync::Arc,
    time::Duration,
};

use rustix::event::{PollFd, PollFlags, poll};
use tracing_subscriber::{EnvFilter, fmt, fmt::MakeWriter, reload};

pub(crate) use self::error_line::error_line;
use self::queue::Queue;
use super::{
    error::ServeError,
    metrics::{Metric, MetricValue},
    settings::{LogFormat, Settings},
};

/// The log of this process.
#[derive(Clone)]
pub(crate) struct Log {
    queue: Queue,
    set_filter: Arc<SetFilter>,
}

type SetFilter = dyn Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync;

impl Log {
    /// Returns the metric that counts the log lines that were dropped.
    pub(crate) fn metric(&self) -> Metric {
        Metric {
            name: "elector_log_lines_dropped",
            help: "Log lines that were dropped, because standard error was not read in time",
            value: MetricValue::Total(self.queue.dropped().clone()),
        }
    }

    /// Replaces the log filter.
    ///
    /// # Errors
    /// If the filter is invalid. Then the old filter stays in force.
    pub(crate) fn set_filter(&self, filter: &str) -> Result<(), ServeError> {
        let result = (self.set_filter)(parse_filter(filter)?);
        result.map_err(|error| ServeError::Log(error.to_string()))
    }

    /// Waits until all lines are written to standard error, but not longer than [`FLUSH_TIMEOUT`].
    pub(crate) fn flush(&self) {
        self.queue.flush(FLUSH_TIMEOUT);
    }
}

/// The log filter of a node whose settings have no filter.
pub(crate) const DEFAULT_FILTER: &str = "info";

fn parse_filter(text: &str) -> Result<EnvFilter, ServeError> {
    EnvFilter::try_new(text).map_err(|error| ServeError::Log(error.to_string()))
}

/// How long the process waits, when it ends, for the reader of its log.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);

/// Starts the log on standard error, with the format and the filter of the settings. A thread that
/// logs never waits for the reader of standard error, because a pipe that is not read must not stop
/// a node. The message of a panic also goes to the log, and not directly to standard error, for
/// this reason.
///
/// # Errors
/// If the filter is invalid, or the thread of the log cannot be started.
pub(crate) fn start(settings: &Settings) -> Result<Log, ServeError> {
    let filter = parse_filter(settings.log.as_deref().unwrap_or(DEFAULT_FILTER))?;
    let queue = Stderr::new().and_then(|stderr| Queue::start(stderr, warn_of_dropped_lines));
    let queue = queue.map_err(ServeError::system(
        "cannot start the thread that writes the log",
    ))?;
    // A line that cannot be written is counted. tracing-subscriber could also report such a line,
    // but it would write this report directly to standard error, and would wait for the reader.
    let log = fmt()
        .with_env_filter(filter)
        .with_writer(queue.clone())
        .log_internal_errors(false);
    let set_filter: Arc<SetFilter>;
    let started = match settings.log_format.unwrap_or_default() {
        LogFormat::Human => {
            let log = log.with_ansi(io::stderr().is_terminal());
            let log = log.with_filter_reloading();
            let handle = log.reload_handle();
            set_filter = Arc::new(move |filter| handle.reload(filter));
            log.try_init()
        }
        LogFormat::Json => {
            let log = log.json().flatten_event(true).with_filter_reloading();
            let handle = log.reload_handle();
            set_filter = Arc::new(move |filter| handle.reload(filter));
            log.try_init()
        }
    };
    // `try_init` fails if this process has another subscriber already. Then the log lines go to
    // that subscriber, and the hook for panics stays as it is.
    if started.is_ok() {
        panic::set_hook(Box::new(|panic| {
            let backtrace = Backtrace::capture();
            let backtrace = (backtrace.status() == BacktraceStatus::Captured).then_some(backtrace);
            let backtrace = backtrace.map(tracing::field::display);
            tracing::error!(target: "elector", %panic, backtrace, "thread panicked");
        }));
    }
    Ok(Log { queue, set_filter })
}

fn warn_of_dropped_lines(lines: u64) {
    tracing::warn!(
        target: "elector",
        lines,
        "log lines dropped, because standard error was not read in time: check the process that \
         reads it"
    );
}

/// Standard error without the lock of the standard library. If a thread held that lock while it
/// waits for the reader, all other threads that write to standard error would wait as well.
#[derive(Debug)]
struct Stderr(File);

impl Stderr {
    fn new() -> io::Result<Self> {
        let own = io::stderr().as_fd().try_clone_to_owned()?;
        Ok(Self(own.into()))
    }
}

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.0.write(bytes) {
                // The pipe is non-blocking, because another process that shares it, for example the
                // command of `elector run`, has made it so. This thread waits until the pipe
                // accepts bytes.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    poll(&mut [PollFd::new(&self.0, PollFlags::OUT)], None)?;
                }
                written => return written,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Queue {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(self)
    }
}

/// Writes one line into the queue. The subscriber writes each line in one call.
#[derive(Debug)]
pub(crate) struct Line<'a>(&'a Queue);

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
