use std::{sync::Arc, time::Duration};

use elector_core::{ElectionAlgorithm, Moment, NodeId, actor};
use tokio::{task::yield_now, time::sleep};

use crate::{
    context::NodeContext,
    link::{Link, Mark},
    timing_check::{Stalls, TimingCheck},
};

/// The minimum time between two checks of whether peers are silent. The timers of tokio are not
/// more precise than this.
const CHECK_INTERVAL_MIN: Duration = Duration::from_millis(1);

/// Notifies the algorithm of each peer that has been silent for too long, which is longer than a
/// lease. The process of such a peer hangs, its machine is down, or the network does not reach it.
/// None of these failures closes a connection.
pub(crate) async fn detect_silence<A: ElectionAlgorithm>(context: Arc<NodeContext<A>>) {
    let interval = context.detection.ping;
    let mut check = TimingCheck::new(context.timing);
    loop {
        let now = actor::now();
        let all = context.links.all();
        let links = all.iter().map(|outgoing| &*outgoing.link);
        let deadline = links.clone().filter_map(Link::silence_deadline).min();
        let wait = wait(deadline, now, interval);
        sleep(wait).await;
        let woke = actor::now();
        let late = woke.saturating_since(now.saturating_add(wait));
        if late > context.detection.floor / 4 {
            // This node was stopped, or got no processor time. Perhaps it received nothing only
            // because it did not read. So it must not take its peers for silent.
            links.for_each(|link| link.detector().restart_silence(woke));
            if let Some(stalls) = check.stalled(late, woke) {
                report_stalls(&context, stalls);
            }
            continue;
        }
        // These two calls let the tasks that read connections run. Data that has already arrived
        // must be read before a peer counts as silent.
        yield_now().await;
        yield_now().await;
        let now = actor::now();
        for link in links {
            let round_trip = link.detector().round_trip();
            if let Some(measured) = round_trip
                && check.round_trip(link.node, measured, now)
            {
                report_round_trip(&context, link.node, measured);
            }
            let deadline = link.silence_deadline();
            if deadline.is_some_and(|deadline| deadline <= now) && link.mark(Mark::Released) {
                tracing::debug!(
                    node = context.me().0, peer = %link.node, "peer heartbeat timeout"
                );
                context.inbox.silent(link.node);
                link.record_silence();
            }
        }
    }
}

/// Returns the time from now until the next check of all peers: until the deadline, at which a peer
/// will have been silent for too long, but at most the ping interval.
fn wait(deadline: Option<Moment>, now: Moment, interval: Duration) -> Duration {
    let left = deadline.map_or(interval, |deadline| deadline.saturating_since(now));
    // `clamp` cannot be used: it panics if the interval is shorter than the minimum.
    left.min(interval).max(CHECK_INTERVAL_MIN)
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

#[cfg(test)]
mod tests {
    use super::*;

    // The ping interval can be shorter than the minimum between two checks. The function must not
    // panic then.
    #[test]
    fn the_next_check_is_at_the_deadline_within_limits() {
        let ms = Duration::from_millis;
        let (now, far) = (Moment::ZERO, Moment::ZERO.saturating_add(ms(30)));
        let near = Moment::ZERO.saturating_add(Duration::from_micros(10));
        assert_eq!(wait(None, now, ms(40)), ms(40));
        assert_eq!(wait(Some(far), now, ms(40)), ms(30));
        assert_eq!(wait(Some(far), now, ms(20)), ms(20));
        assert_eq!(wait(Some(near), now, ms(20)), ms(1));
        assert_eq!(wait(Some(far), now, Duration::from_micros(500)), ms(1));
    }
}
