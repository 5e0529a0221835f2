//! The gate: nothing is seen before what it rests on is durable, and everything is seen in the end.
#![allow(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

mod puppet;

use elector_core::{Command, Driver, Epoch, Gate, Input, Moment, NodeId, Step, View};
use proptest::prelude::*;
use puppet::{Act, Puppet, driver, obey};

// The plain case, to read: a vote waits for its write, and so does all that comes after it.
#[test]
fn a_send_waits_for_the_write_before_it() {
    let (mut driver, mut gate) = (driver(), Gate::new());
    let before = obey(&mut driver, &[Act::Send(NodeId(2))]);
    assert!(gate.pass(before).is_some(), "it rests on nothing");
    assert!(
        gate.pass(obey(&mut driver, &[Act::Persist(1), Act::Broadcast]))
            .is_none()
    );
    assert!(gate.pass(obey(&mut driver, &[Act::Broadcast])).is_none());
    assert!(gate.pass(obey(&mut driver, &[Act::Persist(2)])).is_none());
    assert_eq!(gate.waiting(), 2, "a step that shows nothing does not wait");
    assert!(gate.pop().is_none());
    gate.persisted(2);
    let numbers: Vec<u64> = std::iter::from_fn(|| gate.pop())
        .map(|step| step.number)
        .collect();
    assert_eq!(numbers, [2, 3]);
    assert!(gate.pass(obey(&mut driver, &[Act::Broadcast])).is_none());
    gate.persisted(4);
    assert_eq!(gate.pop().map(|step| step.number), Some(5));
}

// Late reports of older writes arrive in any order from a store thread: they must not close it.
#[test]
fn an_older_write_does_not_close_the_gate() {
    let (mut driver, mut gate) = (driver(), Gate::new());
    obey(&mut driver, &[Act::Persist(1)]);
    let step = obey(&mut driver, &[Act::Persist(2), Act::Broadcast]);
    gate.persisted(2);
    gate.persisted(1);
    assert!(gate.pass(step).is_some());
}

/// What a host does next.
#[derive(Clone, Debug)]
enum Move {
    /// Step and pass: persist or not, send or not, show a new view or not, refuse or not.
    Step {
        persist: bool,
        send: bool,
        show: bool,
        refuse: bool,
    },
    /// So many of the writes that are under way end, the oldest first, in one report.
    Written(usize),
    /// Take out so many steps that may be seen.
    Pop(usize),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let step = (
        prop::bool::weighted(0.3),
        any::<bool>(),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(persist, send, show, refuse)| Move::Step {
            persist,
            send,
            show,
            refuse,
        });
    let one = prop_oneof![
        4 => step,
        1 => (1..4_usize).prop_map(Move::Written),
        1 => (1..5_usize).prop_map(Move::Pop),
    ];
    prop::collection::vec(one, 0..60)
}

/// A host, and what it knows without the gate.
struct Host {
    driver: Driver<Puppet>,
    gate: Gate<Puppet>,
    /// Steps whose writes are under way.
    writing: Vec<u64>,
    /// The newest step whose write has ended.
    written: u64,
    /// The newest step, at each step, that had to be written: what its outputs rest on.
    rests_on: Vec<u64>,
    /// Steps that have something to show, and those that were shown.
    visible: Vec<u64>,
    seen: Vec<u64>,
}

impl Host {
    fn new() -> Self {
        Self {
            driver: driver(),
            gate: Gate::new(),
            writing: Vec::new(),
            written: 0,
            rests_on: vec![0],
            visible: Vec::new(),
            seen: Vec::new(),
        }
    }

    fn step(&mut self, acts: &[Act], refuse: bool) {
        let step = if refuse {
            let input = Input::Commanded(Command::Campaign);
            self.driver.step(input, Moment::ZERO).unwrap()
        } else {
            obey(&mut self.driver, acts)
        };
        let number = step.number;
        let last = self.rests_on.last().copied().unwrap_or(0);
        if step.persist.is_some() {
            self.writing.push(number);
        }
        let wrote = step.persist.is_some();
        self.rests_on.push(if wrote { number } else { last });
        if refuse || !step.sends.is_empty() || step.view.is_some() {
            self.visible.push(number);
        }
        if let Some(step) = self.gate.pass(step) {
            self.see(&step);
        }
    }

    fn see(&mut self, step: &Step<Puppet>) {
        let rests_on = self.rests_on[usize::try_from(step.number).unwrap()];
        assert!(
            rests_on <= self.written,
            "step {} was seen, and the write of step {rests_on} is lost in a crash",
            step.number
        );
        if refuse_or_shows(step) {
            self.seen.push(step.number);
        }
    }

    fn written(&mut self, count: usize) {
        let count = count.min(self.writing.len());
        if let Some(newest) = self.writing.drain(..count).next_back() {
            self.written = newest;
            self.gate.persisted(newest);
        }
    }

    fn pop(&mut self, count: usize) {
        for _ in 0..count {
            if let Some(step) = self.gate.pop() {
                self.see(&step);
            }
        }
    }
}

fn refuse_or_shows(step: &Step<Puppet>) -> bool {
    step.refusal.is_some() || !step.sends.is_empty() || step.view.is_some()
}

proptest! {
    // Persist before reply, in every interleaving of steps, writes and a host that pops late:
    // nothing early, nothing out of order, nothing twice, nothing lost.
    #[test]
    fn outputs_follow_their_writes_in_order_and_all_arrive(moves in moves()) {
        let mut host = Host::new();
        let mut fresh = 0;
        for one in moves {
            match one {
                Move::Step { persist, send, show, refuse } => {
                    fresh += 1;
                    let view = View::following(Epoch(fresh), None);
                    let acts = [
                        persist.then_some(Act::Persist(fresh)),
                        send.then_some(Act::Broadcast),
                        show.then_some(Act::Show(view)),
                    ];
                    let acts: Vec<Act> = acts.into_iter().flatten().collect();
                    host.step(&acts, refuse);
                }
                Move::Written(count) => host.written(count),
                Move::Pop(count) => host.pop(count),
            }
            prop_assert_eq!(&host.seen[..], &host.visible[..host.seen.len()]);
        }
        host.written(usize::MAX);
        host.pop(host.gate.waiting());
        prop_assert_eq!(host.gate.waiting(), 0);
        prop_assert_eq!(host.seen, host.visible);
    }
}
