use std::{io, string::String, thread};

use actix::{Arbiter, ArbiterHandle, System};
use tokio::sync::oneshot;

/// A thread that runs actors, with an actix system of its own: so it works from any runtime, and
/// a node that hangs hangs nobody else.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    arbiter: ArbiterHandle,
    system: System,
}

impl Lane {
    pub(super) async fn start(name: String) -> io::Result<Self> {
        let (started, lane) = oneshot::channel();
        thread::Builder::new().name(name).spawn(move || {
            let runner = System::new();
            let lane = Self {
                arbiter: Arbiter::current(),
                system: System::current(),
            };
            // Nobody waits for it any more: it has nothing to do.
            if started.send(lane).is_ok()
                && let Err(error) = runner.run()
            {
                tracing::error!(%error, "a thread of actors ended");
            }
        })?;
        lane.await
            .map_err(|_| io::Error::other("the thread ended at once"))
    }

    /// Runs a function on the thread, inside its runtime; whether the thread is still there.
    pub(super) fn run(&self, work: impl FnOnce() + Send + 'static) -> bool {
        self.arbiter.spawn_fn(work)
    }

    /// Ends the thread, as soon as what it does now is done.
    pub(super) fn stop(&self) {
        self.system.stop();
    }
}
