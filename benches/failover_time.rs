//! How long a failover takes in virtual time, from the crash of the leader until all nodes know the
//! next: 1 ms ± 0.5 ms one way, 0.1 to 0.3 ms a write, the stock timing; the mean over 200 seeds.
//!
//! `cargo bench --bench failover_time`; the figures are the same on every machine.

mod support;

use std::ops::RangeInclusive;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use elector_bully::Bully;
use elector_core::ElectionAlgorithm;
use elector_paxos::Paxos;
use elector_raft::Raft;
use elector_ring::Ring;
use support::{Stated, failover};

/// The runs that each figure is the mean of.
const SEEDS: RangeInclusive<u64> = 1..=200;

fn one<A: ElectionAlgorithm>(criterion: &mut Criterion<Stated>, nodes: u64, hints: bool) {
    let told = if hints { "hinted" } else { "timeout" };
    let mut group = criterion.benchmark_group(format!("failover_time/{told}"));
    let elections = SEEDS.map(|seed| failover::<A>(nodes, hints, seed));
    let sum: f64 = elections
        .map(|election| (election.settled_ns - election.opened_ns) as f64 / 1e6)
        .sum();
    let mean = sum / SEEDS.count() as f64;
    group.bench_function(BenchmarkId::new(A::NAME, nodes), |bencher| {
        bencher.iter_custom(|iterations| mean * iterations as f64);
    });
    group.finish();
}

fn all(criterion: &mut Criterion<Stated>) {
    for hints in [false, true] {
        for nodes in [3, 5, 7, 25] {
            one::<Raft>(criterion, nodes, hints);
            one::<Paxos>(criterion, nodes, hints);
            one::<Bully>(criterion, nodes, hints);
            one::<Ring>(criterion, nodes, hints);
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .with_measurement(Stated::new("ms (virtual)"))
        .sample_size(20)
        .warm_up_time(std::time::Duration::from_millis(1))
        .measurement_time(std::time::Duration::from_millis(1));
    targets = all
}
criterion_main!(benches);
