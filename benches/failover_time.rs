//! How long a failover takes in virtual time, from the crash of the leader until all nodes know the
//! next: 1 ms ± 0.5 ms one way, 0.1 to 0.3 ms a write, the stock timing; the mean over 200 seeds.
//!
//! `cargo bench --bench failover_time`; the figures are the same on every machine.

mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use support::{Stated, exact, failovers};

fn all(criterion: &mut Criterion<Stated>) {
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
