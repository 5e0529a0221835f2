//! Configuration: what files may say, and what is refused.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

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

// Files are written by hand: durations in milliseconds, the rest by default, no silent typos.
#[test]
fn files_name_what_differs() {
    assert_eq!(read("{}").unwrap(), BullyConfig::default());
    let config = read(r#"{"answer_timeout_ms": 0.5, "preempt": false}"#).unwrap();
    assert_eq!(config.answer_timeout(), Duration::from_micros(500));
    assert!(!config.preempt && !config.skip_suspected);
    let back = serde_json::to_string(&config).unwrap();
    assert_eq!(read(&back).unwrap(), config);
    assert!(read(r#"{"pre_empt": true}"#).is_err());
    assert!(read(r#"{"answer_timeout_ms": -1}"#).is_err());
}

// Without a timeout of its own the shared round trip is the bound, or comparisons are unfair.
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

// An answer timeout of zero makes every candidate coordinator; one as long as the vigil lets all
// others begin elections meanwhile. The message must name the option.
#[test]
fn senseless_answer_timeouts_are_refused() {
    for wrong in [Duration::ZERO, Timing::default().election_min] {
        let config = BullyConfig {
            answer_timeout: Some(wrong),
            ..BullyConfig::default()
        };
        let error = config.validate(&members()).unwrap_err().to_string();
        assert!(error.contains("answer_timeout"), "{error}");
    }
}

// The variants are offered by name on the command line: the first is what one gets without asking.
#[test]
fn variants_are_valid_and_begin_with_the_default() {
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

// Comparisons print the closed form for every size, the smallest among them.
#[test]
fn the_closed_form_covers_small_clusters() {
    let config = BullyConfig::default();
    let expected = |nodes| Bully::expected_messages(&config, nodes).unwrap();
    assert_eq!(expected(1), 0..=0);
    assert_eq!(expected(2), 1..=1);
    assert_eq!(expected(3), 2..=5);
    assert_eq!(expected(5), 4..=19);
}

// A host may forget to validate. The algorithm then waits for ever, but it does not panic.
#[test]
fn durations_without_bound_do_not_overflow() {
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
    let confirmed = Input::Elapsed(BullyTimer::Answer);
    let resigns = [Input::Started, confirmed, Input::Commanded(Command::Resign)];
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
