use std::{sync::Arc, time::Duration};

use elector_core::{ElectionAlgorithm, NodeId, actor, nanos};
use tokio::{task::yield_now, time::sleep};

use crate::{
    context::NodeContext,
    link::Mark,
    timing_check::{Stalls, TimingCheck},
};

/// The minimum time between two checks: the timers of tokio are not finer.
const CHECK_INTERVAL_MIN_NS: u64 = 1_000_000;

/// Notifies the algorithm of each peer that has been silent for too long, which is longer than a
/// lease: its process hangs, its machine is down, or it is cut off from the network. None of these
/// closes a connection.
pub(crate) async fn detect_silence<A: ElectionAlgorithm>(context: Arc<NodeContext<A>>) {
    let interval_ns = nanos(context.detection.ping);
    let mut check = TimingCheck::new(context.timing);
    loop {
        let now_ns = actor::now().nanos();
        let links = context.links.all.iter();
        let deadline_ns = links.filter_map(|link| link.silence_deadline_ns()).min();
        let wait_ns = deadline_ns
            .map_or(interval_ns, |deadline_ns| {
                deadline_ns.saturating_sub(now_ns)
            })
            .clamp(CHECK_INTERVAL_MIN_NS, interval_ns);
        sleep(Duration::from_nanos(wait_ns)).await;
        let woke_ns = actor::now().nanos();
        let late_ns = woke_ns.saturating_sub(now_ns.saturating_add(wait_ns));
        if late_ns > nanos(context.detection.floor) / 4 {
            // This node was stopped, or got no processor time. It may have received nothing only
            // because it did not read, so it must not blame its peers.
            let links = context.links.all.iter();
            links.for_each(|link| link.restart_silence(woke_ns));
            if let Some(stalls) = check.stalled(Duration::from_nanos(late_ns), woke_ns) {
                report_stalls(&context, stalls);
            }
            continue;
        }
        // Data that has already arrived must be read before a peer counts as silent.
        yield_now().await;
        yield_now().await;
        let now_ns = actor::now().nanos();
        for link in &context.links.all {
            if let (_, Some(measured), _) = link.measured()
                && check.round_trip(link.node, measured, now_ns)
            {
                report_round_trip(&context, link.node, measured);
            }
            let deadline_ns = link.silence_deadline_ns();
            if deadline_ns.is_some_and(|deadline_ns| deadline_ns <= now_ns)
                && link.mark(Mark::Released)
            {
                tracing::debug!(
                    node = context.me().0, peer = %link.node, "peer heartbeat timeout"
                );
                context.inbox.silent(link.node);
                link.record_silence();
            }
        }
    }
}

fn report_stalls<A: ElectionAlgorithm>(context: &NodeContext<A>, stalls: Stalls) {
    tracing::warn!(
        node = context.me().0,
        longest = ?stalls.longest,
        count = stalls.count,
        lease = ?context.timing.lease,
        "node did not run for a large part of its lease, so it may lose its leadership without \
         another fault: give it more processor time, or use longer durations"
    );
}

fn report_round_trip<A: ElectionAlgorithm>(
    context: &NodeContext<A>,
    peer: NodeId,
    round_trip: Duration,
) {
    tracing::warn!(
        node = context.me().0,
        %peer,
        ?round_trip,
        heartbeat = ?context.timing.heartbeat,
        lease = ?context.timing.lease,
        expected = ?context.timing.round_trip,
        "answers of the peer take longer than the durations of this cluster allow, so leadership \
         may be lost without another fault: use longer durations on all nodes, for example those \
         of the default profile"
    );
}
