//! Tests the configuration: its form in files, its limits, and its use in comparisons.

use std::time::Duration;

use elector_bully::{Bully, BullyConfig, BullyDurable, BullyMessage, BullyTimer};
use elector_core::{
    Command, Comparable, Configuration, Driver, Epoch, Input, Membership, Moment, NodeId, Timing,
};

fn members() -> Membership {
    Membership::new(NodeId(1), (1..=3).map(NodeId)).unwrap()
}

fn read(text: &str) -> Result<BullyConfig, serde_json::Error> {
    serde_json::from_str(text)
}

// People write configuration files by hand: durations are in milliseconds, missing options have
// their defaults, and typing errors are rejected.
#[test]
fn files_contain_only_the_options_that_differ() {
    assert_eq!(read("{}").unwrap(), BullyConfig::default());
    let config = read(r#"{"answer_timeout_ms": 0.5, "preempt": false}"#).unwrap();
    assert_eq!(config.answer_timeout(), Duration::from_micros(500));
    assert!(!config.preempt && !config.skip_suspected);
    let back = serde_json::to_string(&config).unwrap();
    assert_eq!(read(&back).unwrap(), config);
    assert!(read(r#"{"pre_empt": true}"#).is_err());
    assert!(read(r#"{"answer_timeout_ms": -1}"#).is_err());
}

// The default of the answer timeout is `timing.round_trip`, which all algorithms share, so
// comparisons of algorithms are fair.
#[test]
fn the_answer_timeout_is_the_round_trip_by_default() {
    let round_trip = Duration::from_millis(7);
    let timing = Timing {
        round_trip,
        ..Timing::default()
    };
    let config = BullyConfig {
        timing,
        ..BullyConfig::default()
    };
    assert_eq!(config.answer_timeout(), round_trip);
}

// With an answer timeout of zero, every candidate becomes coordinator. With an answer timeout as
// long as the vigil (`election_min`), all other nodes start elections while a candidate waits. The
// error must name the option.
#[test]
fn invalid_answer_timeouts_are_rejected() {
    for wrong in [Duration::ZERO, Timing::default().election_min] {
        let config = BullyConfig {
            answer_timeout: Some(wrong),
            ..BullyConfig::default()
        };
        let error = config.validate(&members()).unwrap_err().to_string();
        assert!(error.contains("answer_timeout"), "{error}");
    }
}

// The command line offers the variants by name. The first one is the default.
#[test]
fn variants_are_valid_and_the_first_is_the_default() {
    let variants = Bully::variants();
    assert_eq!(variants[0].config, BullyConfig::default());
    for variant in &variants {
        assert_eq!(
            variant.config.validate(&members()),
            Ok(()),
            "{}",
            variant.name
        );
    }
    assert_ne!(variants[0].config, variants[1].config);
}

// Comparisons print the number of messages from the formula for every size of a cluster, also for
// the smallest.
#[test]
fn the_closed_form_covers_small_clusters() {
    let config = BullyConfig::default();
    let expected = |nodes| Bully::expected_messages(&config, nodes).unwrap();
    assert_eq!(expected(1), 0..=0);
    assert_eq!(expected(2), 1..=1);
    assert_eq!(expected(3), 2..=5);
    assert_eq!(expected(5), 4..=19);
}

// A host (the program that runs the algorithm) may forget to validate the configuration. Then the
// algorithm may wait forever, but it does not panic.
#[test]
fn unlimited_durations_do_not_overflow() {
    let mut config = BullyConfig {
        answer_timeout: Some(Duration::MAX),
        ..BullyConfig::default()
    };
    config.timing.election_max = Duration::MAX;
    config.timing.round_trip = Duration::MAX;
    let (led, epoch, appointed) = (NodeId(3), Epoch(1), false);
    let heartbeat = Input::Received {
        from: led,
        message: BullyMessage::Heartbeat { epoch, appointed },
    };
    let no_answer = Input::Elapsed(BullyTimer::Answer);
    let resigns = [Input::Started, no_answer, Input::Commanded(Command::Resign)];
    let takes_turns = [Input::Started, heartbeat, Input::Suspected(led)];
    for (me, inputs) in [(led, resigns.to_vec()), (NodeId(1), takes_turns.to_vec())] {
        let members = members().seen_from(me).unwrap();
        let mut driver = Driver::<Bully>::restore(&config, members, BullyDurable::default());
        for input in inputs {
            let step = driver.step(input, Moment::ZERO).unwrap();
            assert_eq!(step.refusal, None);
        }
        assert_eq!(driver.view().leader, (me != led).then_some(led));
    }
}
