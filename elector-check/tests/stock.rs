//! The stock algorithms, unmodified, in every order of events within bounds that take seconds.
//! `elector check` goes as far as there is time for.

use elector_bully::Bully;
use elector_check::{Check, CheckConfig, Report, Time};
use elector_core::{Comparable, Configuration, ElectionAlgorithm};
use elector_paxos::Paxos;
use elector_raft::{Raft, RaftConfig};
use elector_ring::Ring;

fn check<A: ElectionAlgorithm>(bounds: CheckConfig<A::Config>) -> Report {
    let report = Check::<A>::new(bounds)
        .run()
        .expect("the bounds are those of a cluster");
    println!(
        "COUNT {} {} {}",
        report.states, report.unique_states, report.max_depth
    );
    assert!(report.is_clean(), "{report}");
    report
}

/// Nothing is left unlooked at, and what must be possible is: a check of nothing proves nothing.
fn prove<A: ElectionAlgorithm>(bounds: CheckConfig<A::Config>, possible: &[&str]) {
    // Far more than is needed: a bound that is too wide must not eat up all memory.
    let report = check::<A>(CheckConfig {
        max_states: Some(4_000_000),
        ..bounds
    });
    assert!(report.is_exhaustive(), "{report}");
    for name in ["leader-elected", "all-agree"].iter().chain(possible) {
        assert!(report.trace(name).is_some(), "{report}");
    }
}

/// Figure 2 alone, with the fewest states.
fn paper() -> RaftConfig {
    RaftConfig {
        pre_vote: false,
        check_quorum: false,
        ..RaftConfig::default()
    }
}

/// No crashes; timeouts in this number.
fn calm<C: Default>(nodes: u64, max_epoch: u64, timeouts: u32) -> CheckConfig<C> {
    CheckConfig {
        nodes,
        max_epoch,
        crashes: 0,
        timeouts: Some(timeouts),
        ..CheckConfig::default()
    }
}

// Two nodes must agree on everything; all stale messages of the first election meet the second, and
// the crash of any node at any moment.
#[test]
fn raft_of_two_with_a_crash() {
    for variant in Raft::variants() {
        let bounds = CheckConfig {
            config: variant.config,
            crashes: 1,
            ..calm(2, 2, 4)
        };
        prove::<Raft>(bounds, &["second-epoch-led"]);
    }
}

// With three nodes majorities differ: split votes, and a voter that forgets.
#[test]
fn raft_of_three_in_one_epoch() {
    for variant in Raft::variants() {
        let timeouts = if variant.config.pre_vote { 2 } else { 4 };
        let bounds = CheckConfig {
            config: variant.config,
            ..calm(3, 1, timeouts)
        };
        prove::<Raft>(bounds, &[]);
    }
    let bounds = CheckConfig {
        config: paper(),
        crashes: 1,
        ..calm(3, 1, 4)
    };
    prove::<Raft>(bounds, &[]);
}

// A hint brings the second epoch near: the old leader goes on believing while the new one is
// elected, and that must be possible only because their epochs differ.
#[test]
fn raft_of_three_after_a_hint() {
    let possible = ["second-epoch-led", "two-lead-at-once"];
    let bounds = CheckConfig {
        config: paper(),
        suspicions: 1,
        false_hints: true,
        ..calm(3, 2, 2)
    };
    prove::<Raft>(bounds, &possible);
}

// All of Raft at once has too many states for a test: shortest runs first, then stop.
#[test]
fn raft_of_three_as_far_as_half_a_million_states() {
    let bounds = CheckConfig {
        crashes: 1,
        suspicions: 1,
        false_hints: true,
        commands: 1,
        max_states: Some(500_000),
        ..calm(3, 3, 6)
    };
    assert!(!check::<Raft>(bounds).is_exhaustive());
}

// Resigning and transferring leadership end one tenure and begin another at once.
#[test]
fn raft_of_two_handed_over() {
    let bounds = CheckConfig {
        commands: 1,
        duplicating: false,
        ..calm(2, 2, 3)
    };
    prove::<Raft>(bounds, &["second-epoch-led"]);
}

// The same for Paxos: promises and acceptances survive the crash of any node.
#[test]
fn paxos_of_two_with_a_crash() {
    let bounds = CheckConfig {
        crashes: 1,
        ..calm(2, 2, 3)
    };
    prove::<Paxos>(bounds, &[]);
}

// Different majorities, every variant, a proposer that comes back.
#[test]
fn paxos_of_three_in_one_epoch() {
    for variant in Paxos::variants() {
        let bounds = CheckConfig {
            config: variant.config,
            crashes: 1,
            ..calm(3, 1, 2)
        };
        prove::<Paxos>(bounds, &[]);
    }
}

// A hint makes a second proposer compete with the first.
#[test]
fn paxos_of_two_after_a_hint() {
    let bounds = CheckConfig {
        suspicions: 1,
        false_hints: true,
        duplicating: false,
        ..calm(2, 2, 3)
    };
    prove::<Paxos>(bounds, &["second-epoch-led"]);
}

// Three proposers at once in Paxos have too many states for a test: shortest runs first, then stop.
#[test]
fn paxos_of_three_as_far_as_half_a_million_states() {
    let bounds = CheckConfig {
        crashes: 1,
        max_states: Some(500_000),
        ..calm(3, 2, 6)
    };
    assert!(!check::<Paxos>(bounds).is_exhaustive());
}

/// A second election in discrete time, with the leases of the first. Each message arrives once and
/// within its tick, or never.
fn succeed<A: ElectionAlgorithm>(mut config: A::Config, possible: &[&str]) {
    let time = Time::of(4);
    *config.timing_mut() = time.timing();
    let bounds = CheckConfig::<A::Config>::default().with(config);
    let bounds = CheckConfig {
        time: Some(time),
        led: true,
        late: Some(0),
        duplicating: false,
        crashes: 0,
        timeouts: Some(3),
        ..bounds
    };
    prove::<A>(bounds, possible);
}

// A lease is a matter of time, and of the election that follows it: no two may be held at the same
// time. The second election must be there, and the first leader must go on believing.
#[test]
fn leases_of_raft_exclude_each_other() {
    let variants = Raft::variants().into_iter();
    for variant in variants.filter(|variant| variant.config.check_quorum) {
        let possible = ["lease-held", "second-epoch-led", "two-lead-at-once"];
        succeed::<Raft>(variant.config, &possible);
    }
}

// The same for Paxos, where acceptors keep silent, not voters.
#[test]
fn leases_of_paxos_exclude_each_other() {
    for variant in Paxos::variants() {
        let possible = ["lease-held", "second-epoch-led", "two-lead-at-once"];
        succeed::<Paxos>(variant.config, &possible);
    }
}

// Bully promises no more than that epochs never go back; whoever needs one leader must be shown
// that it elects two.
#[test]
fn bully_elects_two_leaders() {
    let possible = [
        "second-epoch-led",
        "two-lead-at-once",
        "two-leaders-in-one-epoch",
    ];
    prove::<Bully>(calm(3, 2, 2), &possible);
    let crashing = CheckConfig {
        crashes: 1,
        ..calm(2, 2, 4)
    };
    prove::<Bully>(crashing, &possible);
}

// The ring too: a token that stays away is taken for a dead neighbour.
#[test]
fn ring_elects_two_leaders() {
    let possible = [
        "second-epoch-led",
        "two-lead-at-once",
        "two-leaders-in-one-epoch",
    ];
    prove::<Ring>(calm(2, 2, 3), &possible);
    let crashing = CheckConfig {
        crashes: 1,
        ..calm(2, 2, 3)
    };
    prove::<Ring>(crashing, &possible);
    let three = check::<Ring>(CheckConfig {
        max_states: Some(400_000),
        ..calm(3, 2, 3)
    });
    assert!(three.trace("two-lead-at-once").is_some(), "{three}");
}
