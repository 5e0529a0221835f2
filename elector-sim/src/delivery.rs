use elector_core::{
    ElectionAlgorithm, Message, Outgoing, Purpose, Step,
    trace::{Event, Loss},
};

use crate::{
    Simulation,
    invariants::{
        DurableBeforeSent, EpochMonotonic, ExclusiveLease, NoTenureTwice, OneLeaderPerEpoch,
        OnePledgePerEpoch, OneValuePerBallot,
    },
    machine::Happening,
    rules::Struck,
};

/// What the world sees of a step: where most invariants are checked, and all messages counted.
impl<A: ElectionAlgorithm> Simulation<A> {
    /// Lets the world see a step.
    pub(crate) fn show(&mut self, node: usize, mut step: Box<Step<A>>) {
        let id = self.machines[node].id();
        let durable = self.machines[node].disk.number;
        if step.needs > durable {
            let seen = DurableBeforeSent::shown(id, step.number, step.needs, durable);
            self.invariants
                .note(DurableBeforeSent::NAME, self.now, seen);
        }
        if let Some(view) = step.view {
            // Before the sends: a step that ends the agreement pays for the election it begins.
            self.observer.viewed(node, view, self.now, &self.links);
        }
        for out in step.sends.drain(..) {
            self.send(node, step.number, out);
        }
        if let Some(view) = step.view {
            let seen = self.invariants.one_leader.viewed(id, view);
            self.invariants
                .note(OneLeaderPerEpoch::NAME, self.now, seen);
            let seen = self.invariants.epoch.shown(id, view.epoch);
            self.invariants.note(EpochMonotonic::NAME, self.now, seen);
            let seen = self.invariants.tenure.viewed(id, view);
            self.invariants.note(NoTenureTwice::NAME, self.now, seen);
            self.record(Some(node), || Event::Viewed {
                step: step.number,
                view,
            });
        }
        if let Some(reason) = step.refusal {
            let (step, reason) = (step.number, reason.to_string());
            self.record(Some(node), || Event::Refused { step, reason });
        }
        if let Some(process) = &mut self.machines[node].process {
            process.driver.recycle(step);
        }
    }

    fn send(&mut self, node: usize, step: u64, out: Outgoing<A::Message>) {
        self.next_message += 1;
        let id = self.next_message;
        if let Some(pledge) = out.message.pledge(out.to) {
            let me = self.machines[node].id();
            let seen = self.invariants.one_pledge.pledged(me, pledge);
            self.invariants
                .note(OnePledgePerEpoch::NAME, self.now, seen);
            let seen = self.invariants.one_value.pledged(me, pledge);
            self.invariants
                .note(OneValuePerBallot::NAME, self.now, seen);
        }
        let (purpose, bytes) = self.counts.record_sent(&out.message);
        if purpose == Purpose::Election {
            self.observer.election_message(bytes);
        }
        self.record(Some(node), || Event::sent(step, id, &out));
        let Some(to) = self.machines[0].members.position(out.to) else {
            return;
        };
        let cut = self.links.is_cut(node, to);
        let struck = if cut {
            Struck::default()
        } else {
            self.rules.strike((node, to), &out.message, &mut self.rng)
        };
        let network = &self.setup.network;
        let lost = if cut {
            Some(Loss::Cut)
        } else {
            let lost = struck.lost || self.rng.chance(network.loss);
            lost.then_some(Loss::Chance)
        };
        if let Some(why) = lost {
            self.counts.record_lost(&out.message, why);
            return self.record(Some(node), || Event::Lost {
                id,
                to: out.to,
                why,
            });
        }
        let flight = network.flight_ns(node, to, &mut self.rng);
        let arrival = |message, copy| Happening::Arrived {
            from: node,
            id,
            message,
            copy,
        };
        if struck.duplicated || self.rng.chance(network.duplicate) {
            let flight = network.flight_ns(node, to, &mut self.rng);
            let at = self
                .now
                .saturating_add(flight.saturating_add(struck.copy_late));
            let copy = arrival(out.message.clone(), true);
            self.queue.push(at, (to as u32, copy));
        }
        let at = self.now.saturating_add(flight.saturating_add(struck.late));
        self.queue
            .push(at, (to as u32, arrival(out.message, false)));
    }

    /// A message arrives where nobody runs. A copy that the network made was never sent, so it is
    /// not one of those that were lost either.
    pub(crate) fn miss(&mut self, node: usize, id: u64, message: &A::Message, copy: bool) {
        let (to, why) = (self.machines[node].id(), Loss::Dead);
        if !copy {
            self.counts.record_lost(message, why);
        }
        self.record(Some(node), || Event::Lost { id, to, why });
    }

    pub(crate) fn check_leases(&mut self) {
        let mut holders = std::mem::take(&mut self.holders);
        holders.clear();
        for node in self.observer.believing() {
            let machine = &self.machines[node];
            if machine.holds_lease(&self.setup.config, self.now) {
                holders.push(machine.id());
            }
        }
        let seen = self.invariants.lease.held(&holders);
        self.invariants.note(ExclusiveLease::NAME, self.now, seen);
        self.holders = holders;
    }
}
