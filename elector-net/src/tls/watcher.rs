use std::{
    sync::{
        Weak,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use super::Shared;

/// The maximum time between two checks of the certificate files. Each new connection requests a
/// check, too, so checks are this far apart only if the node makes no connections.
const POLL_INTERVAL: Duration = Duration::from_secs(60);

/// The minimum time between two checks of the certificate files. Each new connection requests a
/// check, and without this limit, many connections would cause checks without a pause.
const MIN_INTERVAL: Duration = Duration::from_millis(100);

/// Reads the certificate files again, on a thread of its own. If a network file system hangs, it
/// blocks only that thread. There is only one such thread, so blocked reads do not accumulate. The
/// thread is not a task of a runtime, because a runtime waits for its blocking tasks when it ends.
#[derive(Debug)]
pub(super) struct FileWatcher(SyncSender<()>);

impl FileWatcher {
    /// Starts the thread. The thread ends when `shared` is dropped.
    pub(super) fn start(shared: Weak<Shared>, name: String) -> Self {
        let (sender, wake_ups) = sync_channel(1);
        let started = thread::Builder::new()
            .name(name)
            .spawn(move || watch(&shared, &wake_ups));
        if let Err(error) = started {
            tracing::error!(%error, "thread did not start: renewed certificates will not be read");
        }
        Self(sender)
    }

    /// Requests a check of the certificate files. This method never blocks.
    pub(super) fn wake(&self) {
        // If the channel is full, a check is already requested.
        let _ = self.0.try_send(());
    }
}

fn watch(shared: &Weak<Shared>, wake_ups: &Receiver<()>) {
    loop {
        match wake_ups.recv_timeout(POLL_INTERVAL) {
            Ok(()) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let Some(shared) = shared.upgrade() else {
            return;
        };
        shared.check_files();
        drop(shared);
        thread::sleep(MIN_INTERVAL);
    }
}
