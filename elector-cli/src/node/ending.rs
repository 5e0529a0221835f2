use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use elector_core::actor::NodeHandle;
use elector_net::{Monitor, RecordError, RecordHandle};
use tokio::{
    task::{JoinHandle, spawn_blocking},
    time::sleep,
};

use super::{
    reload::Reload,
    signals::{Signals, Told},
};

/// Does what signals tell this process: leaves the cluster in good order when it is told to end,
/// and at once when it is told so twice. `told` says that it was told to end.
pub(super) fn obey(
    mut signals: Signals,
    reload: Reload,
    elector: NodeHandle,
    monitor: Monitor,
    limit: Duration,
    told: Arc<AtomicBool>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let signal = until(&mut signals, &reload, &[Told::End, Told::HangUp]).await;
        told.store(true, Ordering::Release);
        monitor.leaving();
        let node = elector.node_id().0;
        tracing::info!(target: "elector", node, signal, "told to end: handing over");
        let left = elector.leave(limit);
        tokio::select! {
            left = left => match left {
                Ok(Some(leader)) => tracing::info!(target: "elector", %leader, "handed over"),
                Ok(None) => tracing::warn!(
                    target: "elector",
                    "ended, and no other leader is known"
                ),
                Err(error) => tracing::error!(
                    target: "elector", %error,
                    "ended, not in good order"
                ),
            },
            signal = until(&mut signals, &reload, &[Told::End]) => {
                tracing::warn!(target: "elector", signal, "told to end again: ending at once");
                // How it ended is told by the node itself.
                let _ = elector.shutdown_within(Duration::ZERO).await;
            }
        }
    })
}

/// Waits for a signal that tells one of these; its name.
async fn until(signals: &mut Signals, reload: &Reload, awaited: &[Told]) -> &'static str {
    loop {
        let (told, signal) = signals.next().await;
        if awaited.contains(&told) {
            return signal;
        }
        match told {
            Told::Reload => reload.reload(),
            Told::Nothing => tracing::info!(target: "elector", signal, "ignored"),
            // It ends already.
            Told::End | Told::HangUp => {}
        }
    }
}

/// How often it is looked whether the record is still there.
const LOOK: Duration = Duration::from_secs(5);

/// Ends the node when its record is not in its place any more. A save would end it, too; but a node
/// that is in no election saves nothing.
pub(super) async fn end_without_record(
    record: RecordHandle,
    elector: NodeHandle,
    limit: Duration,
    lost: Arc<AtomicBool>,
) {
    let error: RecordError = loop {
        sleep(LOOK).await;
        let record = record.clone();
        // The file system may hang.
        if let Ok(Err(error)) = spawn_blocking(move || record.check()).await {
            break error;
        }
    };
    tracing::error!(target: "elector", node = elector.node_id().0, %error, "the node ends");
    lost.store(true, Ordering::Release);
    // How it ended is told by the node itself.
    let _ = elector.leave(limit).await;
}
