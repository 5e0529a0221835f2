//! How many messages an election takes after a crash of the leader: exact counts out of the
//! simulator, the mean over 200 seeds; routine heartbeats and their acks left out. `timeout`:
//! followers find out by silence, so several may campaign; `hinted`: a broken connection tells them
//! all.
//!
//! `cargo bench --bench messages`; the unit is messages, not time.

mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use support::{Stated, exact, failovers};

fn all(criterion: &mut Criterion<Stated>) {
    failovers(criterion, "messages", |election| election.messages as f64);
}

criterion_group! {
    name = benches;
    config = exact("messages");
    targets = all
}
criterion_main!(benches);
