use std::{sync::Arc, time::Duration};

use elector_core::{ElectionAlgorithm, NodeId, actor, nanos};
use tokio::{task::yield_now, time::sleep};

use crate::{
    fit::{Fit, Stalls},
    link::Told,
    station::Station,
};

/// The least time between two looks: the timers of tokio are no finer.
const LOOK: u64 = 1_000_000;

/// Tells the algorithm of peers that have been silent for too long, and longer than a lease: one
/// that hangs, one whose machine is gone, one that is cut off. None of these closes a connection.
pub(crate) async fn watch<A: ElectionAlgorithm>(station: Arc<Station<A>>) {
    let rest = nanos(station.detection.ping);
    let mut fit = Fit::new(station.timing);
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
            if let Some(stalls) = fit.stalled(Duration::from_nanos(late), woke) {
                report_stalls(&station, stalls);
            }
            continue;
        }
        // What has arrived must be read before anybody is called silent.
        yield_now().await;
        yield_now().await;
        let now = actor::now().nanos();
        for link in &station.links.of {
            if let (_, Some(measured), _) = link.measured()
                && fit.round_trip(link.node, measured, now)
            {
                report_round_trip(&station, link.node, measured);
            }
            if link.due().is_some_and(|due| due <= now) && link.tell(Told::Free) {
                tracing::debug!(node = station.me().0, peer = %link.node, "it has fallen silent");
                station.inbox.silent(link.node);
                link.fall_silent();
            }
        }
    }
}

fn report_stalls<A: ElectionAlgorithm>(station: &Station<A>, stalls: Stalls) {
    tracing::warn!(
        node = station.me().0,
        longest = ?stalls.longest,
        count = stalls.count,
        lease = ?station.timing.lease,
        "this node did not get to run for a large part of its lease, and may lose its leadership \
         without another fault: give it more processor time, or use longer durations"
    );
}

fn report_round_trip<A: ElectionAlgorithm>(
    station: &Station<A>,
    peer: NodeId,
    round_trip: Duration,
) {
    tracing::warn!(
        node = station.me().0,
        %peer,
        ?round_trip,
        heartbeat = ?station.timing.heartbeat,
        lease = ?station.timing.lease,
        expected = ?station.timing.round_trip,
        "answers of this peer take longer than the durations of this cluster allow for, and \
         leadership may be lost without another fault: use longer durations on all nodes, such as \
         those of the default profile"
    );
}
