use std::{
    panic::{self, AssertUnwindSafe},
    sync::Arc,
};

use elector_core::{
    ElectionAlgorithm, Input, Message as _, Outgoing, Process, TimerChange, View,
    host::{Host, Persist, carry_out},
    invariants::InvariantViolation,
};

use crate::{
    action::position,
    walk::{
        event::MessageId,
        machine::{Machine, Write},
        world::{Flying, World},
    },
};

/// The host of one node of a walk, by position. What others see of the node is held against the
/// promises.
pub(super) struct At<'a, A: ElectionAlgorithm> {
    pub(super) world: &'a mut World<A>,
    pub(super) node: usize,
}

impl<A: ElectionAlgorithm> Host<A> for At<'_, A> {
    fn process(&mut self) -> Option<&mut Process<A>> {
        let life = self.world.machines[self.node].life.as_mut();
        life.map(|life| &mut life.process)
    }

    fn persist(&mut self, step: u64, durable: A::Durable) -> Persist {
        self.world.machines[self.node].writes.push_back(Write {
            step,
            durable,
            plan: None,
        });
        Persist::Pending
    }

    fn change_timers(&mut self, changes: &[TimerChange<A::Timer>]) {
        for &change in changes {
            self.world.machines[self.node].order(change, self.world.now);
        }
    }

    fn send(&mut self, step: u64, out: Outgoing<A::Message>) {
        let Self { world, node } = self;
        let machine = &world.machines[*node];
        if let Some(pledge) = out.message.pledge(out.to) {
            let history = Arc::make_mut(&mut world.history);
            let breach = history.pledged(machine.members.me(), pledge).next();
            world.note(breach);
        }
        let (line, to) = (world.machines[*node].cause(step), position(out.to));
        // No other step has this line, and the messages of a step are sent in a row.
        let of_step = world.flying.iter().rev();
        let before = of_step.take_while(|sent| sent.id.line == line);
        let nth = before.filter(|sent| sent.to == to).count() + 1;
        world.flying.push(Flying {
            id: MessageId {
                line,
                nth: u16::try_from(nth).unwrap_or(u16::MAX),
            },
            from: *node,
            to,
            message: out.message,
            plan: None,
        });
    }

    fn publish(&mut self, _step: u64, view: View) {
        self.world.see(self.node, view);
    }
}

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
        let Some(life) = &mut machine.life else {
            return false;
        };
        life.causes.push(line);
        let process = &mut life.process;
        // What a panic leaves behind is thrown away.
        let stepped = panic::catch_unwind(AssertUnwindSafe(|| process.step(input, moment)));
        let breach = match stepped {
            Ok(Ok(step)) => {
                carry_out(&mut At { world: self, node }, step);
                return true;
            }
            Ok(Err(violation)) => InvariantViolation::Contract {
                node: me,
                violation,
            },
            Err(_) => InvariantViolation::Panicked { node: me },
        };
        self.broken = Some(breach.into());
        true
    }

    pub(super) fn see(&mut self, node: usize, view: View) {
        let me = self.machines[node].members.me();
        let breach = Arc::make_mut(&mut self.history).viewed(me, view).next();
        self.note(breach);
    }

    fn note(&mut self, breach: Option<InvariantViolation>) {
        if self.broken.is_none() {
            self.broken = breach.map(Into::into);
        }
    }

    pub(super) fn check_leases(&mut self) {
        let leading = |machine: &&Machine<A>| machine.view().is_some_and(|view| view.leads());
        if self.machines.iter().filter(leading).count() < 2 {
            return;
        }
        let (now, lease) = (self.now, self.lease);
        let holds = |machine: &&Machine<A>| {
            let end = machine.lease_end(lease);
            end.is_some_and(|end| machine.clock.local(now) < end)
        };
        let holders = self.machines.iter().filter(holds);
        let breach = self.history.leased(holders.map(|it| it.members.me()));
        self.note(breach);
    }
}
