//! Helpers for the tests of nodes on actors.

use std::time::Duration;

use elector_core::{Configuration, ElectionAlgorithm, Timing, actor::ClusterSetup};

/// The limit for each event. A test that waits longer has failed.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);

/// Waits for an event that must happen.
pub(crate) async fn in_time<T>(event: impl Future<Output = T>) -> T {
    let event = tokio::time::timeout(TIMEOUT, event);
    event.await.expect("it happens in time")
}

/// Returns long timeouts, so that a busy machine does not cause an election.
pub(crate) fn patient_timing() -> Timing {
    Timing {
        heartbeat: Duration::from_millis(50),
        lease: Duration::from_millis(800),
        election_min: Duration::from_millis(1000),
        election_max: Duration::from_millis(1500),
        round_trip: Duration::from_millis(500),
    }
}

/// Returns a cluster with these timeouts.
pub(crate) fn cluster_with<A: ElectionAlgorithm>(nodes: u64, timing: Timing) -> ClusterSetup<A> {
    let mut setup = ClusterSetup::<A>::new(nodes);
    *setup.config.timing_mut() = timing;
    setup
}
