use elector_core::{Epoch, NodeId, Purpose, View, trace::Event};

use super::*;
use crate::lab::sample;

fn text_of(records: &[Record], options: &TimelineOptions) -> String {
    let mut text = String::new();
    timeline(records, &mut text, options).unwrap();
    text
}

// The timeline must contain every change of an election, in order.
#[test]
fn a_crash_is_shown_from_the_fault_to_the_new_leader() {
    let text = text_of(&sample::crash(5), &TimelineOptions::default());
    let mut rest = text.as_str();
    for part in [
        "0.000  n1–n5     booted",
        "n2        campaigns in epoch 1  (Stagger elapsed)",
        "n2        → n1 n3–n5  RequestVote { epoch: e1 }",
        "n2        leads epoch 1",
        "has a leader after 183.101 ms without one",
        "follows n2 in epoch 1",
        "heartbeats and acks",
        "— the leader n2 crashes",
        "n2        crashed",
        "without a leader",
        "suspects n2",
        "n3        → n2  RequestVote lost: the receiver was not running",
        "n3        leads epoch 2",
        "n2        paused",
    ] {
        let at = rest.find(part);
        rest = &rest[at.unwrap_or_else(|| panic!("no {part:?} in order in:\n{text}"))..];
    }
}

// A researcher must see in the text where a pre-candidate, which only asks whether it could win,
// becomes a candidate and campaigns.
#[test]
fn a_pre_candidate_differs_from_a_candidate() {
    let viewed = |at_ns, step, view| Record {
        at_ns,
        node: Some(NodeId(1)),
        event: Event::Viewed { step, view },
    };
    let records = [
        viewed(0, 1, View::asking_first(Epoch(1))),
        viewed(1_000_000, 2, View::campaigning(Epoch(1))),
    ];
    let text = text_of(&records, &TimelineOptions::default());
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("n1")).collect();
    let [first, second] = lines[..] else {
        panic!("two lines: {text}")
    };
    assert!(first.ends_with("is a pre-candidate in epoch 1"), "{text}");
    assert!(second.ends_with("campaigns in epoch 1"), "{text}");
}

// Two leaders at the same time are the most important event of a run. The timeline must say when
// they begin and how long they last.
#[test]
fn a_split_brain_is_shown_with_its_length() {
    let text = text_of(&sample::split(5), &TimelineOptions::default());
    let lines: Vec<&str> = text.lines().collect();
    let begins = lines
        .iter()
        .position(|line| line.contains("split brain: n1 in epoch 1, n3"));
    let ends = lines
        .iter()
        .position(|line| line.contains("split brain ended after 256.2"));
    assert!(begins.unwrap() < ends.unwrap(), "{text}");
    assert!(text.contains("cut: n1 n2 | n3–n5") && text.contains("all links work"));
}

// If the count of routine messages was wrong, the timeline would hide messages. With a line for
// each of them, readers would not find the other events.
#[test]
fn every_routine_message_is_counted_or_shown() {
    let records = sample::split(5);
    let routine = |record: &&Record| {
        matches!(
            &record.event,
            Event::Sent {
                purpose: Purpose::Liveness,
                ..
            }
        )
    };
    let sent = records.iter().filter(routine).count();
    let folded = text_of(&records, &TimelineOptions::default());
    let counts = folded
        .lines()
        .filter_map(|line| line.split_once(" heartbeats and acks sent"));
    let counts = counts.map(|(count, _)| count.trim().trim_start_matches("… ").trim());
    let counted: usize = counts.map(|count| count.parse::<usize>().unwrap()).sum();
    assert_eq!(counted, sent);
    let options = TimelineOptions {
        heartbeats: true,
        width: 0,
        ..TimelineOptions::default()
    };
    let shown = text_of(&records, &options);
    assert!(!shown.contains('…') && shown.matches("Ack {}").count() > 5);
}

// Terminals wrap lines that are too long, so the width must be applied. Programs that read a pipe
// need text without escape codes.
#[test]
fn options_are_applied() {
    let records = sample::split(5);
    let plain = text_of(&records, &TimelineOptions::default());
    assert!(!plain.contains('\x1b'));
    let options = TimelineOptions {
        width: 40,
        color: true,
        window: Some((300_000_000, 507_000_000)),
        arrivals: true,
        ..TimelineOptions::default()
    };
    let text = text_of(&records, &options);
    assert!(text.contains("\x1b[1;31m") && text.contains("← n3"));
    for line in text.lines() {
        let bare = line.split_once('m').filter(|_| line.starts_with('\x1b'));
        let bare = bare.map_or(line, |(_, rest)| rest.trim_end_matches("\x1b[0m"));
        assert!(bare.chars().count() <= 40, "{bare:?}");
        let at = bare
            .split_whitespace()
            .next()
            .and_then(|word| word.parse::<f64>().ok());
        assert!(
            at.is_none_or(|at| (300.0..=507.0).contains(&at)),
            "{bare:?}"
        );
    }
}

// A text of a trace with a line break must not look like two events.
#[test]
fn texts_stay_on_their_line() {
    let text = "one\n     0.000  n9  leads epoch 9\x1b[2J".to_owned();
    let records = [Record {
        at_ns: 0,
        node: None,
        event: Event::Note { text },
    }];
    let text = text_of(&records, &TimelineOptions::default());
    assert_eq!(text.lines().count(), 1);
    assert!(!text.contains('\x1b'));
}
