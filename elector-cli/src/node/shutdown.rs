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
    signals::{Request, Signals},
};

/// Handles the signals of this process in a task of its own.
///
/// The first request to shut down makes the node leave its cluster within `limit`, and sets
/// `is_requested`. The second request stops the node at once.
pub(super) fn handle_signals(
    mut signals: Signals,
    reload: Reload,
    elector: NodeHandle,
    monitor: Monitor,
    limit: Duration,
    is_requested: Arc<AtomicBool>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let first = [Request::ShutDown, Request::HangUp];
        let signal = wait_for(&mut signals, &reload, &first).await;
        is_requested.store(true, Ordering::Release);
        monitor.stopping();
        let node = elector.node_id().0;
        tracing::info!(target: "elector", node, signal, "shutdown requested: handing over");
        let left = elector.leave(limit);
        tokio::select! {
            left = left => match left {
                Ok(Some(leader)) => tracing::info!(
                    target: "elector", %leader,
                    "shutdown complete: another node leads"
                ),
                Ok(None) => tracing::warn!(
                    target: "elector",
                    "shutdown complete: no other leader is known"
                ),
                Err(error) => tracing::error!(target: "elector", %error, "shutdown failed"),
            },
            signal = wait_for(&mut signals, &reload, &[Request::ShutDown]) => {
                tracing::warn!(target: "elector", signal, "second shutdown request: exits at once");
                // The result is ignored, because the node logs how it ended.
                let _ = elector.shutdown_within(Duration::ZERO).await;
            }
        }
    })
}

/// Waits for one of these requests, and returns the name of the signal that made the request. This
/// function handles the other requests that arrive before.
async fn wait_for(signals: &mut Signals, reload: &Reload, requests: &[Request]) -> &'static str {
    loop {
        let (request, signal) = signals.next().await;
        if requests.contains(&request) {
            return signal;
        }
        match request {
            Request::Reload => reload.start(),
            Request::Ignore => tracing::info!(target: "elector", signal, "signal ignored"),
            // The node is shutting down already, and this request adds nothing.
            Request::ShutDown | Request::HangUp => {}
        }
    }
}

/// The pause between two checks that the record of the node, which is its durable state on disk, is
/// still there.
const RECORD_CHECK_PERIOD: Duration = Duration::from_secs(5);

/// Checks again and again that the record of the node, which is its durable state on disk, is still
/// there. If the record was deleted, moved or replaced, sets `is_lost` and shuts the node down.
/// Saving the record would also show that it is lost, but a node saves nothing while there is no
/// election.
pub(super) async fn shut_down_without_record(
    record: RecordHandle,
    elector: NodeHandle,
    limit: Duration,
    is_lost: Arc<AtomicBool>,
) {
    let error: RecordError = loop {
        sleep(RECORD_CHECK_PERIOD).await;
        let record = record.clone();
        // The file system may block, so another thread checks the record.
        if let Ok(Err(error)) = spawn_blocking(move || record.check()).await {
            break error;
        }
    };
    tracing::error!(target: "elector", node = elector.node_id().0, %error, "node stops");
    is_lost.store(true, Ordering::Release);
    // The result is ignored, because the node logs how it ended.
    let _ = elector.leave(limit).await;
}
