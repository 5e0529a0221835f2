//! Code that several benches share: measurements other than wall time, and one failover.

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

/// The seeds of the simulated runs. Each figure is the mean over the runs with these seeds.
const SEEDS: RangeInclusive<u64> = 1..=200;
/// The limit for an election in a simulated cluster, in virtual time.
const LIMIT: Duration = Duration::from_secs(120);

/// A measurement whose values the bench itself gives to criterion, as a number of `unit`s, instead
/// of measured time. The values are exact, and the same on every machine.
#[derive(Debug)]
pub(crate) struct GivenValue {
    unit: &'static str,
}

impl GivenValue {
    /// Creates a measurement with this unit.
    pub(crate) fn new(unit: &'static str) -> Self {
        Self { unit }
    }
}

impl Measurement for GivenValue {
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

impl ValueFormatter for GivenValue {
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

/// Simulates one failover: the leader crashes in a cluster whose nodes all follow it. Returns the
/// election after the crash.
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
    // Messages that nodes send just after the end of the election count as its messages, too.
    sim.run_for(Duration::from_millis(100));
    let elections = sim.elections();
    *elections.first().expect("there was an election")
}

/// Benches one figure of failovers, which `of` takes from an [`Election`], for every algorithm and
/// several cluster sizes. In the runs `timeout`, the nodes notice the crash by a timeout. In the
/// runs `hinted`, the hosts of the nodes report a proof of death.
pub(crate) fn failovers(
    criterion: &mut Criterion<GivenValue>,
    figure: &str,
    of: fn(&Election) -> f64,
) {
    for (cause, hints) in [("timeout", false), ("hinted", true)] {
        for nodes in [3, 5, 7, 25] {
            let mut group = criterion.benchmark_group(format!("{figure}/{cause}"));
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

/// Returns a `Criterion` for exact figures, without a warm-up and with a minimal measurement time.
pub(crate) fn exact(unit: &'static str) -> Criterion<GivenValue> {
    let instant = Duration::from_millis(1);
    Criterion::default()
        .with_measurement(GivenValue::new(unit))
        .sample_size(10)
        .warm_up_time(instant)
        .measurement_time(instant)
}
