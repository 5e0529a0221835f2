use std::{sync::Arc, time::Duration};

use elector_core::{ElectionAlgorithm, actor};
use tokio::{task::yield_now, time::sleep};

use crate::{detector::nanos, link::Told, station::Station};

/// The least time between two looks: the timers of tokio are no finer.
const LOOK: u64 = 1_000_000;

/// Tells the algorithm of peers that have been silent for too long, and longer than a lease: one that hangs, one whose
/// machine is gone, one that is cut off. None of these closes a connection.
pub(crate) async fn watch<A: ElectionAlgorithm>(station: Arc<Station<A>>) {
    let rest = nanos(station.detection.ping);
    loop {
        let now = actor::now().nanos();
        let due = station.links.of.iter().filter_map(|link| link.due()).min();
        let wait = due
            .map_or(rest, |due| due.saturating_sub(now))
            .clamp(LOOK, rest);
        sleep(Duration::from_nanos(wait)).await;
        let woke = actor::now().nanos();
        let late = woke.saturating_sub(now.saturating_add(wait));
        if late > nanos(station.detection.floor) / 4 {
            // This node was stopped, or starved: it may have heard nothing because it did not
            // listen.
            station.links.of.iter().for_each(|link| link.excuse(woke));
            continue;
        }
        // What has arrived must be read before anybody is called silent.
        yield_now().await;
        yield_now().await;
        let now = actor::now().nanos();
        for link in &station.links.of {
            if link.due().is_some_and(|due| due <= now) && link.tell(Told::Free) {
                tracing::debug!(node = %station.me(), peer = %link.node, "it has fallen silent");
                station.inbox.silent(link.node);
            }
        }
    }
}
