//! How long a cluster of actors is without a leader: wall time from the kill of the leader until
//! all nodes that live know the next. The others are told at once, as a broken connection tells
//! them, so that no timeout is in the way; the stock configuration, a network and disks of no
//! delay.
//!
//! `bully` takes 20 ms longer than the others: its answer timeout, the paper's T. The node with the
//! highest id that is left asks the higher ones, all of them reported gone, and waits whether one
//! answers after all. All the other algorithms ask a majority, which decides whatever the hint was
//! worth. Bully has nobody to ask but the node that is said to be gone: to act on the hint at once
//! would let a hint *decide* an election, and a connection that broke between two live nodes would
//! make two leaders where the wait makes none. A hint may start an election early and never more,
//! so that is not the default; `bully-skip-suspected` shows what the wait costs, for those whose
//! hints are sure (the death of a process on the same machine).
//!
//! `cargo bench --bench election_actors`; one sample is one kill, or a few. The lines behind
//! criterion's tell the median, the 99th percentile and the worst of all kills.

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

/// Waits until all running nodes follow one leader of an epoch above `epoch`; names both.
async fn elected<A: ElectionAlgorithm>(cluster: &Cluster<A>, epoch: Epoch) -> (Epoch, NodeId) {
    loop {
        let mut known = Vec::new();
        for elector in cluster.running() {
            let mut status = elector.subscribe();
            let news = status.wait_for(|status| status.epoch > epoch && status.leader.is_some());
            let news = news.await.expect("the node runs");
            known.push((news.epoch, news.leader));
        }
        match known[0] {
            (epoch, Some(leader)) if known.iter().all(|other| *other == known[0]) => {
                return (epoch, leader);
            }
            // One of them has already heard of a newer one.
            _ => time::sleep(Duration::from_micros(100)).await,
        }
    }
}

/// Kills the leader; how long the others took to know the next. Then all is as it was before.
async fn failover<A: ElectionAlgorithm>(cluster: &mut Cluster<A>, pause: Duration) -> Duration {
    let (epoch, leader) = elected(cluster, Epoch::ZERO).await;
    let killed = Instant::now();
    cluster.kill(leader).await;
    elected(cluster, epoch).await;
    let took = killed.elapsed();
    cluster.restart(leader).await.expect("the node starts");
    // A node that has restarted stays silent at first, for it may have confirmed a lease.
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
    // None at all if a filter on the command line left it out.
    let Some(worst) = took.last() else {
        return String::new();
    };
    let (median, late) = (took[took.len() / 2], took[took.len() * 99 / 100]);
    format!(
        "{name:<20} n = {nodes}   {} kills   median {median:>9.2?}   p99 {late:>9.2?}   \
         worst {worst:>9.2?}\n",
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
    // Nearly all the time passes between two kills, and criterion counts that as well.
    config = Criterion::default()
        .sample_size(50)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(10));
    targets = all
}
criterion_main!(benches);
