//! What several benches share: measurements that are not wall time, and one failover.

use std::{ops::RangeInclusive, time::Duration};

use criterion::{
    BenchmarkId, Criterion, Throughput,
    measurement::{Measurement, ValueFormatter},
};
use elector_bully::Bully;
use elector_core::ElectionAlgorithm;
use elector_paxos::Paxos;
use elector_raft::Raft;
use elector_ring::Ring;
use elector_sim::{Election, Setup, Simulation};

/// The runs that each figure is the mean of.
const SEEDS: RangeInclusive<u64> = 1..=200;
/// How long a simulated cluster may take to elect before the bench gives it up, in virtual time.
const LIMIT: Duration = Duration::from_secs(120);

/// A measurement that each iteration states itself, as a number of `unit`s: exact, and the same on
/// every machine.
#[derive(Debug)]
pub(crate) struct Stated {
    unit: &'static str,
}

impl Stated {
    /// Values are numbers of this unit.
    pub(crate) fn new(unit: &'static str) -> Self {
        Self { unit }
    }
}

impl Measurement for Stated {
    type Intermediate = ();
    type Value = f64;

    fn start(&self) {}

    fn end(&self, (): ()) -> f64 {
        0.0
    }

    fn add(&self, a: &f64, b: &f64) -> f64 {
        a + b
    }

    fn zero(&self) -> f64 {
        0.0
    }

    fn to_f64(&self, value: &f64) -> f64 {
        *value
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        self
    }
}

impl ValueFormatter for Stated {
    fn scale_values(&self, _typical: f64, _values: &mut [f64]) -> &'static str {
        self.unit
    }

    fn scale_throughputs(
        &self,
        _typical: f64,
        _of: &Throughput,
        _values: &mut [f64],
    ) -> &'static str {
        self.unit
    }

    fn scale_for_machines(&self, _values: &mut [f64]) -> &'static str {
        self.unit
    }
}

/// One failover in virtual time: the leader of a settled cluster crashes; the election that
/// follows.
fn failover<A: ElectionAlgorithm>(nodes: u64, hints: bool, seed: u64) -> Election {
    let mut setup = Setup::<A>::new(nodes);
    (setup.hints, setup.seed) = (hints, seed);
    let mut sim = Simulation::new(setup);
    let first = sim
        .run_until_settled(LIMIT)
        .expect("the cluster elects at boot");
    sim.run_for(Duration::from_millis(500));
    sim.reset_counts();
    sim.crash(first.leader);
    sim.run_until_settled(LIMIT)
        .expect("the cluster elects after a crash");
    // The stragglers of the election belong to it.
    sim.run_for(Duration::from_millis(100));
    let elections = sim.elections();
    *elections.first().expect("there was an election")
}

/// Benches one figure of failovers: every algorithm at several sizes, found out by timeout and by
/// hint.
pub(crate) fn failovers(criterion: &mut Criterion<Stated>, figure: &str, of: fn(&Election) -> f64) {
    for (told, hints) in [("timeout", false), ("hinted", true)] {
        for nodes in [3, 5, 7, 25] {
            let mut group = criterion.benchmark_group(format!("{figure}/{told}"));
            let mut bench = |name: &str, failover: fn(u64, bool, u64) -> Election| {
                let figures = SEEDS.map(|seed| of(&failover(nodes, hints, seed)));
                let mean = figures.sum::<f64>() / SEEDS.count() as f64;
                group.bench_function(BenchmarkId::new(name, nodes), |bencher| {
                    bencher.iter_custom(|iterations| mean * iterations as f64);
                });
            };
            bench(Raft::NAME, failover::<Raft>);
            bench(Paxos::NAME, failover::<Paxos>);
            bench(Bully::NAME, failover::<Bully>);
            bench(Ring::NAME, failover::<Ring>);
            group.finish();
        }
    }
}

/// A criterion that takes exact figures: there is nothing to warm up, and nothing to wait for.
pub(crate) fn exact(unit: &'static str) -> Criterion<Stated> {
    let instant = Duration::from_millis(1);
    Criterion::default()
        .with_measurement(Stated::new(unit))
        .sample_size(10)
        .warm_up_time(instant)
        .measurement_time(instant)
}
