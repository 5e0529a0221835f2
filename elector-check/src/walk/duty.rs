//! A host's duty in a walk: what a step of an algorithm asks for is carried out, in order, and what
//! others see of it is held against the promises.

use std::panic::{self, AssertUnwindSafe};

use elector_core::{ElectionAlgorithm, Input, Message as _, Step, View};

use crate::{
    action::position,
    breach::Breach,
    walk::{
        event::MessageId,
        machine::{Machine, Write},
        promises::{Broken, Promises},
        world::{Flying, World},
    },
};

impl<A: ElectionAlgorithm> World<A> {
    /// Gives an input to a process that runs.
    pub(super) fn feed(
        &mut self,
        line: u32,
        node: usize,
        input: Input<A::Message, A::Timer>,
    ) -> bool {
        let machine = &mut self.machines[node];
        let moment = machine.moment(self.now);
        let me = machine.members.me();
        let Some(process) = &mut machine.process else {
            return false;
        };
        process.causes.push(line);
        let driver = &mut process.driver;
        // What a panic leaves behind is thrown away.
        let stepped = panic::catch_unwind(AssertUnwindSafe(|| driver.step(input, moment)));
        let breach = match stepped {
            Ok(Ok(step)) => {
                self.carry_out(line, node, step);
                return true;
            }
            Ok(Err(violation)) => Breach::Contract {
                node: me,
                violation,
            },
            Err(_) => Breach::Panicked { node: me },
        };
        self.broken = Some(breach.into());
        true
    }

    /// The host's duty, in order: persist, timers, then what the gate lets through.
    fn carry_out(&mut self, line: u32, node: usize, mut step: Box<Step<A>>) {
        let machine = &mut self.machines[node];
        if let Some(durable) = step.persist.take() {
            machine.writes.push_back(Write {
                step: step.number,
                durable,
                plan: None,
            });
        }
        for order in step.timers.drain(..) {
            machine.order(order, line, self.now);
        }
        let process = machine.process.as_mut();
        if let Some(step) = process.and_then(|process| process.gate.pass(step)) {
            self.show(node, step);
        }
    }

    pub(super) fn show(&mut self, node: usize, mut step: Box<Step<A>>) {
        let Some(process) = &self.machines[node].process else {
            return;
        };
        let number = usize::try_from(step.number).unwrap_or(usize::MAX);
        let line = process.causes.get(number - 1).copied().unwrap_or_default();
        let me = self.machines[node].members.me();
        let first = self.flying.len();
        for out in step.sends.drain(..) {
            if let Some(pledge) = out.message.pledge(out.to) {
                self.note(|promises| promises.pledged(me, pledge));
            }
            let to = position(out.to);
            let before = self.flying[first..].iter().filter(|sent| sent.to == to);
            let nth = u16::try_from(before.count() + 1).unwrap_or(u16::MAX);
            self.flying.push(Flying {
                id: MessageId { line, nth },
                from: node,
                to,
                message: out.message,
                plan: None,
            });
        }
        if let Some(view) = step.view {
            self.machines[node].view = Some(view);
            self.see(node, view);
        }
        if let Some(process) = &mut self.machines[node].process {
            process.driver.recycle(step);
        }
    }

    pub(super) fn see(&mut self, node: usize, view: View) {
        let machine = &mut self.machines[node];
        let (me, shown) = (machine.members.me(), machine.shown);
        machine.shown = shown.max(view.epoch);
        self.note(|promises| promises.viewed(me, view, shown));
    }

    fn note(&mut self, look: impl FnOnce(&mut Promises) -> Option<Broken>) {
        let seen = look(&mut self.promises);
        if self.broken.is_none() {
            self.broken = seen;
        }
    }

    pub(super) fn check_leases(&mut self) {
        let leading = |machine: &&Machine<A>| machine.view.is_some_and(|view| view.leads());
        if self.machines.iter().filter(leading).count() < 2 {
            return;
        }
        let (now, lease) = (self.now, self.lease);
        let holds = |machine: &&Machine<A>| {
            let end = machine.lease_end(lease);
            end.is_some_and(|end| machine.clock.local(now) < end)
        };
        let mut holders = self.machines.iter().filter(holds);
        if let (Some(first), Some(second)) = (holders.next(), holders.next()) {
            let pair = (first.members.me(), second.members.me());
            self.note(|promises| promises.two_leases(pair));
        }
    }
}
