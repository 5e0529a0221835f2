//! How many messages one election takes after the leader's crash, counted exactly in the simulator:
//! everything of purpose `Election` until all that run agree. Hints on, so that one node begins.
//!
//! `cargo bench --bench messages`: the unit is messages, not time.

use std::time::Duration;

use criterion::{
    BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
    measurement::{Measurement, ValueFormatter},
};
use elector_bully::Bully;
use elector_core::{ElectionAlgorithm, Purpose};
use elector_paxos::Paxos;
use elector_raft::Raft;
use elector_ring::Ring;
use elector_sim::{Network, Setup, Simulation};

const LONG: Duration = Duration::from_secs(60);

/// Counts messages.
struct Messages;

impl Measurement for Messages {
    type Intermediate = ();
    type Value = u64;

    fn start(&self) {}

    fn end(&self, (): ()) -> u64 {
        0
    }

    fn add(&self, one: &u64, other: &u64) -> u64 {
        one + other
    }

    fn zero(&self) -> u64 {
        0
    }

    fn to_f64(&self, count: &u64) -> f64 {
        *count as f64
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        self
    }
}

impl ValueFormatter for Messages {
    fn scale_values(&self, _: f64, _: &mut [f64]) -> &'static str {
        "messages"
    }

    fn scale_throughputs(&self, _: f64, _: &Throughput, _: &mut [f64]) -> &'static str {
        "messages"
    }

    fn scale_for_machines(&self, _: &mut [f64]) -> &'static str {
        "messages"
    }
}

fn election<A: ElectionAlgorithm>(nodes: u64) -> u64 {
    let mut setup = Setup::<A>::new(nodes);
    setup.hints = true;
    setup.network = Network::constant(Duration::from_micros(100));
    let mut sim = Simulation::new(setup);
    let leader = sim.run_until_settled(LONG).expect("one is elected").leader;
    sim.run_for(Duration::from_secs(1));
    sim.reset_counts();
    sim.crash(leader);
    sim.run_until_settled(LONG).expect("another is elected");
    sim.run_for(Duration::from_millis(10));
    sim.sent_for(Purpose::Election)
}

fn count<A: ElectionAlgorithm>(criterion: &mut Criterion<Messages>, nodes: u64) {
    let mut group = criterion.benchmark_group("messages");
    let exact = election::<A>(nodes);
    group.bench_function(BenchmarkId::new(A::NAME, nodes), |bencher| {
        bencher.iter_custom(|elections| exact * elections);
    });
    group.finish();
}

fn messages(criterion: &mut Criterion<Messages>) {
    for nodes in [3, 5, 7, 25] {
        count::<Raft>(criterion, nodes);
        count::<Paxos>(criterion, nodes);
        count::<Bully>(criterion, nodes);
        count::<Ring>(criterion, nodes);
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .with_measurement(Messages)
        .sample_size(10)
        .warm_up_time(Duration::from_millis(1))
        .measurement_time(Duration::from_millis(10));
    targets = messages
}
criterion_main!(benches);
