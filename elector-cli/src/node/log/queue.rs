use std::{
    collections::VecDeque,
    io::{self, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use elector_net::http::prometheus_client::metrics::counter::Counter;

/// The maximum size in bytes of all lines that wait to be written. Some thousands of lines fit.
const MAX_BYTES: usize = 1024 * 1024;

/// The lines that wait to be written to a log. A separate thread writes them, so that a thread that
/// logs never waits for the reader of the log. Lines that do not fit are dropped and counted, and
/// so are lines that cannot be written.
///
/// The worker of `tracing-appender` is not used: when it ends with a full queue, it writes to
/// standard output, and waits for the reader of standard output.
#[derive(Clone, Debug)]
pub(crate) struct Queue(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// Notified when there is a line that must be written.
    not_empty: Condvar,
    /// Notified when all lines are written.
    all_written: Condvar,
    dropped: Counter,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    /// Whether a line is being written. That line is no longer in `lines`.
    is_writing: bool,
}

impl Queue {
    /// Starts the thread that writes, which ends with the process. If lines were dropped, the
    /// thread calls `report` with their number as soon as it has written all lines that waited.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub(super) fn start(
        out: impl Write + Send + 'static,
        report: impl Fn(u64) + Send + 'static,
    ) -> io::Result<Self> {
        let queue = Self(Arc::default());
        let shared = Arc::clone(&queue.0);
        let thread = thread::Builder::new().name("elector-log".to_owned());
        thread.spawn(move || shared.write_lines(out, report))?;
        Ok(queue)
    }

    /// Adds a line if there is room, and drops the line otherwise. Never waits for the reader.
    pub(super) fn push(&self, line: &[u8]) {
        let mut waiting = self.0.waiting();
        if waiting.bytes.saturating_add(line.len()) > MAX_BYTES {
            drop(waiting);
            self.0.dropped.inc();
            return;
        }
        waiting.bytes += line.len();
        waiting.lines.push_back(line.to_vec());
        drop(waiting);
        self.0.not_empty.notify_one();
    }

    /// Returns the number of lines that were dropped.
    pub(super) fn dropped(&self) -> &Counter {
        &self.0.dropped
    }

    /// Waits until all lines are written, but no longer than `limit`. Returns `true` if all lines
    /// are written.
    pub(crate) fn flush(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        let mut waiting = self.0.waiting();
        while waiting.is_writing || !waiting.lines.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.0.all_written.wait_timeout(waiting, left);
            waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The main function of the thread that writes the lines.
    fn write_lines(&self, mut out: impl Write, report: impl Fn(u64)) {
        let mut reported = 0;
        loop {
            let line = self.next();
            if out.write_all(&line).is_err() {
                // This failure cannot be reported: a report would be a line of the log, too.
                self.dropped.inc();
                continue;
            }
            let dropped = self.dropped.get();
            // While lines wait, more lines may be dropped. One report at the end covers all of
            // them.
            if dropped > reported && self.waiting().lines.is_empty() {
                report(dropped - reported);
                reported = dropped;
            }
        }
    }

    /// Waits for the next line, and removes it from the queue.
    fn next(&self) -> Vec<u8> {
        let mut waiting = self.waiting();
        waiting.is_writing = false;
        loop {
            if let Some(line) = waiting.lines.pop_front() {
                waiting.bytes -= line.len();
                waiting.is_writing = true;
                return line;
            }
            self.all_written.notify_all();
            let waited = self.not_empty.wait(waiting);
            waiting = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// A log that accepts a line only after it has received a value from its channel, like a reader
    /// that takes one line.
    struct Slow(Sender<Vec<u8>>, Receiver<()>);

    impl Write for Slow {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            let closed = || io::Error::from(io::ErrorKind::BrokenPipe);
            self.1.recv().map_err(|_| closed())?;
            self.0.send(line.to_vec()).map_err(|_| closed())?;
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    // If the reader does not read, lines are dropped, and no thread that logs waits. When the
    // reader reads again, it gets the queued lines in order, and one report of how many lines were
    // dropped.
    #[test]
    fn lines_without_a_reader_are_dropped_counted_and_reported() {
        let (lines, read) = channel();
        let (take, taken) = channel();
        let (reports, reported) = channel();
        let report = move |dropped| reports.send(dropped).unwrap();
        let queue = Queue::start(Slow(lines, taken), report).unwrap();
        let line = [b'x'; 1024];
        for _ in 0..MAX_BYTES / line.len() + 100 {
            queue.push(&line);
        }
        let dropped = queue.dropped().get();
        // The thread may have taken the first line from the queue already, which makes room for
        // another line.
        assert!((99..=100).contains(&dropped), "{dropped}");
        assert!(!queue.flush(Duration::from_millis(1)));
        for _ in 0..MAX_BYTES / line.len() + 100 {
            take.send(()).unwrap();
        }
        let limit = Duration::from_secs(60);
        assert_eq!(reported.recv_timeout(limit), Ok(dropped));
        assert!(queue.flush(limit));
        queue.push(b"last");
        assert!(queue.flush(limit));
        assert_eq!(read.try_iter().last().as_deref(), Some(&b"last"[..]));
        assert!(reported.try_recv().is_err(), "reported twice");
    }

    // If the disk of the log is full, or its reader has closed the pipe, a report is a line that
    // cannot be written either. The thread must not report this failure again and again.
    #[test]
    fn lines_that_cannot_be_written_are_counted_and_not_reported() {
        let (lines, read) = channel();
        let (take, taken) = channel();
        drop((read, take));
        let report = |_| panic!("no line was written");
        let queue = Queue::start(Slow(lines, taken), report).unwrap();
        queue.push(b"one");
        queue.push(b"two");
        assert!(queue.flush(Duration::from_secs(60)));
        assert_eq!(queue.dropped().get(), 2);
    }
}
