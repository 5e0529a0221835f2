use std::{
    collections::VecDeque,
    io::{self, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use elector_net::http::prometheus_client::metrics::counter::Counter;

/// How many bytes of lines may wait: some thousands of lines.
const MOST_BYTES: usize = 1024 * 1024;

/// Lines on their way to a log, which a thread of its own writes: no other thread waits for the
/// reader. What does not fit is dropped and counted, as are lines that cannot be written.
///
/// The worker of `tracing-appender` is not used, because the end of that one writes to standard
/// output when its queue is full, and waits there for the same reader.
#[derive(Clone, Debug)]
pub(crate) struct Queue(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// There is a line to write.
    news: Condvar,
    /// Everything has been written.
    empty: Condvar,
    dropped: Counter,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    /// Whether a line is being written. It is no longer in `lines`.
    writing: bool,
}

impl Queue {
    /// Starts the thread, which ends with the process. When lines were lost and one was written
    /// again,
    /// `tell` is called there with the number of those that were lost.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub(super) fn start(
        out: impl Write + Send + 'static,
        tell: impl Fn(u64) + Send + 'static,
    ) -> io::Result<Self> {
        let queue = Self(Arc::default());
        let shared = Arc::clone(&queue.0);
        let thread = thread::Builder::new().name("elector-log".to_owned());
        thread.spawn(move || shared.write_all(out, tell))?;
        Ok(queue)
    }

    /// Puts a line at the end of the queue, if there is room. Never waits for the reader.
    pub(super) fn push(&self, line: &[u8]) {
        let mut waiting = self.0.waiting();
        if waiting.bytes.saturating_add(line.len()) > MOST_BYTES {
            drop(waiting);
            self.0.dropped.inc();
            return;
        }
        waiting.bytes += line.len();
        waiting.lines.push_back(line.to_vec());
        drop(waiting);
        self.0.news.notify_one();
    }

    /// How many lines were dropped.
    pub(super) fn dropped(&self) -> &Counter {
        &self.0.dropped
    }

    /// Waits until all lines are written, and no longer than this; whether they are.
    pub(crate) fn flush(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        let mut waiting = self.0.waiting();
        while waiting.writing || !waiting.lines.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.0.empty.wait_timeout(waiting, left);
            waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the thread does.
    fn write_all(&self, mut out: impl Write, tell: impl Fn(u64)) {
        let mut told = 0;
        loop {
            let line = self.next();
            if out.write_all(&line).is_err() {
                // There is nowhere to tell of it.
                self.dropped.inc();
                continue;
            }
            let dropped = self.dropped.get();
            // With lines in the queue more may be lost at any moment: one word is enough for all.
            if dropped > told && self.waiting().lines.is_empty() {
                tell(dropped - told);
                told = dropped;
            }
        }
    }

    /// Waits for the next line.
    fn next(&self) -> Vec<u8> {
        let mut waiting = self.waiting();
        waiting.writing = false;
        loop {
            if let Some(line) = waiting.lines.pop_front() {
                waiting.bytes -= line.len();
                waiting.writing = true;
                return line;
            }
            self.empty.notify_all();
            let waited = self.news.wait(waiting);
            waiting = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// A log that takes a line only when its reader takes one.
    struct Slow(Sender<Vec<u8>>, Receiver<()>);

    impl Write for Slow {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
            self.1.recv().map_err(|_| gone())?;
            self.0.send(line.to_vec()).map_err(|_| gone())?;
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    // A reader that does not read costs lines, and no thread its time; when it reads again it is
    // told how many lines it has missed, once, and what was queued before is there in order.
    #[test]
    fn lines_without_a_reader_are_dropped_counted_and_told() {
        let (lines, read) = channel();
        let (take, taken) = channel();
        let (told, missed) = channel();
        let queue = Queue::start(Slow(lines, taken), move |lost| told.send(lost).unwrap()).unwrap();
        let line = [b'x'; 1024];
        for _ in 0..MOST_BYTES / line.len() + 100 {
            queue.push(&line);
        }
        let dropped = queue.dropped().get();
        // One line may be on its way, and makes room for another.
        assert!((99..=100).contains(&dropped), "{dropped}");
        assert!(!queue.flush(Duration::from_millis(1)));
        for _ in 0..MOST_BYTES / line.len() + 100 {
            take.send(()).unwrap();
        }
        let limit = Duration::from_secs(60);
        assert_eq!(missed.recv_timeout(limit), Ok(dropped));
        assert!(queue.flush(limit));
        queue.push(b"last");
        assert!(queue.flush(limit));
        assert_eq!(read.try_iter().last().as_deref(), Some(&b"last"[..]));
        assert!(missed.try_recv().is_err(), "it was told twice");
    }

    // A log on a full disk, or whose reader has gone, must not make the thread tell of it forever.
    #[test]
    fn a_log_that_fails_is_counted_and_nothing_is_told() {
        let (lines, read) = channel();
        let (take, taken) = channel();
        drop((read, take));
        let tell = |_| panic!("nothing was dropped");
        let queue = Queue::start(Slow(lines, taken), tell).unwrap();
        queue.push(b"one");
        queue.push(b"two");
        assert!(queue.flush(Duration::from_secs(60)));
        assert_eq!(queue.dropped().get(), 2);
    }
}
