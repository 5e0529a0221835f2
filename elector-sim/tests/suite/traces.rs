//! Tests of traces: a researcher reads values from a trace, and finds the cause of each event.

use std::collections::{HashMap, HashSet};

use elector_core::{
    NodeId,
    trace::{Event, RecordOf, Stimulus},
};
use elector_raft::{Raft, RaftConfig, RaftMessage};
use elector_sim::{Contestant, ErasedRecord, Job, Scenario, Setup, Simulation, run};
use serde::Serialize;
use serde_json::Value;

const SEED: u64 = 7;

fn scenario() -> Scenario {
    Scenario::named("leader-crash").expect("a built-in scenario")
}

fn json(record: &impl Serialize) -> Value {
    serde_json::to_value(record).expect("a record is JSON")
}

fn records() -> Vec<RecordOf<Raft>> {
    let mut setup = Setup::<Raft>::new(3);
    (setup.seed, setup.trace) = (SEED, true);
    let (_, records) = run::run(setup, &scenario()).expect("the setup is valid");
    assert!(records.len() > 100);
    records
}

// A researcher counts the votes in a trace, and must not have to parse a text for this. The message
// that arrives must be the message that was sent.
#[test]
fn a_message_is_a_value_and_arrives_as_it_was_sent() {
    let (mut sent, mut arrived) = (HashMap::new(), 0);
    let mut votes = 0;
    for record in records() {
        match record.event {
            Event::Sent { id, message, .. } => {
                let is_vote = matches!(message, RaftMessage::Vote { granted: true, .. });
                votes += usize::from(is_vote);
                sent.insert(id, message);
            }
            Event::Stepped {
                input: Stimulus::Received { id, message, .. },
                ..
            } => {
                assert_eq!(sent.get(&id), Some(&message));
                arrived += 1;
            }
            _ => {}
        }
    }
    assert!(
        votes >= 2 && arrived > 50,
        "{votes} votes, {arrived} arrived"
    );
}

// The cause of each event is the input of a step: the step with the same number, in the same life
// of the node (the same process). The trace must contain this step before the event.
#[test]
fn each_event_of_a_step_has_a_cause() {
    let mut steps: HashSet<(NodeId, u64)> = HashSet::new();
    let mut caused = 0;
    for record in records() {
        let Some(node) = record.node else { continue };
        match record.event {
            Event::Booted => steps.retain(|&(known, _)| known != node),
            Event::Stepped { step, .. } => assert!(steps.insert((node, step))),
            Event::Sent { step, .. }
            | Event::Timer { step, .. }
            | Event::Persisting { step, .. }
            | Event::Persisted { step }
            | Event::Viewed { step, .. } => {
                assert!(steps.contains(&(node, step)), "{node:?}, step {step}");
                caused += 1;
            }
            _ => {}
        }
    }
    assert!(caused > 100, "{caused}");
}

// The command `elector` writes traces of algorithms whose types it does not know. Even these traces
// must have the values as JSON, and the texts that a timeline shows.
#[test]
fn an_erased_trace_has_the_same_json_and_the_same_texts() {
    let contestant = Contestant::of::<Raft>("pre-vote", "", RaftConfig::default());
    let job = Job {
        scenario: &scenario(),
        nodes: 3,
        seed: SEED,
        trace: true,
        twice: false,
        false_suspicions: false,
    };
    let (_, erased) = contestant.run(&job).expect("the setup is valid");
    let typed = records();
    let erased_values: Vec<Value> = erased.iter().map(json).collect();
    let typed_values: Vec<Value> = typed.iter().map(json).collect();
    assert_eq!(erased_values, typed_values);
    let is_vote = |value: &&Value| value["message"]["Vote"]["granted"] == true;
    assert!(typed_values.iter().filter(is_vote).count() >= 2);
    let texts: Vec<_> = erased.iter().map(ErasedRecord::to_text).collect();
    let expected: Vec<_> = typed.iter().map(RecordOf::<Raft>::to_text).collect();
    assert_eq!(texts, expected);
}

// The trace must show a violation at the moment at which it occurs, between its cause and its
// effects.
#[test]
fn violations_are_in_the_trace() {
    let mut setup = Setup::<Raft>::new(3);
    (setup.trace, setup.gate) = (true, false);
    let mut sim = Simulation::new(setup);
    sim.run_until_ns(1_000_000_000);
    let traced = sim.trace().iter().filter_map(|record| match &record.event {
        Event::Violated { invariant, detail } => {
            Some((record.at_ns, invariant.as_str(), detail.as_str()))
        }
        _ => None,
    });
    let traced: Vec<_> = traced.collect();
    let violations = sim.violations().iter();
    let expected: Vec<_> = violations
        .map(|it| (it.at_ns, it.invariant, it.detail.as_str()))
        .collect();
    assert!(!expected.is_empty());
    assert_eq!(traced, expected);
}
