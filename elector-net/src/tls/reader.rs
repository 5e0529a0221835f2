use std::{
    sync::{
        Weak,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use super::Shared;

/// How often the files are looked at when no connection is made.
const LOOK: Duration = Duration::from_secs(60);

/// How long it is rested between two looks, however many connections are made.
const REST: Duration = Duration::from_millis(100);

/// Reads the files of certificates again, on a thread of its own: a file system over the network
/// that hangs stops that thread, and nothing else. There is one of them, so what hangs does not
/// pile up. It is no task of a runtime, as that would wait for it when it ends.
#[derive(Debug)]
pub(super) struct Reader(SyncSender<()>);

impl Reader {
    /// It ends with what it reads for.
    pub(super) fn start(shared: Weak<Shared>, name: String) -> Self {
        let (wakes, woken) = sync_channel(1);
        let started = thread::Builder::new()
            .name(name)
            .spawn(move || work(&shared, &woken));
        if let Err(error) = started {
            tracing::error!(%error, "certificates that are renewed will not be read: there is no thread");
        }
        Self(wakes)
    }

    /// Has the files looked at soon. Never waits.
    pub(super) fn wake(&self) {
        // It is to be woken already, otherwise.
        let _ = self.0.try_send(());
    }
}

fn work(shared: &Weak<Shared>, woken: &Receiver<()>) {
    loop {
        match woken.recv_timeout(LOOK) {
            Ok(()) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let Some(shared) = shared.upgrade() else {
            return;
        };
        shared.look();
        drop(shared);
        thread::sleep(REST);
    }
}
