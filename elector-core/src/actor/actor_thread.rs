use std::{io, string::String, thread};

use actix::{Arbiter, ArbiterHandle, System};
use tokio::sync::oneshot;

/// A thread that runs actors, with an actix system of its own. So it works from any runtime, and a
/// node that hangs stops no other node.
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
            // If the receiver was dropped, the caller was cancelled and the thread has nothing to
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
