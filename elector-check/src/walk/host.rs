use std::{
    panic::{self, AssertUnwindSafe},
    sync::Arc,
};

use elector_core::{
    ElectionAlgorithm, Input, Message as _, Outgoing, Process, TimerChange, View,
    host::{Host, Persist, carry_out},
    invariants::InvariantViolation,
    log::LogIndex,
};

use crate::{
    action::position,
    walk::{
        cluster::{Cluster, InFlight},
        event::MessageId,
        machine::{Machine, Write},
    },
};

/// The implementation of [`Host`] for one node of a random walk. It checks everything that other
/// nodes can see against the invariants.
pub(super) struct At<'a, A: ElectionAlgorithm> {
    pub(super) cluster: &'a mut Cluster<A>,
    pub(super) node: usize,
}

impl<A: ElectionAlgorithm> Host<A> for At<'_, A> {
    fn process(&mut self) -> Option<&mut Process<A>> {
        let life = self.cluster.machines[self.node].life.as_mut();
        life.map(|life| &mut life.process)
    }

    fn persist(&mut self, step: u64, durable: A::Durable) -> Persist {
        self.cluster.machines[self.node].writes.push_back(Write {
            step,
            durable,
            planned_at: None,
        });
        Persist::Pending
    }

    fn change_timers(&mut self, changes: &[TimerChange<A::Timer>]) {
        for &change in changes {
            self.cluster.machines[self.node].change_timer(change, self.cluster.now);
        }
    }

    fn send(&mut self, step: u64, out: Outgoing<A::Message>) {
        let Self { cluster, node } = self;
        let machine = &cluster.machines[*node];
        if let Some(pledge) = out.message.pledge(out.to) {
            let history = Arc::make_mut(&mut cluster.history);
            let violation = history.pledged(machine.members.me(), pledge).next();
            cluster.record_violation(violation);
        }
        let (line, to) = (cluster.machines[*node].cause(step), position(out.to));
        // Each step has its own line, and the messages of one step are sent directly one after the
        // other. So the last messages in flight are those that this step has already sent.
        let of_step = cluster.in_flight.iter().rev();
        let before = of_step.take_while(|sent| sent.id.line == line);
        let nth = before.filter(|sent| sent.to == to).count() + 1;
        cluster.in_flight.push(InFlight {
            id: MessageId {
                line,
                nth: u16::try_from(nth).unwrap_or(u16::MAX),
            },
            from: *node,
            to,
            message: out.message,
            planned_at: None,
        });
    }

    fn committed(&mut self, index: LogIndex) {
        let Self { cluster, node } = self;
        let machine = &cluster.machines[*node];
        let life = machine.life.as_ref();
        let log = life.and_then(|life| life.process.driver().algorithm().log());
        let violation = log.and_then(|log| {
            let history = Arc::make_mut(&mut cluster.history);
            history.committed(machine.members.me(), index, log)
        });
        cluster.record_violation(violation);
    }

    fn publish(&mut self, _step: u64, view: View) {
        self.cluster.record_view(self.node, view);
    }
}

impl<A: ElectionAlgorithm> Cluster<A> {
    pub(super) fn at(&mut self, node: usize) -> At<'_, A> {
        let cluster = self;
        At { cluster, node }
    }

    /// Gives an input to a node. Returns `false` if the process of the node does not run.
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
        // A walk ends when the algorithm panics, so it does not matter in which state the panic
        // leaves the process.
        let stepped = panic::catch_unwind(AssertUnwindSafe(|| process.step(input, moment)));
        let violation = match stepped {
            Ok(Ok(step)) => {
                carry_out(&mut self.at(node), step);
                return true;
            }
            Ok(Err(violation)) => InvariantViolation::Contract {
                node: me,
                violation: *violation,
            },
            Err(_) => InvariantViolation::Panicked { node: me },
        };
        self.violation = Some(violation.into());
        true
    }

    pub(super) fn record_view(&mut self, node: usize, view: View) {
        let me = self.machines[node].members.me();
        let violation = Arc::make_mut(&mut self.history).viewed(me, view).next();
        self.record_violation(violation);
    }

    fn record_violation(&mut self, violation: Option<InvariantViolation>) {
        if self.violation.is_none() {
            self.violation = violation.map(Into::into);
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
        let violation = self.history.leased(holders.map(|it| it.members.me()));
        self.record_violation(violation);
    }
}
