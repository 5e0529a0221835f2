use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rustix::{
    process::setpriority_process,
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
};

use crate::{cluster::lock, error::Error, witness::now};

/// How often each processor is checked for a stall, which is a time in which it stood still.
const CHECK_INTERVAL: Duration = Duration::from_millis(1);

/// The shortest stall (a time in which a processor stood still) that counts, in nanoseconds. It is
/// half of the margin of the pace `quick`. The margin is the time from SIGKILL to the end of the
/// lease: in this time a guardian must kill its command.
const STALL_MIN_NS: u64 = 10_000_000;

/// The nice value that a guardian uses if it has no right to be a real-time process. A guardian is
/// the process that kills the command of a node before the lease ends.
const GUARDIAN_NICE: i32 = -20;

/// Finds stalls: times in which a processor did not even run a thread of the highest priority by
/// nice value.
///
/// The processors of a virtual machine stand still now and then. If a guardian, the process that
/// must kill a command before the lease ends, could not do so at such a time, it has no fault.
#[derive(Debug)]
pub(super) struct Stalls {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    found: Mutex<Vec<Stall>>,
    is_stopped: AtomicBool,
}

/// A stall: a time in which a processor stood still, in nanoseconds of the clock of [`now`].
#[derive(Clone, Copy, Debug)]
#[expect(dead_code, reason = "its Debug text is written to a file")]
pub(super) struct Stall {
    processor: usize,
    ended: u64,
    pub(super) duration: u64,
}

impl Stalls {
    /// Starts a thread on each processor that measures its stalls.
    ///
    /// # Errors
    /// Returns an error if the system does not report the processors.
    pub(super) fn start() -> Result<Self, Error> {
        let all = sched_getaffinity(None)?;
        let shared = Arc::new(Shared::default());
        let processors = (0..CpuSet::MAX_CPU).filter(|&processor| all.is_set(processor));
        let measure = |processor| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.measure(processor))
        };
        Ok(Self {
            threads: processors.map(measure).collect(),
            shared,
        })
    }

    /// Returns all stalls of all processors so far.
    pub(super) fn found(&self) -> Vec<Stall> {
        lock(&self.shared.found).clone()
    }
}

impl Shared {
    fn measure(&self, processor: usize) {
        let mut only = CpuSet::new();
        only.set(processor);
        // Without the rights for these calls, this thread runs late more often, and so reports more
        // stalls.
        let _ = sched_setaffinity(None, &only);
        let _ = setpriority_process(None, GUARDIAN_NICE);
        let mut last = now();
        while !self.is_stopped.load(Ordering::Relaxed) {
            thread::sleep(CHECK_INTERVAL);
            let ended = now();
            let duration = ended - last;
            last = ended;
            if duration > STALL_MIN_NS {
                lock(&self.found).push(Stall {
                    processor,
                    ended,
                    duration,
                });
            }
        }
    }
}

impl Drop for Stalls {
    fn drop(&mut self) {
        self.shared.is_stopped.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
