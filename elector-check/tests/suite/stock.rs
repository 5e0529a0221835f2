//! Searches of Raft, Paxos, Bully and Ring, unmodified, with bounds that a search exhausts in
//! seconds. To search with larger bounds, use `elector check`.

use elector_bully::Bully;
use elector_check::{Check, CheckConfig, Report, Time};
use elector_core::{Comparable, Configuration, ElectionAlgorithm};
use elector_paxos::Paxos;
use elector_raft::{Raft, RaftConfig};
use elector_ring::Ring;

fn check<A: ElectionAlgorithm>(bounds: CheckConfig<A::Config>) -> Report {
    let report = Check::<A>::new(bounds).run().expect("the cluster is valid");
    println!(
        "COUNT {} {} {}",
        report.states, report.unique_states, report.max_depth
    );
    assert!(report.is_clean(), "{report}");
    report
}

/// Checks that the search is exhaustive, and that it reaches the situations in `possible`. A search
/// that never reaches these situations proves nothing.
fn prove<A: ElectionAlgorithm>(bounds: CheckConfig<A::Config>, possible: &[&str]) {
    // The bounds of these tests need far fewer states. If the bounds of a test are too wide, this
    // limit keeps the search from using all memory.
    let report = check::<A>(CheckConfig {
        max_states: Some(4_000_000),
        ..bounds
    });
    assert!(report.is_exhaustive(), "{report}");
    for name in ["leader-elected", "all-agree"].iter().chain(possible) {
        assert!(report.trace(name).is_some(), "{report}");
    }
}

/// Returns the configuration of Raft without extensions: figure 2 of the Raft paper. Of all
/// configurations, a search of this one has the fewest states.
fn paper() -> RaftConfig {
    RaftConfig {
        pre_vote: false,
        check_quorum: false,
        ..RaftConfig::default()
    }
}

/// Returns bounds without crashes and with this bound on timeouts, that is, on timers that elapse.
fn without_crashes<C: Default>(nodes: u64, max_epoch: u64, timeouts: u32) -> CheckConfig<C> {
    CheckConfig {
        nodes,
        max_epoch,
        crashes: 0,
        timeouts: Some(timeouts),
        ..CheckConfig::default()
    }
}

// With two nodes, both must agree to every election. All stale messages of the first election are
// still in flight in the second one, and any node may crash at any moment.
#[test]
fn raft_of_two_with_a_crash() {
    for variant in Raft::variants() {
        let bounds = CheckConfig {
            config: variant.config,
            crashes: 1,
            ..without_crashes(2, 2, 4)
        };
        prove::<Raft>(bounds, &["second-epoch-led"]);
    }
}

// With three nodes there are several majorities, and votes can be split. In the last search, a
// voter can crash and must not forget its vote.
#[test]
fn raft_of_three_in_one_epoch() {
    for variant in Raft::variants() {
        let timeouts = if variant.config.pre_vote { 2 } else { 4 };
        let bounds = CheckConfig {
            config: variant.config,
            ..without_crashes(3, 1, timeouts)
        };
        prove::<Raft>(bounds, &[]);
    }
    let bounds = CheckConfig {
        config: paper(),
        crashes: 1,
        ..without_crashes(3, 1, 4)
    };
    prove::<Raft>(bounds, &[]);
}

// With a false proof of death, the second epoch comes soon: a new leader is elected while the old
// leader still believes that it leads. Two nodes may believe at the same time that they lead only
// because their epochs differ.
#[test]
fn raft_of_three_after_a_hint() {
    let possible = ["second-epoch-led", "two-lead-at-once"];
    let bounds = CheckConfig {
        config: paper(),
        suspicions: 1,
        false_hints: true,
        ..without_crashes(3, 2, 2)
    };
    prove::<Raft>(bounds, &possible);
}

// Raft with all its extensions has too many states for a test: the search follows the shortest runs
// first, and stops at the limit.
#[test]
fn raft_of_three_as_far_as_half_a_million_states() {
    let bounds = CheckConfig {
        crashes: 1,
        suspicions: 1,
        false_hints: true,
        commands: 1,
        max_states: Some(500_000),
        ..without_crashes(3, 3, 6)
    };
    assert!(!check::<Raft>(bounds).is_exhaustive());
}

// The commands to resign and to transfer leadership end the tenure of a leader, and the next tenure
// begins at once.
#[test]
fn raft_of_two_with_a_transfer() {
    let bounds = CheckConfig {
        commands: 1,
        duplicating: false,
        ..without_crashes(2, 2, 3)
    };
    prove::<Raft>(bounds, &["second-epoch-led"]);
}

// Promises and acceptances of Paxos must survive the crash of any node. Otherwise two nodes could
// be chosen in one epoch.
#[test]
fn paxos_of_two_with_a_crash() {
    let bounds = CheckConfig {
        crashes: 1,
        ..without_crashes(2, 2, 3)
    };
    prove::<Paxos>(bounds, &[]);
}

// With three nodes, two proposers can have different majorities. In every variant of Paxos, any
// node may crash and restart, even a proposer.
#[test]
fn paxos_of_three_in_one_epoch() {
    for variant in Paxos::variants() {
        let bounds = CheckConfig {
            config: variant.config,
            crashes: 1,
            ..without_crashes(3, 1, 2)
        };
        prove::<Paxos>(bounds, &[]);
    }
}

// After a false proof of death, a second proposer competes with the first one. Only one of them may
// be chosen in each epoch.
#[test]
fn paxos_of_two_after_a_hint() {
    let bounds = CheckConfig {
        suspicions: 1,
        false_hints: true,
        duplicating: false,
        ..without_crashes(2, 2, 3)
    };
    prove::<Paxos>(bounds, &["second-epoch-led"]);
}

// Three concurrent Paxos proposers have too many states for a test: the search follows the shortest
// runs first, and stops at the limit.
#[test]
fn paxos_of_three_as_far_as_half_a_million_states() {
    let bounds = CheckConfig {
        crashes: 1,
        max_states: Some(500_000),
        ..without_crashes(3, 2, 6)
    };
    assert!(!check::<Paxos>(bounds).is_exhaustive());
}

/// Checks a second election in a search with time, while leases of the first leader may still be
/// valid. Each message arrives at most once, and within its tick.
fn prove_second_election<A: ElectionAlgorithm>(mut config: A::Config, possible: &[&str]) {
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

// A lease must end before the next election, so no two leases may be held at the same time. The
// second election must occur while the first leader still believes that it leads.
#[test]
fn leases_of_raft_exclude_each_other() {
    let variants = Raft::variants().into_iter();
    for variant in variants.filter(|variant| variant.config.check_quorum) {
        let possible = ["lease-held", "second-epoch-led", "two-lead-at-once"];
        prove_second_election::<Raft>(variant.config, &possible);
    }
}

// In Paxos, an acceptor that has acknowledged a leader supports no other proposer until the lease
// of that leader has ended, as a voter does in Raft. So no two leases may be held at the same time.
#[test]
fn leases_of_paxos_exclude_each_other() {
    for variant in Paxos::variants() {
        let possible = ["lease-held", "second-epoch-led", "two-lead-at-once"];
        prove_second_election::<Paxos>(variant.config, &possible);
    }
}

// Bully guarantees only that epochs never go back. This test shows users who need exactly one
// leader that Bully may elect two.
#[test]
fn bully_elects_two_leaders() {
    let possible = [
        "second-epoch-led",
        "two-lead-at-once",
        "two-leaders-in-one-epoch",
    ];
    prove::<Bully>(without_crashes(3, 2, 2), &possible);
    let crashing = CheckConfig {
        crashes: 1,
        ..without_crashes(2, 2, 4)
    };
    prove::<Bully>(crashing, &possible);
}

// Ring may elect two leaders too. If the token (the message that goes around the ring) does not
// return, a node takes the next node of the ring for dead and goes on without it.
#[test]
fn ring_elects_two_leaders() {
    let possible = [
        "second-epoch-led",
        "two-lead-at-once",
        "two-leaders-in-one-epoch",
    ];
    prove::<Ring>(without_crashes(2, 2, 3), &possible);
    let crashing = CheckConfig {
        crashes: 1,
        ..without_crashes(2, 2, 3)
    };
    prove::<Ring>(crashing, &possible);
    let three = check::<Ring>(CheckConfig {
        max_states: Some(400_000),
        ..without_crashes(3, 2, 3)
    });
    assert!(three.trace("two-lead-at-once").is_some(), "{three}");
}
