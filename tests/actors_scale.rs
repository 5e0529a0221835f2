//! Many nodes in one process. Prints what they cost:
//! `cargo test --release --test actors_scale -- --nocapture --test-threads 1`.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by failing")]

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use elector_core::{
    Configuration, Timing,
    actor::{Cluster, ClusterSetup},
};
use elector_raft::Raft;

const SOON: Duration = Duration::from_secs(60);

/// Held by the test that runs: the threads and the memory of a process belong to all its tests, so
/// two tests that run at once would count each other's.
static ALONE: Mutex<()> = Mutex::const_new(());

/// A line of what the system knows of this process: threads, or memory in KiB.
fn own(line: &str) -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let found = status.lines().find_map(|known| known.strip_prefix(line));
    let number = found.and_then(|rest| rest.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// So slow that ten thousand leaders do not keep the machine busy.
fn calm() -> Timing {
    let seconds = Duration::from_secs;
    Timing {
        heartbeat: seconds(20),
        lease: seconds(40),
        election_min: seconds(60),
        election_max: seconds(90),
        round_trip: seconds(5),
    }
}

// A cluster as large as a process can hold must elect like any other.
#[tokio::test]
async fn a_thousand_nodes_elect() {
    let _alone = ALONE.lock().await;
    let started = Instant::now();
    let cluster = Cluster::<Raft>::start(1000).await.unwrap();
    let up = started.elapsed();
    let leader = tokio::time::timeout(SOON, cluster.leader()).await.unwrap();
    let elected = started.elapsed();
    let mut after = Vec::new();
    for elector in cluster.running() {
        let mut status = elector.subscribe();
        let known = status.wait_for(|status| status.leader.is_some());
        after.push(
            tokio::time::timeout(SOON, known)
                .await
                .unwrap()
                .unwrap()
                .epoch,
        );
    }
    println!(
        "1,000 nodes: up after {up:?}, a majority follows {leader} after {elected:?}, all know a \
         leader after {:?}; {} threads, {} MiB",
        started.elapsed(),
        own("Threads:"),
        own("VmRSS:") / 1024,
    );
    assert!(after.iter().all(|epoch| epoch.0 > 0));
}

// A process with a small cluster for each of its many shards must not need a thread for each node.
#[tokio::test]
async fn ten_thousand_clusters_share_a_few_threads() {
    const CLUSTERS: u32 = 10_000;
    let _alone = ALONE.lock().await;
    let started = Instant::now();
    let (threads, memory) = (own("Threads:"), own("VmRSS:"));
    let mut clusters = Vec::new();
    for _ in 0..CLUSTERS {
        let mut setup = ClusterSetup::<Raft>::new(3);
        *setup.config.timing_mut() = calm();
        clusters.push(Cluster::start_with(setup).await.unwrap());
    }
    let up = started.elapsed();
    let mut led = Vec::new();
    for cluster in &clusters {
        let elector = cluster.node(1).unwrap();
        led.push(
            tokio::time::timeout(SOON, elector.campaign())
                .await
                .unwrap()
                .unwrap(),
        );
    }
    // Both may be negative: threads of an earlier test end, and the allocator returns memory.
    let more_threads = own("Threads:") - threads;
    let kib = (own("VmRSS:") - memory) as f64 / f64::from(CLUSTERS);
    println!(
        "{CLUSTERS} clusters of three: up after {up:?}, all led after {:?}; {more_threads} more \
         threads; {kib:.1} KiB a cluster",
        started.elapsed(),
    );
    assert!(led.iter().all(|me| me.check().is_ok()));
    assert!(more_threads <= 8, "{more_threads} threads");
}
