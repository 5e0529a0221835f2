//! Tests many nodes in one process. The tests print the time, the threads and the memory that the
//! nodes need: `cargo test --release --test exclusive scale -- --nocapture`.

use std::time::{Duration, Instant};

use elector_core::{Timing, actor::Cluster};
use elector_raft::Raft;

use crate::{
    EXCLUSIVE,
    support::{cluster_with, in_time},
};

/// Returns a value of `/proc/self/status`: the number of threads, or memory in KiB.
fn process_status(line: &str) -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let found = status.lines().find_map(|known| known.strip_prefix(line));
    let number = found.and_then(|rest| rest.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Returns timeouts so long that ten thousand leaders need little processor time.
fn slow_timing() -> Timing {
    let seconds = Duration::from_secs;
    Timing {
        heartbeat: seconds(20),
        lease: seconds(40),
        election_min: seconds(60),
        election_max: seconds(90),
        round_trip: seconds(5),
    }
}

// A very large cluster must elect a leader like any other.
#[tokio::test]
async fn a_thousand_nodes_elect() {
    let _exclusive = EXCLUSIVE.lock().await;
    let started = Instant::now();
    let cluster = Cluster::<Raft>::start(1000).await.unwrap();
    let up = started.elapsed();
    let leader = in_time(cluster.leader()).await;
    let elected = started.elapsed();
    let mut after = Vec::new();
    for elector in cluster.running() {
        let mut status = elector.subscribe();
        let known = status.wait_for(|status| status.leader.is_some());
        after.push(in_time(known).await.unwrap().epoch);
    }
    println!(
        "1,000 nodes: up after {up:?}, a majority follows {leader} after {elected:?}, all know a \
         leader after {:?}; {} threads, {} MiB",
        started.elapsed(),
        process_status("Threads:"),
        process_status("VmRSS:") / 1024,
    );
    assert!(after.iter().all(|epoch| epoch.0 > 0));
}

// A process can have many small clusters, for example one for each part of its data. It must not
// need a thread for each node.
#[tokio::test]
async fn ten_thousand_clusters_share_a_few_threads() {
    const CLUSTERS: u32 = 10_000;
    let _exclusive = EXCLUSIVE.lock().await;
    let started = Instant::now();
    let (threads, memory) = (process_status("Threads:"), process_status("VmRSS:"));
    let mut clusters = Vec::new();
    for _ in 0..CLUSTERS {
        let setup = cluster_with::<Raft>(3, slow_timing());
        clusters.push(Cluster::start_with(setup).await.unwrap());
    }
    let up = started.elapsed();
    let mut led = Vec::new();
    for cluster in &clusters {
        let elector = cluster.node(1).unwrap();
        led.push(in_time(elector.campaign()).await.unwrap());
    }
    // The difference of the threads and the difference of the memory can be negative: threads of an
    // earlier test end, and the allocator returns memory.
    let more_threads = process_status("Threads:") - threads;
    let kib = (process_status("VmRSS:") - memory) as f64 / f64::from(CLUSTERS);
    println!(
        "{CLUSTERS} clusters of three: up after {up:?}, all led after {:?}; {more_threads} more \
         threads; {kib:.1} KiB a cluster",
        started.elapsed(),
    );
    assert!(led.iter().all(|me| me.check().is_ok()));
    assert!(more_threads <= 8, "{more_threads} threads");
}
