//! Measures the time without a leader in a cluster of actors: wall time from the kill of the leader
//! until all running nodes know the next leader. The other nodes get a proof of the leader's death
//! immediately, so that no timeout is measured. The configuration is the default; network and disks
//! have no delay.
//!
//! A candidate of Bully asks all nodes with higher ids whether they run, and does not wait for the
//! answer of a node that is proved dead. After a mere suspicion, which may be wrong, the variant
//! `bully` would wait for its answer timeout (the paper's T, here 20 ms), because only an answer of
//! the suspected node can show that it runs. Without this wait, the suspicion would *decide* the
//! election: a connection that breaks between two running nodes would make two leaders. A suspicion
//! must not do more than start an election early, so `bully` waits by default. Raft and Paxos need
//! no such wait, because they ask a majority, whose decision is right even if the suspicion is
//! wrong. The variant `bully-skip-suspected` does not wait after a suspicion. It is for
//! applications whose suspicions are certain. In this bench both variants of Bully get a proof of
//! death, so neither of them waits.
//!
//! `cargo bench --bench election_actors`. One sample is one kill, or a few. The lines after
//! criterion's output show the median, the 99th percentile and the maximum of all kills.

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, SamplingMode, criterion_group, criterion_main};
use elector_bully::{Bully, BullyConfig};
use elector_core::{
    Configuration, ElectionAlgorithm, Epoch, NodeId,
    actor::{Cluster, ClusterSetup},
};
use elector_paxos::Paxos;
use elector_raft::Raft;
use elector_ring::Ring;
use tokio::{runtime, time};

/// Waits until all running nodes follow one leader of an epoch above `epoch`. Returns the epoch and
/// the leader.
async fn elected<A: ElectionAlgorithm>(cluster: &Cluster<A>, epoch: Epoch) -> (Epoch, NodeId) {
    loop {
        let mut known = Vec::new();
        for elector in cluster.running() {
            let mut status = elector.subscribe();
            let known_leader =
                status.wait_for(|status| status.epoch > epoch && status.leader.is_some());
            let known_leader = known_leader.await.expect("the node runs");
            known.push((known_leader.epoch, known_leader.leader));
        }
        match known[0] {
            (epoch, Some(leader)) if known.iter().all(|other| *other == known[0]) => {
                return (epoch, leader);
            }
            // The nodes do not agree yet: one of them already knows a newer leader.
            _ => time::sleep(Duration::from_micros(100)).await,
        }
    }
}

/// Kills the leader and returns the time until the other nodes know the next leader. Then restarts
/// the killed node, and waits for `pause`.
async fn failover<A: ElectionAlgorithm>(cluster: &mut Cluster<A>, pause: Duration) -> Duration {
    let (epoch, leader) = elected(cluster, Epoch::ZERO).await;
    let killed = Instant::now();
    cluster.kill(leader).await;
    elected(cluster, epoch).await;
    let took = killed.elapsed();
    cluster.restart(leader).await.expect("the node starts");
    // A restarted node first keeps its vigil: it supports no other node for `election_min`, because
    // it may have acknowledged a heartbeat of a leader that still holds its lease. The pause is
    // longer than the vigil.
    time::sleep(pause).await;
    took
}

fn bench<A: ElectionAlgorithm>(criterion: &mut Criterion, name: &str, config: &A::Config) {
    let runtime = runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let mut group = criterion.benchmark_group("election_actors");
    group.sampling_mode(SamplingMode::Flat);
    let mut summary = String::new();
    let pause = config.timing().election_min + 2 * config.timing().round_trip;
    for nodes in [3, 5] {
        let mut setup = ClusterSetup::<A>::new(nodes);
        setup.config = config.clone();
        let started = runtime.block_on(Cluster::start_with(setup));
        let mut cluster = started.expect("the cluster starts");
        let mut all = Vec::new();
        group.bench_function(BenchmarkId::new(name, nodes), |bencher| {
            bencher.iter_custom(|kills| {
                runtime.block_on(async {
                    let before = all.len();
                    for _ in 0..kills {
                        all.push(failover(&mut cluster, pause).await);
                    }
                    all[before..].iter().sum()
                })
            });
        });
        runtime.block_on(cluster.shutdown());
        summary += &line(name, nodes, &mut all);
    }
    group.finish();
    println!("{summary}");
}

fn line(name: &str, nodes: u64, took: &mut [Duration]) -> String {
    took.sort_unstable();
    // There are no kills if a filter on the command line excludes this algorithm.
    let Some(max) = took.last() else {
        return String::new();
    };
    let (median, late) = (took[took.len() / 2], took[took.len() * 99 / 100]);
    format!(
        "{name:<20} n = {nodes}   {} kills   median {median:>9.2?}   p99 {late:>9.2?}   \
         max {max:>9.2?}\n",
        took.len()
    )
}

fn all(criterion: &mut Criterion) {
    bench::<Raft>(criterion, Raft::NAME, &Default::default());
    bench::<Paxos>(criterion, Paxos::NAME, &Default::default());
    bench::<Ring>(criterion, Ring::NAME, &Default::default());
    bench::<Bully>(criterion, Bully::NAME, &BullyConfig::default());
    let skipping = BullyConfig {
        skip_suspected: true,
        ..BullyConfig::default()
    };
    bench::<Bully>(criterion, "bully-skip-suspected", &skipping);
}

criterion_group! {
    name = benches;
    // Most of the time passes between two kills, and criterion includes these pauses in its
    // measurement time.
    config = Criterion::default()
        .sample_size(50)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(10));
    targets = all
}
criterion_main!(benches);
