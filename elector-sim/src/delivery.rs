use elector_core::{
    ElectionAlgorithm, Message, Outgoing, Purpose,
    trace::{Event, Loss},
};

use crate::{
    Simulation,
    machine::{Machine, MachineEvent, Origin},
    message_faults::FaultEffect,
};

/// Methods that send and lose messages, and that check which nodes hold a lease.
impl<A: ElectionAlgorithm> Simulation<A> {
    pub(crate) fn send(&mut self, node: usize, step: u64, out: Outgoing<A::Message>) {
        self.next_message += 1;
        let id = self.next_message;
        if let Some(pledge) = out.message.pledge(out.to) {
            let me = self.machines[node].id();
            let violations = self.invariants.history.pledged(me, pledge);
            self.record_violations(violations);
        }
        let (purpose, bytes) = self.counts.record_sent(&out.message);
        if purpose == Purpose::Election {
            self.meter.election_message(bytes);
        }
        self.record(Some(node), || Event::sent(step, id, &out));
        let Some(to) = self.machines[0].members.position(out.to) else {
            return;
        };
        let cut = self.connectivity.is_cut(node, to);
        let effect = if cut {
            FaultEffect::default()
        } else {
            self.message_faults
                .apply((node, to), &out.message, &mut self.rng)
        };
        let network = &self.setup.network;
        let lost = if cut {
            Some(Loss::Cut)
        } else {
            let lost = effect.lost || self.rng.chance(network.loss);
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
        let arrival = |message, origin| MachineEvent::Arrived {
            from: node,
            id,
            message,
            origin,
        };
        if effect.duplicated || self.rng.chance(network.duplicate) {
            let flight = network.flight_ns(node, to, &mut self.rng);
            let at = self
                .now
                .saturating_add(flight.saturating_add(effect.copy_late));
            let copy = arrival(out.message.clone(), Origin::Network);
            self.queue.push(at, (to as u32, copy));
        }
        let at = self.now.saturating_add(flight.saturating_add(effect.late));
        let sent = arrival(out.message, Origin::Node);
        self.queue.push(at, (to as u32, sent));
    }

    /// Counts a message as lost, because it arrives at a node without a running process. A copy
    /// that the network made is not counted, but the trace shows its loss too.
    pub(crate) fn miss(&mut self, node: usize, id: u64, message: &A::Message, origin: Origin) {
        let (to, why) = (self.machines[node].id(), Loss::Dead);
        if origin == Origin::Node {
            self.counts.record_lost(message, why);
        }
        self.record(Some(node), || Event::Lost { id, to, why });
    }

    pub(crate) fn check_leases(&mut self) {
        let known = self.violations().len();
        let Self {
            meter,
            machines,
            invariants,
            now,
            ..
        } = self;
        if meter.believers() < 2 {
            return invariants.leased([], *now);
        }
        let believing = meter.believing().map(|node| &machines[node]);
        let holders = believing.filter(|machine| machine.holds_lease(*now));
        invariants.leased(holders.map(Machine::id), *now);
        self.trace_violations(known);
    }
}
