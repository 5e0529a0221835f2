//! Measures the time of a failover in virtual time, from the crash of the leader until all nodes
//! know the next leader. A message takes 1 ms ± 0.5 ms, and a write takes 0.1 to 0.3 ms. The timing
//! is the default. Each figure is the mean over 200 seeds.
//!
//! `cargo bench --bench failover_time`. The figures are the same on every machine.

mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use support::{GivenValue, exact, failovers};

fn all(criterion: &mut Criterion<GivenValue>) {
    failovers(criterion, "failover", |election| {
        (election.settled_ns - election.opened_ns) as f64 / 1e6
    });
}

criterion_group! {
    name = benches;
    config = exact("ms (virtual)");
    targets = all
}
criterion_main!(benches);
