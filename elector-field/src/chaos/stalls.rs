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

/// How often each processor is tried.
const BEAT: Duration = Duration::from_millis(1);

/// What is a stall, in nanoseconds: half of the time that a quick guardian has to kill a command.
const LONG: u64 = 10_000_000;

/// That of a guardian that may not be a real-time process.
const FIRST: i32 = -20;

/// When processors did not run a thread of the best nice value: on a virtual machine they stand
/// still now and then. A command that a guardian could not kill in such a time
/// says nothing against the guardian.
#[derive(Debug)]
pub(super) struct Stalls {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    found: Mutex<Vec<Stall>>,
    over: AtomicBool,
}

/// In nanoseconds of the clock of the commands.
#[derive(Clone, Copy, Debug)]
#[expect(dead_code, reason = "all of it is told when something is wrong")]
pub(super) struct Stall {
    processor: usize,
    ended: u64,
    pub(super) took: u64,
}

impl Stalls {
    /// Begins to look.
    ///
    /// # Errors
    /// If the system does not say which processors there are.
    pub(super) fn begin() -> Result<Self, Error> {
        let all = sched_getaffinity(None)?;
        let shared = Arc::new(Shared::default());
        let processors = (0..CpuSet::MAX_CPU).filter(|&processor| all.is_set(processor));
        let look = |processor| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.look(processor))
        };
        Ok(Self {
            threads: processors.map(look).collect(),
            shared,
        })
    }

    /// All so far.
    pub(super) fn found(&self) -> Vec<Stall> {
        lock(&self.shared.found).clone()
    }
}

impl Shared {
    fn look(&self, processor: usize) {
        let mut only = CpuSet::new();
        only.set(processor);
        // Without the rights it finds more stalls than there are.
        let _ = sched_setaffinity(None, &only);
        let _ = setpriority_process(None, FIRST);
        let mut last = now();
        while !self.over.load(Ordering::Relaxed) {
            thread::sleep(BEAT);
            let ended = now();
            let took = ended - last;
            last = ended;
            if took > LONG {
                lock(&self.found).push(Stall {
                    processor,
                    ended,
                    took,
                });
            }
        }
    }
}

impl Drop for Stalls {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
