//! Random walks: what they must find, what they must not, and that a seed is the walk.
//! `elector check --walks` goes as far as there is time for.

mod common;

use std::num::NonZeroUsize;

use common::{FirstCome, Flaw, Rules};
use elector_bully::Bully;
use elector_check::{WalkReport, Walks};
use elector_core::{Comparable, ElectionAlgorithm};
use elector_paxos::Paxos;
use elector_raft::{Raft, RaftConfig};
use elector_ring::Ring;

fn walk<A: ElectionAlgorithm>(config: A::Config, walks: u64) -> WalkReport {
    let walks = Walks::<A> {
        walks,
        ..Walks::new(config)
    };
    walks.run().expect("a sound configuration")
}

/// Nothing is broken, and enough has happened for that to mean something.
fn clean<A: ElectionAlgorithm>(config: A::Config, leased: bool) {
    let report = walk::<A>(config, 500);
    assert!(report.is_clean(), "{report}");
    assert!(report.events() > 100_000, "{report}");
    assert_eq!(report.leases() > 250, leased, "{report}");
}

/// The same, of every variant.
fn clean_variants<A: Comparable>() {
    for variant in A::variants() {
        let leased = A::has_lease(&variant.config);
        clean::<A>(variant.config, leased);
    }
}

/// With leases, unless the flaw is one of votes alone: silence would hide most of those.
fn toy(flaw: Flaw) -> Rules {
    let of_votes = matches!(flaw, Flaw::VoteNotDurable | Flaw::GrantsTwice);
    Rules {
        flaw,
        leases: !of_votes,
        ..Rules::default()
    }
}

// The bounded form of the walks that back the claims in the documentation.
#[test]
fn the_stock_algorithms_keep_their_promises() {
    clean_variants::<Raft>();
    clean_variants::<Paxos>();
    clean_variants::<Bully>();
    clean_variants::<Ring>();
}

// Walks that cannot see a promise broken would be clean whatever the algorithm does.
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
    clean::<FirstCome>(toy(Flaw::None), true);
    for (flaw, promise) in flaws {
        let report = walk::<FirstCome>(toy(flaw), 20_000);
        let finding = report
            .finding
            .unwrap_or_else(|| panic!("{flaw:?} is not found"));
        let broken = finding.broken.map(|broken| broken.promise);
        assert_eq!(broken, Some(promise), "{flaw:?}");
    }
}

// A counterexample is read by people and pasted into a test: it must be short, and break the same
// promise when it is played from its text.
#[test]
fn a_finding_is_short_and_can_be_played() {
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
        .expect("a sound configuration");
    assert_eq!(played.broken, finding.broken, "{text}");
    let test = finding.as_test();
    assert!(test.contains("fn one_pledge_per_epoch_seed_"), "{test}");
}

// A seed that means another walk on another machine could not be handed on.
#[test]
fn the_result_does_not_depend_on_the_number_of_threads() {
    let reports = [1, 4].map(|jobs| {
        let walks = Walks::<FirstCome> {
            walks: 2_000,
            jobs: NonZeroUsize::new(jobs),
            ..Walks::new(toy(Flaw::VoteNotDurable))
        };
        walks.run().expect("a sound configuration").finding
    });
    assert_eq!(reports[0], reports[1]);
    let [one, other] = [1, 4].map(|jobs| {
        let walks = Walks::<Raft> {
            walks: 64,
            jobs: NonZeroUsize::new(jobs),
            ..Walks::new(RaftConfig::default())
        };
        walks.run().expect("a sound configuration")
    });
    assert_eq!(one, other);
}

// A schedule is a file that anybody can write: absurd waits, clocks, names and numbers must not
// panic.
#[test]
fn an_absurd_schedule_is_played() {
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
    let played = played.expect("a sound configuration");
    assert_eq!(played.broken, None, "{played}");
    assert!(
        played.to_string().contains("n1 elapses Stagger"),
        "{played}"
    );
}
