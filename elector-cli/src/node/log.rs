mod last_word;
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

pub(crate) use self::last_word::last_word;
use self::queue::Queue;
use super::{
    error::ServeError,
    service::{Count, Counted},
    settings::{LogFormat, Settings},
};

/// The log of this process.
#[derive(Clone)]
pub(crate) struct Log {
    queue: Queue,
    refilter: Arc<dyn Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync>,
}

impl Log {
    /// The lines that it has dropped, as a metric.
    pub(crate) fn counted(&self) -> Counted {
        let help = "Log lines dropped, because standard error was not read in time";
        let dropped = Count::All(self.queue.dropped().clone());
        ("elector_log_lines_dropped", help, dropped)
    }

    /// From now on this is logged.
    ///
    /// # Errors
    /// If the filter cannot be read: then nothing changes.
    pub(crate) fn filter(&self, filter: &str) -> Result<(), ServeError> {
        let set = (self.refilter)(filter_of(filter)?);
        set.map_err(|error| ServeError::Log(error.to_string()))
    }

    /// Gives the reader of standard error a moment to read all that was logged.
    pub(crate) fn flush(&self) {
        self.queue.flush(PATIENCE);
    }
}

/// What is logged if the settings say nothing of it.
pub(crate) const DEFAULT: &str = "info";

fn filter_of(text: &str) -> Result<EnvFilter, ServeError> {
    EnvFilter::try_new(text).map_err(|error| ServeError::Log(error.to_string()))
}

/// How long the end of the process waits for the reader of its log.
const PATIENCE: Duration = Duration::from_millis(500);

/// Begins to log to standard error, as the settings say. No thread that logs waits for the reader:
/// a pipe that is not read must not stop a node. Panics are logged, too, for the same reason.
///
/// # Errors
/// If the filter cannot be read, or there is no thread for the log.
pub(crate) fn begin(settings: &Settings) -> Result<Log, ServeError> {
    let filter = filter_of(settings.log.as_deref().unwrap_or(DEFAULT))?;
    let queue = Stderr::new().and_then(|stderr| Queue::start(stderr, tell));
    let queue = queue.map_err(|source| ServeError::System {
        what: "the thread that writes the log cannot be started",
        source,
    })?;
    // A line that cannot be written is counted. To complain to standard error would be to wait for
    // it.
    let log = fmt()
        .with_env_filter(filter)
        .with_writer(queue.clone())
        .log_internal_errors(false);
    let (begun, refilter): (_, Arc<dyn Fn(_) -> _ + Send + Sync>) =
        match settings.log_format.unwrap_or_default() {
            LogFormat::Human => {
                let log = log.with_ansi(io::stderr().is_terminal());
                let log = log.with_filter_reloading();
                let handle = log.reload_handle();
                (
                    log.try_init(),
                    Arc::new(move |filter| handle.reload(filter)),
                )
            }
            LogFormat::Json => {
                let log = log.json().flatten_event(true).with_filter_reloading();
                let handle = log.reload_handle();
                (
                    log.try_init(),
                    Arc::new(move |filter| handle.reload(filter)),
                )
            }
        };
    // Somebody else has begun: then that is where the log goes.
    if begun.is_ok() {
        panic::set_hook(Box::new(|panic| {
            let backtrace = Backtrace::capture();
            let backtrace = (backtrace.status() == BacktraceStatus::Captured).then_some(backtrace);
            let backtrace = backtrace.map(tracing::field::display);
            tracing::error!(target: "elector", %panic, backtrace, "a thread panicked");
        }));
    }
    Ok(Log { queue, refilter })
}

fn tell(lines: u64) {
    tracing::warn!(
        target: "elector",
        lines,
        "log lines were dropped, because standard error was not read in time: look at what reads it"
    );
}

/// Standard error, without the lock of this process on it: a thread that waits for the reader while
/// it holds the lock would make all others wait that write there.
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
                // Another process has the same pipe, and has told it not to wait: the command does,
                // for one.
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

/// What takes one line. The subscriber writes each in one piece.
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
