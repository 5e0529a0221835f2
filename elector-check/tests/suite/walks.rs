//! Tests of random walks: walks must find flaws, must not report violations where there are none,
//! and must depend only on their seed. To do more walks, use `elector check --walks`.

use std::num::NonZeroUsize;

use elector_bully::Bully;
use elector_check::{WalkReport, Walks};
use elector_core::{Comparable, ElectionAlgorithm};
use elector_paxos::Paxos;
use elector_raft::{Raft, RaftConfig};
use elector_ring::Ring;

use crate::first_come::{FirstCome, Flaw, Rules};

fn walk<A: ElectionAlgorithm>(config: A::Config, walks: u64) -> WalkReport {
    let walks = Walks::<A> {
        walks,
        ..Walks::new(config)
    };
    walks.run().expect("a valid configuration")
}

/// Checks that 500 walks find no violation, and that they contain so many events that this result
/// means something. `leased` says whether there must be leases in these walks.
fn no_violation<A: ElectionAlgorithm>(config: A::Config, leased: bool) {
    let report = walk::<A>(config, 500);
    assert!(report.is_clean(), "{report}");
    assert!(report.events() > 100_000, "{report}");
    assert_eq!(report.leases() > 250, leased, "{report}");
}

/// Checks every variant of `A` with [`no_violation`].
fn no_violation_in_variants<A: Comparable>() {
    for variant in A::variants() {
        let leased = A::has_lease(&variant.config);
        no_violation::<A>(variant.config, leased);
    }
}

/// Returns the rules of the toy algorithm with this flaw. A flaw of votes is tested without leases:
/// with leases, a voter that has acknowledged a leader grants no vote for a while, which would hide
/// most effects of the flaw.
fn toy(flaw: Flaw) -> Rules {
    let of_votes = matches!(flaw, Flaw::VoteNotDurable | Flaw::GrantsTwice);
    Rules {
        flaw,
        leases: !of_votes,
        ..Rules::default()
    }
}

// The documentation claims that many walks of the stock algorithms find no violation. This test
// does a few of these walks.
#[test]
fn the_stock_algorithms_violate_no_invariant() {
    no_violation_in_variants::<Raft>();
    no_violation_in_variants::<Paxos>();
    no_violation_in_variants::<Bully>();
    no_violation_in_variants::<Ring>();
}

// If walks could not detect a violation, every algorithm would pass.
#[test]
fn flaws_of_the_toy_are_found() {
    let flaws = [
        (Flaw::VoteNotDurable, "one-pledge-per-epoch"),
        (Flaw::GrantsTwice, "one-pledge-per-epoch"),
        (Flaw::EpochGoesBack, "epoch-monotonic"),
        (Flaw::SendsToItself, "contract"),
        (Flaw::Panics, "contract"),
        (Flaw::BreaksSilence, "exclusive-lease"),
        (Flaw::ForgetsSilence, "exclusive-lease"),
        (Flaw::LeaseFromReceipt, "exclusive-lease"),
    ];
    no_violation::<FirstCome>(toy(Flaw::None), true);
    for (flaw, invariant) in flaws {
        let report = walk::<FirstCome>(toy(flaw), 20_000);
        let finding = report
            .finding
            .unwrap_or_else(|| panic!("{flaw:?} is not found"));
        let violation = finding.violation.map(|violation| violation.invariant);
        assert_eq!(violation, Some(invariant), "{flaw:?}");
    }
}

// Users read a counterexample and paste it into a test. So it must be short, and its text must
// violate the same invariant when the text is parsed and replayed.
#[test]
fn a_finding_is_short_and_can_be_replayed() {
    let config = toy(Flaw::VoteNotDurable);
    let finding = walk::<FirstCome>(config.clone(), 2_000)
        .finding
        .expect("a finding");
    assert!(finding.schedule.len() <= 24, "{finding}");
    let walks = Walks::<FirstCome> {
        nodes: Some(finding.nodes),
        ..Walks::new(config)
    };
    let text = finding.schedule.to_string();
    let played = walks
        .replay(&text.parse().expect("a schedule"))
        .expect("a valid configuration");
    assert_eq!(played.violation, finding.violation, "{text}");
    let test = finding.as_test();
    assert!(test.contains("fn one_pledge_per_epoch_seed_"), "{test}");
}

// A seed must lead to the same walk on every machine, with any number of threads. Otherwise other
// people could not reproduce a violation from the seed in a report.
#[test]
fn the_result_does_not_depend_on_the_number_of_threads() {
    let reports = [1, 4].map(|jobs| {
        let walks = Walks::<FirstCome> {
            walks: 2_000,
            jobs: NonZeroUsize::new(jobs),
            ..Walks::new(toy(Flaw::VoteNotDurable))
        };
        walks.run().expect("a valid configuration").finding
    });
    assert_eq!(reports[0], reports[1]);
    let [one, other] = [1, 4].map(|jobs| {
        let walks = Walks::<Raft> {
            walks: 64,
            jobs: NonZeroUsize::new(jobs),
            ..Walks::new(RaftConfig::default())
        };
        walks.run().expect("a valid configuration")
    });
    assert_eq!(one, other);
}

// Users can write schedules by hand: absurd waits, clocks, names and numbers must not cause a
// panic.
#[test]
fn an_absurd_schedule_is_replayed_without_a_panic() {
    let schedule = "
        n1 restarts
        n1 clock 100
        wait 86400000 ms
        wait 86400000 ms
        wait 86400000 ms
        wait 86400000 ms
        n1 elapses Vigil
        n9 crashes
        n18446744073709551615 restarts
        n1 suspects n18446744073709551615
        n1 transfers to n7
        n2 receives 4294967290#65535
        n1 clock 0.01
        wait 86400000 ms
        n1 elapses Stagger
    ";
    let walks = Walks::<Raft>::new(RaftConfig::default());
    let played = walks.replay(&schedule.parse().expect("a schedule"));
    let played = played.expect("a valid configuration");
    assert_eq!(played.violation, None, "{played}");
    assert!(
        played.to_string().contains("n1 elapses Stagger"),
        "{played}"
    );
}
