use std::{
    mem,
    string::{String, ToString},
    time::Duration,
};

use tokio::{runtime::Handle, sync::watch, time::timeout};

use super::{clock, handle::NodeHandle, shared::End, status::Status};
use crate::{NodeId, Role, nanos};

/// How long there may be no leader before "no leader known" is logged.
const NO_LEADER_DELAY: Duration = Duration::from_millis(10);

/// Logs role, leader and epoch of a node whenever one of them changes, until the node has ended.
///
/// A task of the caller's runtime writes the lines, and not the node's thread: a `tracing`
/// subscriber that blocks its thread must not stop the node.
pub(super) fn log_elections(node: &NodeHandle, cluster: String) {
    // A caller without a tokio runtime gets no log lines.
    if let Ok(runtime) = Handle::try_current() {
        let shared = &node.control().shared;
        // The task holds no handle of the node, because a handle would keep the node running.
        let (status, ended) = (shared.status.subscribe(), shared.ended.subscribe());
        runtime.spawn(log_changes(node.node_id(), cluster, status, ended));
    }
}

/// Returns `true` if a `tracing` subscriber would receive the lines of [`log_elections`] now.
/// Without such a subscriber, a cluster of ten thousand nodes need not start a task for each node.
pub(super) fn is_logged() -> bool {
    tracing::enabled!(target: "elector", tracing::Level::INFO)
}

/// Logs the changes of the status. If an election ends within [`NO_LEADER_DELAY`], only its result
/// is logged: a line during the election would take processor time from the election.
async fn log_changes(
    node: NodeId,
    cluster: String,
    mut status: watch::Receiver<Status>,
    ended: watch::Receiver<Option<End>>,
) {
    let mut logged = None;
    status.mark_changed();
    while status.changed().await.is_ok() {
        let mut now = status.borrow_and_update().clone();
        if now.leader.is_none() {
            let elected = status.wait_for(|status| status.leader.is_some());
            let _ = timeout(NO_LEADER_DELAY, elected).await;
            now = status.borrow_and_update().clone();
        }
        if ended.borrow().is_some() {
            return;
        }
        // Other changes of the status, for example of the work, are not logged.
        let view = Some((now.role, now.leader, now.epoch));
        if mem::replace(&mut logged, view) != view {
            log(node, &cluster, &now);
        }
    }
}

/// Logs the status, with the time of its last change on the clock of [`clock::now`].
fn log(node: NodeId, cluster: &str, now: &Status) {
    let at_ns = clock::now()
        .nanos()
        .saturating_sub(nanos(now.since.elapsed()));
    let leader = now
        .leader
        .map_or("none".into(), |leader| leader.to_string());
    let message = match (now.role, now.leader) {
        (Role::Leader, _) => "this node leads",
        (_, Some(_)) => "another node leads",
        (_, None) => "no leader known",
    };
    tracing::info!(
        target: "elector",
        node = node.0, role = %now.role, leader, epoch = now.epoch.0, at_ns, cluster,
        "{message}"
    );
}
