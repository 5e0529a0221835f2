//! Compares Raft's rate of split votes with the closed form in Ongaro's dissertation, chapter 9.

use std::time::Duration;

use elector_raft::{Raft, RaftConfig};
use elector_sim::{Disk, Network, Setup, Simulation};

const T: Duration = Duration::from_millis(100);
const RUNS: u64 = 3_000;

/// Returns the probability that a vote splits. Timeouts are uniform in [T, 2T], `s` of `n` servers
/// run, and a request takes the time `l` times T.
fn oracle(n: u64, s: u64, l: f64) -> f64 {
    let c = s - n / 2 + 1;
    let term = |k: u64| {
        let choose: f64 = (0..k).map(|i| (s - i) as f64 / (k - i) as f64).product();
        choose * l.powi(k as i32) * (1.0 - l).powi((s - k) as i32)
    };
    (c - 1..=s).map(term).sum()
}

/// Returns `true` if the first term after a crash of the leader elects no leader.
fn splits(n: u64, delay: Duration, seed: u64) -> bool {
    let mut setup = Setup::<Raft>::new(n);
    setup.config = RaftConfig {
        pre_vote: false,
        ..RaftConfig::default()
    };
    setup.config.timing.heartbeat = T / 2;
    setup.config.timing.lease = T * 3 / 4;
    setup.config.timing.election_min = T;
    setup.config.timing.election_max = 2 * T;
    setup.network = Network::constant(delay);
    setup.disk = Disk::constant(Duration::ZERO);
    setup.seed = seed;
    let mut sim = Simulation::new(setup);
    let limit = Duration::from_secs(60);
    let first = sim
        .run_until_settled(limit)
        .expect("the cluster elects at boot");
    sim.run_for(T);
    sim.crash(first.leader);
    let second = sim
        .run_until_settled(limit)
        .expect("the cluster elects after a crash");
    assert!(
        sim.violations().is_empty(),
        "seed {seed}: {:?}",
        sim.violations()
    );
    second.epoch > first.epoch.next()
}

// Checks the function `oracle` itself with two published figures.
#[test]
fn the_oracle_gives_the_published_figures() {
    assert!((oracle(5, 4, 0.1) - 0.052).abs() < 0.0005);
    assert!((oracle(5, 4, 0.2) - 0.181).abs() < 0.0005);
}

// A wrong rate of split votes would show an error in the simulated timers, delays or votes.
#[test]
fn the_rate_of_split_votes_matches_the_closed_form() {
    for n in [3, 5, 9] {
        for l in [0.05, 0.1, 0.2] {
            let delay = T.mul_f64(l);
            let split = (1..=RUNS).filter(|&seed| splits(n, delay, seed)).count();
            let (p, runs) = (oracle(n, n - 1, l), RUNS as f64);
            let sigma = (runs * p * (1.0 - p)).sqrt();
            let off = (split as f64 - runs * p) / sigma;
            println!(
                "n {n}, l {l}: {split} of {RUNS} split, {:.1} expected, {off:+.2} sigma",
                runs * p
            );
            assert!(
                off.abs() <= 3.0,
                "n {n}, l {l}: {off:+.2} sigma off the closed form"
            );
        }
    }
}
