//! Counts the messages of an election after a crash of the leader, in the simulator. Each figure is
//! the mean over 200 seeds, without routine heartbeats and their acknowledgements. With `timeout`,
//! followers notice the silence of the leader, so several of them may campaign. With `hinted`, the
//! simulator reports to all of them at once that the leader's process has ended (a proof of death).
//!
//! `cargo bench --bench messages`. The unit is messages, not time.

mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use support::{GivenValue, exact, failovers};

fn all(criterion: &mut Criterion<GivenValue>) {
    failovers(criterion, "messages", |election| election.messages as f64);
}

criterion_group! {
    name = benches;
    config = exact("messages");
    targets = all
}
criterion_main!(benches);
