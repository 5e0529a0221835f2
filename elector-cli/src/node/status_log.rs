use std::time::Duration;

use elector_core::{
    Role,
    actor::{self, NodeHandle},
};
use tokio::time::timeout;

/// How long there may be no leader before that is logged.
const NO_LEADER_DELAY: Duration = Duration::from_millis(10);

/// Logs role, leader and epoch of the node whenever one of them changes, with the time on the clock
/// of leases. Of an election that ends at once, only the result is logged: a log line in the middle
/// would take processor time from the election.
pub(super) fn log_status_changes(elector: &NodeHandle) {
    let node = elector.node_id().0;
    let mut status = elector.subscribe();
    status.mark_changed();
    tokio::spawn(async move {
        let mut logged = None;
        while status.changed().await.is_ok() {
            let mut now = status.borrow_and_update().clone();
            if now.leader.is_none() {
                let elected = status.wait_for(|status| status.leader.is_some());
                let _ = timeout(NO_LEADER_DELAY, elected).await;
                now = status.borrow_and_update().clone();
            }
            // Other changes, for example of the lease, are not logged.
            let view = Some((now.role, now.leader, now.epoch));
            if std::mem::replace(&mut logged, view) == view {
                continue;
            }
            let passed = u64::try_from(now.since.elapsed().as_nanos()).unwrap_or(0);
            let at_ns = actor::now().nanos().saturating_sub(passed);
            let leader = now
                .leader
                .map_or("none".to_owned(), |leader| leader.to_string());
            let message = match (now.role, now.leader) {
                (Role::Leader, _) => "this node leads",
                (_, Some(_)) => "another node leads",
                (_, None) => "no leader known",
            };
            tracing::info!(
                target: "elector",
                node, role = %now.role, leader, epoch = now.epoch.0, at_ns,
                "{message}"
            );
        }
    });
}
