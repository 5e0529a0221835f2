use std::time::Duration;

use elector_core::{
    Role,
    actor::{self, NodeHandle},
};
use tokio::time::timeout;

/// How long there may be no leader before that is logged.
const BRIEFLY: Duration = Duration::from_millis(10);

/// Logs what the node knows, whenever that changes, with the moment on the clock of leases. An
/// election that is over at once is told by its outcome alone: to write of it in the middle takes a
/// processor from the election.
pub(super) fn tell(elector: &NodeHandle) {
    let node = elector.node_id().0;
    let mut status = elector.subscribe();
    status.mark_changed();
    tokio::spawn(async move {
        let mut told = None;
        while status.changed().await.is_ok() {
            let mut now = status.borrow_and_update().clone();
            if now.leader.is_none() {
                let elected = status.wait_for(|status| status.leader.is_some());
                let _ = timeout(BRIEFLY, elected).await;
                now = status.borrow_and_update().clone();
            }
            // It may be a lease that came or went.
            let news = Some((now.role, now.leader, now.epoch));
            if std::mem::replace(&mut told, news) == news {
                continue;
            }
            let passed = u64::try_from(now.since.elapsed().as_nanos()).unwrap_or(0);
            let at_ns = actor::now().nanos().saturating_sub(passed);
            let leader = now
                .leader
                .map_or("none".to_owned(), |leader| leader.to_string());
            let message = match (now.role, now.leader) {
                (Role::Leader, _) => "this node leads",
                (_, Some(_)) => "there is a leader",
                (_, None) => "there is no leader",
            };
            tracing::info!(
                target: "elector",
                node, role = %now.role, leader, epoch = now.epoch.0, at_ns,
                "{message}"
            );
        }
    });
}
