//! Tests of the gate: nothing is visible before everything that it depends on is durable, and
//! everything is visible in the end.
#![allow(clippy::unwrap_used, reason = "an unexpected result must end a test")]

mod puppet;

use elector_core::{Command, Driver, Epoch, Gate, Input, Moment, NodeId, Step, View};
use proptest::prelude::*;
use puppet::{Act, Puppet, driver, obey};

// This is the simple case: a vote waits for its write, and everything after the vote waits, too.
#[test]
fn a_send_waits_for_the_write_before_it() {
    let (mut driver, mut gate) = (driver(), Gate::new());
    let before = obey(&mut driver, &[Act::Send(NodeId(2))]);
    assert!(gate.pass(before).is_some(), "it depends on no write");
    assert!(
        gate.pass(obey(&mut driver, &[Act::Persist(1), Act::Broadcast]))
            .is_none()
    );
    assert!(gate.pass(obey(&mut driver, &[Act::Broadcast])).is_none());
    assert!(gate.pass(obey(&mut driver, &[Act::Persist(2)])).is_none());
    assert_eq!(
        gate.waiting(),
        2,
        "a step without visible effects does not wait"
    );
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

// A thread that writes to the disk may report older writes late and in any order. After such a
// report, the gate must still know the newest durable write.
#[test]
fn an_older_write_does_not_close_the_gate() {
    let (mut driver, mut gate) = (driver(), Gate::new());
    obey(&mut driver, &[Act::Persist(1)]);
    let step = obey(&mut driver, &[Act::Persist(2), Act::Broadcast]);
    gate.persisted(2);
    gate.persisted(1);
    assert!(gate.pass(step).is_some());
}

/// The next action of a host.
#[derive(Clone, Debug)]
enum Move {
    /// Make a step, and pass it through the gate. The flags say whether the step persists, sends,
    /// shows a new view, and refuses a command.
    Step {
        persist: bool,
        send: bool,
        show: bool,
        refuse: bool,
    },
    /// This many of the writes in progress end, the oldest first. The host reports only the newest
    /// of them to the gate.
    Written(usize),
    /// The host takes this many steps out of the gate whose effects may be visible.
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

/// A host, and what the test itself records to check the gate.
struct Host {
    driver: Driver<Puppet>,
    gate: Gate<Puppet>,
    /// The numbers of the steps whose writes are in progress.
    writing: Vec<u64>,
    /// The number of the newest step whose write has ended.
    written: u64,
    /// For each step, the number of the newest step with a write, up to and including this step:
    /// the outputs of the step depend on that write.
    depends_on: Vec<u64>,
    /// The numbers of all steps with visible effects, in order. The field `seen` has the numbers of
    /// those steps that became visible, in the order in which the gate returned them.
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
            depends_on: vec![0],
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
        let last = self.depends_on.last().copied().unwrap_or(0);
        if step.persist.is_some() {
            self.writing.push(number);
        }
        let wrote = step.persist.is_some();
        self.depends_on.push(if wrote { number } else { last });
        if refuse || !step.sends.is_empty() || step.view.is_some() {
            self.visible.push(number);
        }
        if let Some(step) = self.gate.pass(step) {
            self.see(&step);
        }
    }

    fn see(&mut self, step: &Step<Puppet>) {
        let depends_on = self.depends_on[usize::try_from(step.number).unwrap()];
        assert!(
            depends_on <= self.written,
            "step {} was seen, and the write of step {depends_on} is lost in a crash",
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
    // Writes must end before the visible effects of their steps, in every order of steps and
    // writes, and with a host that takes steps out of the gate late. No step is visible too early,
    // out of order, or twice, and every step becomes visible.
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
