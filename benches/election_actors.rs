//! How long a cluster of real actors is without a leader when its leader is killed: wall time from
//! the kill until a majority follows the next one. The others are told of the kill at once, as a
//! broken connection tells them, so that no timeout is in the way.
//!
//! `cargo bench --bench election_actors`

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use elector_bully::Bully;
use elector_core::{ElectionAlgorithm, NodeId, actor::Cluster};
use elector_paxos::Paxos;
use elector_raft::Raft;
use elector_ring::Ring;
use tokio::runtime::Runtime;

/// Waits until all nodes that run follow one leader.
async fn settled<A: ElectionAlgorithm>(cluster: &Cluster<A>) -> NodeId {
    loop {
        let leader = cluster.leader().await;
        for elector in cluster.running() {
            let mut status = elector.subscribe();
            // The node cannot be gone: its handle is here.
            let _ = status.wait_for(|status| status.leader.is_some()).await;
        }
        let follows =
            |elector: &elector_core::actor::Elector<A>| elector.status().leader == Some(leader);
        if cluster.running().all(follows) {
            return leader;
        }
        tokio::task::yield_now().await;
    }
}

fn kill<A: ElectionAlgorithm>(criterion: &mut Criterion, runtime: &Runtime, nodes: u64) {
    let mut cluster = runtime
        .block_on(Cluster::<A>::start(nodes))
        .expect("a cluster starts");
    let mut group = criterion.benchmark_group("election_actors");
    group.bench_function(BenchmarkId::new(A::NAME, nodes), |bencher| {
        bencher.iter_custom(|kills| {
            runtime.block_on(async {
                let mut leaderless = Duration::ZERO;
                for _ in 0..kills {
                    let leader = settled(&cluster).await;
                    let killed = Instant::now();
                    cluster.kill(leader).await;
                    cluster.leader().await;
                    leaderless += killed.elapsed();
                    cluster.restart(leader).await.expect("it starts again");
                }
                leaderless
            })
        });
    });
    group.finish();
    runtime.block_on(cluster.shutdown());
}

fn election_actors(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    for nodes in [3, 5] {
        kill::<Raft>(criterion, &runtime, nodes);
        kill::<Paxos>(criterion, &runtime, nodes);
        kill::<Bully>(criterion, &runtime, nodes);
        kill::<Ring>(criterion, &runtime, nodes);
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(3));
    targets = election_actors
}
criterion_main!(benches);
