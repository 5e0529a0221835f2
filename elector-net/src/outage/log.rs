use std::{sync::Arc, time::Duration};

use elector_core::{ElectionAlgorithm, actor};
use tokio::time::sleep;

use super::OutageEvent;
use crate::{context::NodeContext, link::Link};

/// The interval at which the events of all peers are logged. If each outage were logged as soon as
/// it begins, the log would take processor time from the election that the outage causes.
const LOG_INTERVAL: Duration = Duration::from_millis(200);

/// Logs the beginnings and ends of outages of peers, until the node stops.
pub(crate) async fn log_outages<A: ElectionAlgorithm>(context: Arc<NodeContext<A>>) {
    loop {
        sleep(LOG_INTERVAL).await;
        if context.links.is_stopping() {
            return;
        }
        let now = actor::now();
        for outgoing in context.links.all().iter() {
            let link = &outgoing.link;
            for event in link.take_events(now) {
                log(&context, link, event);
            }
        }
    }
}

fn log<A: ElectionAlgorithm>(context: &NodeContext<A>, link: &Link, event: OutageEvent) {
    let (node, peer) = (context.me(), link.node);
    let address = context.addresses.of(peer).unwrap_or_default();
    match event {
        OutageEvent::Unreachable(reason) => {
            tracing::warn!(node = node.0, %peer, %address, %reason, "peer unreachable");
        }
        OutageEvent::Reachable { away, is_first } => {
            let away = Duration::from_millis(u64::try_from(away.as_millis()).unwrap_or(u64::MAX));
            let again = if is_first { "" } else { " again" };
            tracing::info!(node = node.0, %peer, %address, ?away, "peer reachable{again}");
        }
    }
}
