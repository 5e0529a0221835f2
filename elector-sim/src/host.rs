use elector_core::{
    ElectionAlgorithm, Outgoing, Process, Step, TimerChange, View,
    host::{Host, Persist},
    invariants::InvariantViolation,
    log::LogIndex,
    trace::EventOf,
};

use crate::Simulation;

/// The implementation of [`Host`] for the node at the position `node`. It carries out the steps of
/// the node in the simulation, and it checks most invariants.
pub(crate) struct At<'a, A: ElectionAlgorithm> {
    pub(crate) simulation: &'a mut Simulation<A>,
    pub(crate) node: usize,
}

impl<A: ElectionAlgorithm> Host<A> for At<'_, A> {
    fn process(&mut self) -> Option<&mut Process<A>> {
        self.simulation.machines[self.node].process.as_mut()
    }

    fn persist(&mut self, step: u64, durable: A::Durable) -> Persist {
        self.simulation.write(self.node, step, durable);
        if self.simulation.setup.gate {
            Persist::Pending
        } else {
            Persist::Done
        }
    }

    fn change_timers(&mut self, changes: &[TimerChange<A::Timer>]) {
        for &change in changes {
            self.simulation.change_timer(self.node, change);
        }
    }

    fn reveal(&mut self, step: &Step<A>) {
        let Self { simulation, node } = self;
        let machine = &simulation.machines[*node];
        // The gate, which holds back what a step shows until earlier writes are durable, has let
        // this step pass. So all writes that the step depends on must be durable. The check
        // compares the step with the disk itself. So it also finds a mistake in the gate.
        if step.needs > machine.disk.number {
            let early = InvariantViolation::SeenTooEarly {
                node: machine.id(),
                step: step.number,
                needs: step.needs,
            };
            simulation.record_violations([early]);
        }
        if let Some(view) = step.view {
            // The meter, which measures elections, gets the view before the messages of the step
            // are sent. If this view ends the agreement on a leader, an election begins with this
            // step, and the messages of the step count for that election.
            let (now, connectivity) = (simulation.now, &simulation.connectivity);
            simulation.meter.viewed(*node, view, now, connectivity);
        }
    }

    fn send(&mut self, step: u64, out: Outgoing<A::Message>) {
        self.simulation.send(self.node, step, out);
    }

    fn committed(&mut self, index: LogIndex) {
        let Self { simulation, node } = self;
        let machine = &simulation.machines[*node];
        let process = machine.process.as_ref();
        let violation = process
            .and_then(|process| process.driver().algorithm().log())
            .and_then(|log| {
                let history = &mut simulation.invariants.history;
                history.committed(machine.id(), index, log)
            });
        simulation.record_violations(violation);
    }

    fn publish(&mut self, _step: u64, view: View) {
        let id = self.simulation.machines[self.node].id();
        let violations = self.simulation.invariants.history.viewed(id, view);
        self.simulation.record_violations(violations);
    }

    fn traces(&self) -> bool {
        self.simulation.setup.trace
    }

    fn record(&mut self, event: EventOf<A>) {
        self.simulation.record(Some(self.node), || event);
    }
}
