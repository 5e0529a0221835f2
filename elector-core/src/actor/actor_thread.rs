use std::{
    io,
    num::NonZeroUsize,
    string::String,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    vec::Vec,
};

use actix::{Arbiter, ArbiterHandle, System};
use tokio::sync::{OnceCell, oneshot};

use super::error::StartError;

/// How many threads all clusters of this process share at most. On a machine with fewer processors,
/// they share one thread for each processor.
const MAX_THREADS: usize = 4;

/// A thread that runs actors, with an actix system of its own. So actors can be started from any
/// runtime, and a node that hangs does not stop the nodes of other threads.
#[derive(Clone, Debug)]
pub(super) struct ActorThread {
    arbiter: ArbiterHandle,
    system: System,
}

impl ActorThread {
    pub(super) async fn start(name: String) -> io::Result<Self> {
        let (started, thread) = oneshot::channel();
        thread::Builder::new().name(name).spawn(move || {
            let runner = System::new();
            let thread = Self {
                arbiter: Arbiter::current(),
                system: System::current(),
            };
            // If the receiver was dropped, the caller was cancelled. Then the thread has nothing to
            // do.
            if started.send(thread).is_ok()
                && let Err(error) = runner.run()
            {
                tracing::error!(%error, "actor thread failed");
            }
        })?;
        thread
            .await
            .map_err(|_| io::Error::other("the thread ended while it was starting"))
    }

    /// Runs a function on the thread, inside its runtime. Returns `false` if the thread has ended.
    pub(super) fn run(&self, work: impl FnOnce() + Send + 'static) -> bool {
        self.arbiter.spawn_fn(work)
    }

    /// Ends the thread after its current task.
    pub(super) fn stop(&self) {
        self.system.stop();
    }
}

/// Returns the threads that all clusters share, and a number by which each cluster begins at
/// another thread: the caller takes the number modulo the number of threads.
pub(super) async fn shared_threads() -> Result<(Arc<Vec<ActorThread>>, usize), StartError> {
    static THREADS: OnceCell<Arc<Vec<ActorThread>>> = OnceCell::const_new();
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let started = THREADS.get_or_try_init(|| async {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let mut threads = Vec::new();
        for number in 0..cores.min(MAX_THREADS) {
            let name: String = std::format!("elector-{number}");
            let thread = ActorThread::start(name).await;
            threads.push(thread.map_err(|error| StartError::Thread(error.into()))?);
        }
        Ok::<_, StartError>(Arc::new(threads))
    });
    let threads = started.await?;
    Ok((Arc::clone(threads), NEXT.fetch_add(1, Ordering::Relaxed)))
}
