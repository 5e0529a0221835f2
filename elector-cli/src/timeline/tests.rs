use super::*;
use crate::sample;

fn told(records: &[Record], options: &TimelineOptions) -> String {
    let mut text = String::new();
    timeline(records, &mut text, options).unwrap();
    text
}

// A reader follows an election by its lines: each turn of the story must be there, in order.
#[test]
fn a_crash_is_told_from_the_fault_to_the_new_leader() {
    let text = told(&sample::crash(5), &TimelineOptions::default());
    let mut rest = text.as_str();
    for part in [
        "0.000  n1–n5     booted",
        "n2        campaigns in epoch 1  (Stagger elapsed)",
        "n2        → n1 n3–n5  RequestVote { epoch: e1 }",
        "n2        leads epoch 1",
        "led, after 183.101 ms without a leader",
        "follows n2 in epoch 1",
        "heartbeats and acks",
        "— the leader n2 crashes",
        "n2        crashed",
        "without a leader",
        "is told that n2 may be gone",
        "n3        → n2  RequestVote lost: the receiver was not running",
        "n3        leads epoch 2",
        "n2        paused",
    ] {
        let at = rest.find(part);
        rest = &rest[at.unwrap_or_else(|| panic!("no {part:?} in order in:\n{text}"))..];
    }
}
