//! Tests of the model checker itself, with an election that is small enough to follow by hand.

use elector_check::{Check, CheckConfig, CheckError, MAX_NODES, Outcome, Report, Time};
use elector_core::{MembershipError, TimingError};

use crate::first_come::{FirstCome, Flaw, Rules};

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
        .expect("the cluster is valid")
}

/// Returns the run in which the algorithm violates this invariant, as text. Fails if no
/// run violates it.
fn caught(invariant: &str, bounds: CheckConfig<Rules>) -> String {
    let report = check(bounds);
    assert_eq!(report.outcome, Outcome::Violated, "{report}");
    let mut counterexamples = report.counterexamples();
    let found = counterexamples.find(|it| it.name == invariant);
    let trace = found.and_then(|it| it.trace.as_ref());
    let trace = trace.unwrap_or_else(|| panic!("{invariant} is not violated: {report}"));
    trace.join("\n")
}

// The number of states depends on the whole model: if a kind of event is missing, or happens when
// it must not, the number changes. The first number, for two nodes without crashes, is 10, and can
// be counted by hand. One state is the initial one. For each of the two nodes there are four
// states: the node has asked the other node; the other node has granted the epoch to it; the node
// leads; the other node has received the heartbeat. In the last state both nodes have asked.
#[test]
fn no_run_of_the_toy_violates_an_invariant() {
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

// The model must contain the situation for which fencing tokens exist: an older leader that does
// not know of the newer one.
#[test]
fn in_a_second_epoch_two_nodes_may_believe_that_they_lead() {
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

// If a crash loses a vote, the node can vote twice in an epoch: this is the classic mistake. In a
// search without crashes this mistake has no effect.
#[test]
fn a_vote_that_is_not_durable_is_caught() {
    let flawed = bounds(Flaw::VoteNotDurable);
    let trace = caught("one-pledge-per-epoch", flawed.clone());
    assert!(
        trace.contains("crashed") && trace.contains("restarted"),
        "{trace}"
    );
    assert!(
        check(CheckConfig {
            crashes: 0,
            ..flawed
        })
        .is_exhaustive()
    );
}

// One leader per epoch is the most important invariant. Its counterexample must be readable and as
// short as possible.
#[test]
fn a_majority_that_is_too_small_is_caught() {
    let trace = caught("one-leader-per-epoch", bounds(Flaw::MajorityOffByOne));
    assert_eq!(
        trace,
        "n1 elapsed (); view epoch 1 leader n1 role leader\n\
         n2 elapsed (); view epoch 1 leader n2 role leader; epoch 1 has two leaders: n1 and n2"
    );
}

// A voter may support only one candidate in an epoch. If it supports a second one, this is a
// violation even if the second candidate is not elected.
#[test]
fn a_second_grant_in_an_epoch_is_caught() {
    let trace = caught("one-pledge-per-epoch", bounds(Flaw::GrantsTwice));
    assert!(
        trace.ends_with("pledged itself in epoch 1 to n3 at rank (0, 0), after n1 at rank (0, 0)"),
        "{trace}"
    );
}

// Epochs are fencing tokens, by which a store rejects the writes of older leaders. If an epoch goes
// back, a store could accept the writes of an old leader again.
#[test]
fn an_epoch_that_goes_back_is_caught() {
    let trace = caught("epoch-monotonic", bounds(Flaw::EpochGoesBack));
    assert!(trace.ends_with("showed epoch 0 after epoch 1"), "{trace}");
}

// A driver rejects a step that breaks the contract of an algorithm. A search must find such a step
// too.
#[test]
fn a_broken_contract_is_caught() {
    let trace = caught("contract", bounds(Flaw::SendsToItself));
    assert!(trace.ends_with("which is not a peer"), "{trace}");
}

// A panic must be reported with its trace. It must not abort the search.
#[test]
fn a_panic_is_caught() {
    let trace = caught("contract", bounds(Flaw::Panics));
    assert!(trace.ends_with("panicked"), "{trace}");
}

// A search that was cut short must never look like a proof that the algorithm is correct.
#[test]
fn a_reached_limit_is_reported() {
    let report = check(CheckConfig {
        max_states: Some(100),
        ..bounds(Flaw::None)
    });
    assert_eq!(report.outcome, Outcome::LimitReached);
    assert!(report.is_clean() && !report.is_exhaustive());
    let text = report.to_string();
    assert!(text.contains("limit reached, not exhaustive"), "{text}");
    assert!(
        text.contains("holds in all states that were reached"),
        "{text}"
    );
    assert!(!text.contains("every run"), "{text}");
}

/// Returns bounds for two elections with leases, in discrete time.
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

// Leases depend on time, so the search must have time. Among these runs there must be some in which
// a lease is held, and some in which a second election occurs. In none of them may two leases
// overlap.
#[test]
fn the_leases_of_the_toy_do_not_overlap() {
    let report = check(timed(Flaw::None));
    assert!(report.is_clean() && report.is_exhaustive(), "{report}");
    for possible in ["lease-held", "second-epoch-led", "two-lead-at-once"] {
        assert!(report.trace(possible).is_some(), "{report}");
    }
    let text = report.to_string();
    assert!(
        text.contains("7 ticks of 1ms") && text.contains("1 late message"),
        "{text}"
    );
    assert_eq!(report.unique_states, 469_140);
}

// Each of these flaws makes leases overlap in time, so only a search with time can find it. A
// search without time but with the same other bounds must report no violation.
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
        let trace = caught("exclusive-lease", flawed.clone());
        assert!(trace.ends_with("hold a lease at the same time"), "{trace}");
        assert!(
            trace.contains("tick 4") && trace.contains("; n1 holds a lease"),
            "{trace}"
        );
        let untimed = CheckConfig {
            time: None,
            timeouts: Some(3),
            ..flawed
        };
        assert!(check(untimed).is_clean());
    }
}

// With a false proof of death, a new leader is elected while the old leader still holds a lease. So
// a search contains false proofs only if its bounds allow them.
#[test]
fn leases_may_overlap_after_a_false_hint() {
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

// A search that begins with a leader must contain the events after the election of this leader. Its
// report must also show how this leader was elected.
#[test]
fn a_search_can_begin_with_a_leader() {
    let led = CheckConfig {
        led: true,
        time: Some(Time::of(4)),
        ..timed(Flaw::BreaksSilence)
    };
    let trace = caught("exclusive-lease", led);
    assert!(trace.starts_with("tick 2\ntick 3\ntick 4\n"), "{trace}");
    let never = CheckConfig {
        max_epoch: 0,
        led: true,
        ..timed(Flaw::None)
    };
    let rejected = Check::<FirstCome>::new(never).run().unwrap_err();
    assert_eq!(rejected, CheckError::NotLed);
}

// Each bound of a search must allow the events that it bounds (crashes, commands and so on), and no
// others.
#[test]
fn each_bound_limits_its_own_events() {
    let quiet = CheckConfig {
        nodes: 2,
        crashes: 0,
        timeouts: Some(0),
        ..bounds(Flaw::None)
    };
    let states = |bounds: CheckConfig<Rules>| check(bounds).unique_states;
    assert_eq!(states(quiet.clone()), 1, "no event is possible");
    let elected = |bounds: CheckConfig<Rules>| check(bounds).trace("leader-elected").is_some();
    let commanded = CheckConfig {
        commands: 1,
        ..quiet.clone()
    };
    assert!(elected(commanded.clone()), "by command");
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
    assert_eq!(states(crashing), 4, "all up, either down, restarted");
    let hinted = CheckConfig {
        max_epoch: 2,
        suspicions: 1,
        false_hints: true,
        ..commanded
    };
    let second = check(hinted.clone());
    assert!(
        second.trace("second-epoch-led").is_some(),
        "there was a leader that could be suspected"
    );
    let mild = CheckConfig {
        suspicions: 0,
        ..hinted
    };
    assert_eq!(check(mild).trace("second-epoch-led"), None);
}

// If each message is delivered at most once, the search reaches a different number of states. It
// must still find a flaw that needs no repeated message.
#[test]
fn without_repeats_each_message_is_delivered_at_most_once() {
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

// An invalid cluster must be rejected with a reason before any search.
#[test]
fn invalid_clusters_are_rejected() {
    let rejected = |bounds| Check::<FirstCome>::new(bounds).run().unwrap_err();
    let empty = CheckConfig {
        nodes: 0,
        ..bounds(Flaw::None)
    };
    assert_eq!(
        rejected(empty),
        CheckError::Membership(MembershipError::Empty)
    );
    let large = CheckConfig {
        nodes: MAX_NODES + 1,
        ..bounds(Flaw::None)
    };
    assert_eq!(rejected(large), CheckError::TooManyNodes(MAX_NODES + 1));
    let mut timeless = bounds(Flaw::None);
    timeless.config.timing.heartbeat = std::time::Duration::ZERO;
    let error = rejected(timeless);
    assert_eq!(
        error.to_string(),
        TimingError::Zero("heartbeat").to_string()
    );
    assert_eq!(error, CheckError::Settings(TimingError::Zero("heartbeat")));
    let mut still = timed(Flaw::None);
    still.time = Some(Time {
        tick: std::time::Duration::ZERO,
        ticks: 1,
    });
    assert_eq!(
        rejected(still),
        CheckError::Settings(TimingError::Zero("a tick"))
    );
}
