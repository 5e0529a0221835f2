//! Measures how many events per second the simulator handles on one core. The cluster has 5 or 101
//! nodes with real algorithms and is in its steady state; all invariants are checked, and the trace
//! is off. An event is one input of a node.
//!
//! `cargo bench --bench simulator`. The throughput column is events per second.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use elector_bully::Bully;
use elector_core::ElectionAlgorithm;
use elector_paxos::Paxos;
use elector_raft::Raft;
use elector_ring::Ring;
use elector_sim::{Setup, Simulation};

/// The virtual time of one measurement: about ten thousand events with five nodes.
const SPAN: Duration = Duration::from_secs(60);

fn steady<A: ElectionAlgorithm>(criterion: &mut Criterion, nodes: u64) {
    let mut sim = Simulation::<A>::new(Setup::new(nodes));
    sim.run_until_settled(Duration::from_secs(60))
        .expect("the cluster elects at boot");
    // A steady cluster has the same number of events in each span, except for a few at the ends of
    // the span.
    let before = sim.events();
    sim.run_for(SPAN);
    let events = sim.events() - before;
    let mut group = criterion.benchmark_group("simulator");
    group.throughput(Throughput::Elements(events));
    group.bench_function(BenchmarkId::new(A::NAME, nodes), |bencher| {
        bencher.iter(|| sim.run_for(SPAN));
    });
    assert!(sim.violations().is_empty(), "{:?}", sim.violations());
    group.finish();
}

fn simulator(criterion: &mut Criterion) {
    for nodes in [5, 101] {
        steady::<Raft>(criterion, nodes);
        steady::<Paxos>(criterion, nodes);
        steady::<Bully>(criterion, nodes);
        steady::<Ring>(criterion, nodes);
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = simulator
}
criterion_main!(benches);
