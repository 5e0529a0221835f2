//! The checker itself, on an election small enough to be followed by eye.

mod common;

use common::{FirstCome, Flaw, Rules};
use elector_check::{Check, CheckConfig, CheckError, Outcome, Report, Time};
use elector_core::{MembershipError, TimingError};

fn bounds(flaw: Flaw) -> CheckConfig<Rules> {
    CheckConfig {
        config: Rules {
            flaw,
            ..Rules::default()
        },
        max_epoch: 1,
        ..CheckConfig::default()
    }
}

fn check(bounds: CheckConfig<Rules>) -> Report {
    Check::<FirstCome>::new(bounds)
        .run()
        .expect("the bounds are those of a cluster")
}

/// The story of how the flawed algorithm broke this promise.
fn caught(promise: &str, bounds: CheckConfig<Rules>) -> String {
    let report = check(bounds);
    assert_eq!(report.outcome, Outcome::Broken, "{report}");
    let mut broken = report.counterexamples();
    let found = broken.find(|it| it.name == promise);
    let trace = found.and_then(|it| it.trace.as_ref());
    let trace = trace.unwrap_or_else(|| panic!("{promise} is not broken: {report}"));
    trace.join("\n")
}

// The number of states is a fingerprint of the model: a kind of event that is lost, or one that
// happens when it cannot, changes it. The first of them by hand: at rest; of n1, and of n2: asks,
// is granted it, leads, is heard; both ask.
#[test]
fn every_run_of_the_toy_keeps_the_promises() {
    let counts = [(2, 0), (2, 1), (3, 0), (3, 1)].map(|(nodes, crashes)| {
        let report = check(CheckConfig {
            nodes,
            crashes,
            ..bounds(Flaw::None)
        });
        assert!(report.is_clean() && report.is_exhaustive(), "{report}");
        assert!(report.trace("all-agree").is_some(), "{report}");
        report.unique_states
    });
    assert_eq!(counts, [10, 48, 95, 532]);
}

// The model must contain what fencing tokens are for: an older leader that does not know yet.
#[test]
fn a_second_epoch_has_two_who_believe_that_they_lead() {
    let report = check(CheckConfig {
        max_epoch: 2,
        crashes: 0,
        ..bounds(Flaw::None)
    });
    assert!(report.is_clean() && report.is_exhaustive(), "{report}");
    assert!(report.trace("second-epoch-led").is_some(), "{report}");
    assert!(report.trace("two-lead-at-once").is_some(), "{report}");
    assert_eq!(report.unique_states, 2_616);
}

// A vote that a crash wipes out is the classic mistake; without crashes nobody can see it.
#[test]
fn a_vote_that_is_not_durable_is_caught() {
    let flawed = bounds(Flaw::VoteNotDurable);
    let story = caught("one-pledge-per-epoch", flawed.clone());
    assert!(
        story.contains("crashed") && story.contains("restarted"),
        "{story}"
    );
    assert!(
        check(CheckConfig {
            crashes: 0,
            ..flawed
        })
        .is_exhaustive()
    );
}

// The promise of all promises, and a counterexample that must be readable and shortest.
#[test]
fn a_majority_that_is_none_is_caught() {
    let story = caught("one-leader-per-epoch", bounds(Flaw::MajorityOffByOne));
    assert_eq!(
        story,
        "n1 elapsed (); view epoch 1 leader n1 role leader\n\
         n2 elapsed (); view epoch 1 leader n2 role leader; epoch 1 has two leaders: n1 and n2"
    );
}

// A voter may help one candidate only, whether or not the other would have won by it.
#[test]
fn a_second_grant_in_an_epoch_is_caught() {
    let story = caught("one-pledge-per-epoch", bounds(Flaw::GrantsTwice));
    assert!(
        story.ends_with("pledged itself in epoch 1 to n3 at rank (0, 0), after n1 at rank (0, 0)"),
        "{story}"
    );
}

// Epochs are fencing tokens: one that is smaller than before lets an old leader in again.
#[test]
fn an_epoch_that_goes_back_is_caught() {
    let story = caught("epoch-monotonic", bounds(Flaw::EpochGoesBack));
    assert!(story.ends_with("showed epoch 0 after epoch 1"), "{story}");
}

// What a driver would stop at in production must not pass here.
#[test]
fn a_broken_contract_is_caught() {
    let story = caught("contract", bounds(Flaw::SendsToItself));
    assert!(story.ends_with("which is not a peer"), "{story}");
}

// A panic must tell how it came about, not end the search.
#[test]
fn a_panic_is_caught() {
    let story = caught("contract", bounds(Flaw::Panics));
    assert!(story.ends_with("panicked"), "{story}");
}

// A search that was cut short must never be taken for a proof.
#[test]
fn a_limit_is_told() {
    let report = check(CheckConfig {
        max_states: Some(100),
        ..bounds(Flaw::None)
    });
    assert_eq!(report.outcome, Outcome::LimitReached);
    assert!(report.is_clean() && !report.is_exhaustive());
    let told = report.to_string();
    assert!(told.contains("limit reached, not exhaustive"), "{told}");
    assert!(told.contains("holds as far as was looked"), "{told}");
    assert!(!told.contains("every run"), "{told}");
}

/// Two elections with leases, in discrete time.
fn timed(flaw: Flaw) -> CheckConfig<Rules> {
    let time = Time::of(7);
    CheckConfig {
        config: Rules {
            timing: time.timing(),
            flaw,
            leases: true,
        },
        time: Some(time),
        max_epoch: 2,
        crashes: 0,
        late: Some(1),
        ..CheckConfig::default()
    }
}

// Leases need what no order of events shows: how much time has passed. A lease must be there to be
// broken, and the second election must fall into the time of the run.
#[test]
fn the_leases_of_the_toy_exclude_each_other() {
    let report = check(timed(Flaw::None));
    assert!(report.is_clean() && report.is_exhaustive(), "{report}");
    for possible in ["lease-held", "second-epoch-led", "two-lead-at-once"] {
        assert!(report.trace(possible).is_some(), "{report}");
    }
    let told = report.to_string();
    assert!(
        told.contains("7 ticks of 1ms") && told.contains("1 late message"),
        "{told}"
    );
    assert_eq!(report.unique_states, 469_140);
}

// Only the search with time can find these; without it, the same bounds must show nothing.
#[test]
fn leases_that_overlap_are_caught() {
    let restarts = CheckConfig {
        crashes: 1,
        ..timed(Flaw::ForgetsSilence)
    };
    let slow = CheckConfig {
        late: Some(2),
        ..timed(Flaw::LeaseFromReceipt)
    };
    for flawed in [timed(Flaw::BreaksSilence), restarts, slow] {
        let story = caught("exclusive-lease", flawed.clone());
        assert!(story.ends_with("hold a lease at the same time"), "{story}");
        assert!(
            story.contains("tick 4") && story.contains("; n1 holds a lease"),
            "{story}"
        );
        let untimed = CheckConfig {
            time: None,
            timeouts: Some(3),
            ..flawed
        };
        assert!(check(untimed).is_clean());
    }
}

// A wrong hint lets a new leader be elected while the old one holds a lease. So a search gives
// wrong hints only if its bounds ask for them.
#[test]
fn a_false_hint_lets_leases_overlap() {
    let hinted = CheckConfig {
        suspicions: 2,
        late: Some(0),
        ..timed(Flaw::None)
    };
    assert!(check(hinted.clone()).is_clean());
    let false_hints = true;
    caught(
        "exclusive-lease",
        CheckConfig {
            false_hints,
            ..hinted
        },
    );
}

// A search from a leader on must contain what follows, and tell how the leader came to be.
#[test]
fn a_search_begins_with_a_leader() {
    let led = CheckConfig {
        led: true,
        time: Some(Time::of(4)),
        ..timed(Flaw::BreaksSilence)
    };
    let story = caught("exclusive-lease", led);
    assert!(story.starts_with("tick 2\ntick 3\ntick 4\n"), "{story}");
    let never = CheckConfig {
        max_epoch: 0,
        led: true,
        ..timed(Flaw::None)
    };
    let refused = Check::<FirstCome>::new(never).run().unwrap_err();
    assert_eq!(refused, CheckError::NotLed);
}

// Each bound must let in what it is named for, and nothing else.
#[test]
fn bounds_bound() {
    let quiet = CheckConfig {
        nodes: 2,
        crashes: 0,
        timeouts: Some(0),
        ..bounds(Flaw::None)
    };
    let states = |bounds: CheckConfig<Rules>| check(bounds).unique_states;
    assert_eq!(states(quiet.clone()), 1, "nobody moves");
    let elected = |bounds: CheckConfig<Rules>| check(bounds).trace("leader-elected").is_some();
    let told = CheckConfig {
        commands: 1,
        ..quiet.clone()
    };
    assert!(elected(told.clone()), "by command");
    assert!(
        elected(CheckConfig {
            timeouts: Some(1),
            ..quiet.clone()
        }),
        "by a timer"
    );
    let crashing = CheckConfig {
        crashes: 1,
        ..quiet.clone()
    };
    assert_eq!(states(crashing), 4, "all up, either down, back");
    let hinted = CheckConfig {
        max_epoch: 2,
        suspicions: 1,
        false_hints: true,
        ..told
    };
    let second = check(hinted.clone());
    assert!(
        second.trace("second-epoch-led").is_some(),
        "a leader was there to be suspected"
    );
    let mild = CheckConfig {
        suspicions: 0,
        ..hinted
    };
    assert_eq!(check(mild).trace("second-epoch-led"), None);
}

// Without repeats there are fewer states, and all that is found must be found with repeats too.
#[test]
fn messages_may_be_delivered_once_only() {
    let repeating = check(bounds(Flaw::None));
    let once = check(CheckConfig {
        duplicating: false,
        ..bounds(Flaw::None)
    });
    assert!(once.is_clean() && once.is_exhaustive(), "{once}");
    assert!(once.trace("all-agree").is_some());
    assert_ne!(once.unique_states, repeating.unique_states);
    let flawed = CheckConfig {
        duplicating: false,
        ..bounds(Flaw::GrantsTwice)
    };
    caught("one-pledge-per-epoch", flawed);
}

// A cluster that cannot be must be refused in words, before any search.
#[test]
fn impossible_clusters_are_refused() {
    let refused = |bounds| Check::<FirstCome>::new(bounds).run().unwrap_err();
    let empty = CheckConfig {
        nodes: 0,
        ..bounds(Flaw::None)
    };
    assert_eq!(
        refused(empty),
        CheckError::Membership(MembershipError::Empty)
    );
    let mut timeless = bounds(Flaw::None);
    timeless.config.timing.heartbeat = std::time::Duration::ZERO;
    assert_eq!(
        refused(timeless),
        CheckError::Settings(TimingError::Zero("heartbeat"))
    );
    let mut still = timed(Flaw::None);
    still.time = Some(Time {
        tick: std::time::Duration::ZERO,
        ticks: 1,
    });
    assert_eq!(
        refused(still),
        CheckError::Settings(TimingError::Zero("a tick"))
    );
}
