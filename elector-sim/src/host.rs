use elector_core::{
    ElectionAlgorithm, Outgoing, Process, Step, TimerOrder, View,
    host::{Host, Persist},
    promises::Breach,
    trace::Event,
};

use crate::Simulation;

/// The host of one node, by position. Most invariants are checked here.
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

    fn order(&mut self, orders: &[TimerOrder<A::Timer>]) {
        for &order in orders {
            self.simulation.order(self.node, order);
        }
    }

    fn reveal(&mut self, step: &Step<A>) {
        let Self { simulation, node } = self;
        let machine = &simulation.machines[*node];
        // What the disk holds is known here independently of the gate that is to keep this.
        if step.needs > machine.disk.number {
            let early = Breach::SeenTooEarly {
                node: machine.id(),
                step: step.number,
                needs: step.needs,
            };
            simulation.broken([early]);
        }
        if let Some(view) = step.view {
            // Before the sends: a step that ends the agreement pays for the election it begins.
            let (now, links) = (simulation.now, &simulation.links);
            simulation.observer.viewed(*node, view, now, links);
        }
    }

    fn send(&mut self, step: u64, out: Outgoing<A::Message>) {
        self.simulation.send(self.node, step, out);
    }

    fn publish(&mut self, _step: u64, view: View) {
        let id = self.simulation.machines[self.node].id();
        let broken = self.simulation.invariants.history.viewed(id, view);
        self.simulation.broken(broken);
    }

    fn traces(&self) -> bool {
        self.simulation.setup.trace
    }

    fn record(&mut self, event: Event) {
        self.simulation.record(Some(self.node), || event);
    }
}
