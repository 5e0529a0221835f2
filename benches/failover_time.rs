//! How long the simulator's clusters are without a leader when theirs crashes, in virtual time: the
//! crash until all that run agree on another. Default configuration, 1 ms one way; once with hints
//! (the others hear of the crash at once), once without (they wait for a timeout).
//!
//! `cargo bench --bench failover_time`: the times are virtual, and the same on every machine.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use elector_bully::Bully;
use elector_core::ElectionAlgorithm;
use elector_paxos::Paxos;
use elector_raft::Raft;
use elector_ring::Ring;
use elector_sim::{Setup, Simulation};

const LONG: Duration = Duration::from_secs(60);

fn failover<A: ElectionAlgorithm>(criterion: &mut Criterion, hints: bool, nodes: u64) {
    let mut setup = Setup::<A>::new(nodes);
    setup.hints = hints;
    let mut sim = Simulation::new(setup);
    let name = if hints {
        "failover_time/hints"
    } else {
        "failover_time/timeout"
    };
    let mut group = criterion.benchmark_group(name);
    group.bench_function(BenchmarkId::new(A::NAME, nodes), |bencher| {
        bencher.iter_custom(|crashes| {
            let mut leaderless = 0;
            for _ in 0..crashes {
                let leader = sim.run_until_settled(LONG).expect("one is elected").leader;
                // Not always at the same distance from the last heartbeat.
                sim.run_for(Duration::from_micros(1_003_001));
                let crashed = sim.now_ns();
                sim.crash(leader);
                sim.run_until_settled(LONG).expect("another is elected");
                leaderless += sim.now_ns() - crashed;
                sim.restart(leader);
                sim.run_for(Duration::from_secs(1));
            }
            Duration::from_nanos(leaderless)
        });
    });
    group.finish();
}

fn failover_time(criterion: &mut Criterion) {
    for hints in [true, false] {
        for nodes in [3, 5] {
            failover::<Raft>(criterion, hints, nodes);
            failover::<Paxos>(criterion, hints, nodes);
            failover::<Bully>(criterion, hints, nodes);
            failover::<Ring>(criterion, hints, nodes);
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_secs(20));
    targets = failover_time
}
criterion_main!(benches);
