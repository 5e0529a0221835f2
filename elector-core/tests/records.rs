//! Tests of the written formats: trace records, and durations in configurations.

mod puppet;

use std::time::Duration;

use elector_core::{
    Command, Delay, Epoch, Input, Moment, NodeId, Outgoing, Purpose, TimerChange, Timing, View,
    trace::{Event, EventOf, Loss, Record, RecordOf, Stimulus},
};
use proptest::prelude::*;
use puppet::{Act, Puppet, Script, driver, following, obey};

const BIG: u64 = u64::MAX;

fn stimuli() -> Vec<Stimulus> {
    let commands = [
        Command::Campaign,
        Command::Resign,
        Command::TransferTo(NodeId(BIG)),
    ];
    let mut all = vec![
        Stimulus::Started,
        Stimulus::Received {
            from: NodeId(BIG),
            id: BIG,
            kind: "Vote".into(),
            message: "Vote { \"quoted\"\n }".into(),
        },
        Stimulus::Elapsed {
            timer: "Vigil".into(),
        },
        Stimulus::Suspected { peer: NodeId(3) },
        Stimulus::Silent { peer: NodeId(3) },
        Stimulus::Died { peer: NodeId(3) },
        Stimulus::Returned { peer: NodeId(3) },
    ];
    all.extend(commands.map(|command| Stimulus::Commanded { command }));
    all
}

fn steps() -> Vec<Event> {
    let views = [
        View::leading(Epoch(BIG), NodeId(BIG)),
        View::campaigning(Epoch(2)),
        following(1, 2),
    ];
    let purposes = [Purpose::Election, Purpose::Liveness, Purpose::Application];
    let sent = purposes.map(|purpose| Event::Sent {
        step: 1,
        id: BIG,
        to: NodeId(2),
        kind: "Vote".into(),
        purpose,
        message: "Vote".into(),
    });
    let timers = [None, Some((0, BIG))].map(|bounds_ns| Event::Timer {
        step: 1,
        timer: "Vigil".into(),
        bounds_ns,
    });
    let mut all: Vec<Event> = stimuli()
        .into_iter()
        .map(|input| Event::Stepped { step: BIG, input })
        .collect();
    all.extend(sent);
    all.extend(timers);
    all.extend(views.map(|view| Event::Viewed { step: 3, view }));
    all
}

fn events() -> Vec<Event> {
    let lost = [Loss::Chance, Loss::Cut, Loss::Dead, Loss::Full].map(|why| Event::Lost {
        id: 1,
        to: NodeId(2),
        why,
    });
    let mut all = steps();
    all.extend(lost);
    all.extend([
        Event::Persisting {
            step: 1,
            durable: "e1".into(),
        },
        Event::Persisted { step: 1 },
        Event::Refused {
            step: 1,
            reason: "no".into(),
        },
        Event::Crashed,
        Event::Booted,
        Event::Paused,
        Event::Resumed,
        Event::Wiped,
        Event::Cut { blocked: vec![] },
        Event::Cut {
            blocked: vec![(NodeId(1), NodeId(2)), (NodeId(2), NodeId(1))],
        },
        Event::Note {
            text: "two\nlines".into(),
        },
        Event::Violated {
            invariant: "contract".into(),
            detail: "the epoch went back".into(),
        },
    ]);
    all
}

/// Returns the number of the variant. If a variant is added, this function does not compile any
/// more. Then give the new variant a number here, and a value in `events`.
fn number(event: &Event) -> usize {
    match event {
        Event::Stepped { .. } => 0,
        Event::Sent { .. } => 1,
        Event::Lost { .. } => 2,
        Event::Timer { .. } => 3,
        Event::Persisting { .. } => 4,
        Event::Persisted { .. } => 5,
        Event::Viewed { .. } => 6,
        Event::Refused { .. } => 7,
        Event::Crashed => 8,
        Event::Booted => 9,
        Event::Paused => 10,
        Event::Resumed => 11,
        Event::Wiped => 12,
        Event::Cut { .. } => 13,
        Event::Note { .. } => 14,
        Event::Violated { .. } => 15,
    }
}

// Tools read traces back. Serde can lose data in a flattened, tagged enum beside an optional field,
// so every variant is written and read, with and without a node.
#[test]
fn every_record_survives_json() {
    let mut covered = [false; 16];
    for event in events() {
        covered[number(&event)] = true;
        for node in [None, Some(NodeId(0)), Some(NodeId(BIG))] {
            let record = Record {
                at_ns: BIG,
                node,
                event: event.clone(),
            };
            let text = serde_json::to_string(&record).unwrap();
            assert!(!text.contains('\n'), "one object per line: {text}");
            assert_eq!(text.contains("\"node\""), node.is_some(), "{text}");
            let back: Record = serde_json::from_str(&text).unwrap();
            assert_eq!(back, record, "{text}");
        }
    }
    assert_eq!(covered, [true; 16]);
}

// Other tools read the format of traces, so this test must fail at every change of the format.
#[test]
fn records_are_written_as_documented() {
    let line = |node: Option<u64>, event: Event| {
        let node = node.map(NodeId);
        let record = Record {
            at_ns: 5,
            node,
            event,
        };
        serde_json::to_string(&record).unwrap()
    };
    let view = View::leading(Epoch(2), NodeId(1));
    assert_eq!(
        line(Some(1), Event::Crashed),
        r#"{"at_ns":5,"node":1,"event":"crashed"}"#
    );
    assert_eq!(
        line(Some(1), Event::Viewed { step: 3, view }),
        concat!(
            r#"{"at_ns":5,"node":1,"event":"viewed","step":3,"#,
            r#""view":{"epoch":2,"leader":1,"role":"leader"}}"#
        )
    );
    let command = Command::TransferTo(NodeId(2));
    let input = Stimulus::Commanded { command };
    assert_eq!(
        line(Some(1), Event::Stepped { step: 3, input }),
        concat!(
            r#"{"at_ns":5,"node":1,"event":"stepped","step":3,"#,
            r#""input":{"input":"commanded","command":{"transfer-to":2}}}"#
        )
    );
    let blocked = vec![(NodeId(1), NodeId(2))];
    assert_eq!(
        line(None, Event::Cut { blocked }),
        r#"{"at_ns":5,"event":"cut","blocked":[[1,2]]}"#
    );
}

// A typing error in a trace of another tool must not be read as another event.
#[test]
fn unknown_events_are_rejected() {
    let read = |text| serde_json::from_str::<Record>(text);
    assert!(read(r#"{"at_ns":5,"node":1,"event":"crushed"}"#).is_err());
    assert!(read(r#"{"at_ns":5,"node":1}"#).is_err());
}

// Hosts build trace records with the functions `Stimulus::of` and `Event::sent`. The events must
// describe inputs and messages as the algorithm got and sent them.
#[test]
fn records_describe_inputs_and_messages() {
    let message = Script(vec![Act::Broadcast]);
    let received = Input::Received {
        from: NodeId(2),
        message: message.clone(),
    };
    let cases = [
        (Input::Started, Stimulus::Started),
        (
            received,
            Stimulus::Received {
                from: NodeId(2),
                id: 9,
                kind: "Script".into(),
                message: message.clone(),
            },
        ),
        (Input::Elapsed('x'), Stimulus::Elapsed { timer: 'x' }),
        (
            Input::Suspected(NodeId(3)),
            Stimulus::Suspected { peer: NodeId(3) },
        ),
        (
            Input::Silent(NodeId(3)),
            Stimulus::Silent { peer: NodeId(3) },
        ),
        (Input::Died(NodeId(3)), Stimulus::Died { peer: NodeId(3) }),
        (
            Input::Returned(NodeId(3)),
            Stimulus::Returned { peer: NodeId(3) },
        ),
        (
            Input::Commanded(Command::Resign),
            Stimulus::Commanded {
                command: Command::Resign,
            },
        ),
    ];
    for (input, expected) in cases {
        assert_eq!(Stimulus::of(&input, 9), expected);
    }
    let out = Outgoing {
        to: NodeId(3),
        message: message.clone(),
    };
    let expected: EventOf<Puppet> = Event::Sent {
        step: 4,
        id: 9,
        to: NodeId(3),
        kind: "Script".into(),
        purpose: Purpose::Election,
        message,
    };
    assert_eq!(Event::sent(4, 9, &out), expected);
}

// A researcher reads the algorithm's own values from a trace file, and a tool that knows no
// algorithm reads their texts. Each kind of value must be the same after it was read, and each text
// must be the text of its value.
#[test]
fn values_survive_json_and_have_a_text() {
    let message = Script(vec![Act::Broadcast, Act::Persist(7)]);
    let out = Outgoing {
        to: NodeId(3),
        message: message.clone(),
    };
    let received = Input::Received {
        from: NodeId(2),
        message,
    };
    let mut driver = driver::<Puppet>();
    let step = obey(&mut driver, &[Act::Set('a'), Act::Persist(7)]);
    let mut events: Vec<EventOf<Puppet>> = Event::requested_by(&step);
    events.push(Event::sent(4, 9, &out));
    for input in [received, Input::Elapsed('x')] {
        let input = Stimulus::of(&input, 9);
        events.push(Event::Stepped { step: 4, input });
    }
    let mut texts = Vec::new();
    for event in events {
        let record: RecordOf<Puppet> = Record {
            at_ns: 5,
            node: Some(NodeId(1)),
            event,
        };
        let line = serde_json::to_string(&record).unwrap();
        assert_eq!(
            serde_json::from_str::<RecordOf<Puppet>>(&line).unwrap(),
            record
        );
        type Json = serde_json::Value;
        let any: Record<Json, Json, Json> = serde_json::from_str(&line).unwrap();
        assert_eq!(
            serde_json::to_value(&any).unwrap(),
            serde_json::to_value(&record).unwrap()
        );
        texts.push(match record.to_text().event {
            Event::Persisting { durable, .. } => durable,
            Event::Timer { timer, .. } => timer,
            Event::Sent { message, .. } => message,
            Event::Stepped { input, .. } => match input {
                Stimulus::Received { message, .. } => message,
                Stimulus::Elapsed { timer } => timer,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        });
    }
    let [durable, texts @ ..] = &texts[..] else {
        panic!("no write in {texts:?}");
    };
    assert!(durable.contains("value: 7"), "{durable}");
    let script = "Script([Broadcast, Persist(7)])";
    assert_eq!(texts, ["'a'", script, script, "'x'"]);
}

// When the values of a trace record are replaced by texts, the rest of the record must stay the
// same.
#[test]
fn a_text_is_the_same_record() {
    for event in events() {
        let record = Record {
            at_ns: BIG,
            node: Some(NodeId(7)),
            event,
        };
        assert_eq!(
            record.map(String::clone, String::clone, String::clone),
            record
        );
    }
}

// A timeline shows the write of a step before its timers, and a cancelled timer without bounds.
#[test]
fn requests_list_the_write_then_the_timers() {
    let mut driver = driver::<Puppet>();
    let mut step = obey(
        &mut driver,
        &[Act::Set('a'), Act::Cancel('b'), Act::Persist(7)],
    );
    let long = Delay::between(Duration::from_nanos(3), Duration::MAX);
    step.timers.push(TimerChange::Set('c', long));
    let timer = |timer, bounds_ns| Event::Timer {
        step: 1,
        timer,
        bounds_ns,
    };
    let events: Vec<EventOf<Puppet>> = Event::requested_by(&step);
    let Some((Event::Persisting { step: 1, durable }, timers)) = events.split_first() else {
        panic!("the write is not first in {events:?}");
    };
    assert_eq!(durable.value, 7);
    let expected = [
        timer('a', Some((0, 0))),
        timer('b', None),
        timer('c', Some((3, u64::MAX))),
    ];
    assert_eq!(timers, expected);
}

// Golden scenarios and traces print ids, epochs and moments. A moment must not show the host's
// clock.
#[test]
fn ids_epochs_and_moments_print_short() {
    let moment = Moment::from_nanos(7);
    let text = format!("{:?} {:?} {moment:?}", NodeId(3), Epoch(4));
    assert_eq!(text, "n3 e4 @");
    assert_eq!(format!("{} {}", NodeId(3), Epoch(4)), "3 4");
}

// A malicious peer may send the last epoch that exists. After that no election may be possible, but
// the epoch must not cause a panic, and epochs must not start again from zero.
#[test]
fn the_last_epoch_has_no_next() {
    assert_eq!(Epoch(BIG).next(), Epoch(BIG));
    assert_eq!(Epoch::ZERO.next(), Epoch(1));
}

proptest! {
    // A node whose settings file sets only some durations writes its configuration to a TOML table
    // and reads it again. The durations that the file does not set must stay the same to the
    // nanosecond. Otherwise they would differ from the durations of a node whose file sets none.
    #[test]
    fn durations_survive_a_file(nanos in 0..=86_400_000_000_000_u64) {
        let timing = Timing { lease: Duration::from_nanos(nanos), ..Timing::default() };
        let text = serde_json::to_string(&timing).unwrap();
        prop_assert_eq!(serde_json::from_str::<Timing>(&text).unwrap(), timing);
    }

    // A host chooses a random duration between the two bounds of a delay. The bounds must be in
    // order for every configuration, and after any number of failed elections.
    #[test]
    fn delays_are_in_order_and_widen(
        min in any::<Duration>(),
        max in any::<Duration>(),
        attempt in any::<u32>(),
    ) {
        let timing = Timing { election_min: min, election_max: max, ..Timing::default() };
        for delay in [timing.vigil(), timing.stagger(attempt), timing.election()] {
            prop_assert!(delay.min <= delay.max);
        }
        let next = timing.stagger(attempt.saturating_add(1));
        prop_assert!(timing.stagger(attempt).max <= next.max);
    }
}
