use elector_core::ElectionAlgorithm;
use fastrand::Rng;

use crate::walk::{
    adversary::{Adversary, Deed, EAGER, NEVER},
    world::World,
};

/// What can happen next, by its place in the world.
#[derive(Clone, Copy)]
pub(super) enum Next {
    Message(usize),
    Timer(usize, usize),
    Write(usize),
    Deed(usize),
    Move,
    Wait(u64),
}

/// How the adversary chooses what happens next.
impl Adversary {
    /// One of all that can happen now, or a wait.
    pub(super) fn drawn<A: ElectionAlgorithm>(&mut self, world: &World<A>, waits: u32) -> Next {
        let now = world.now;
        if self.next_move <= now {
            return Next::Move;
        }
        let due = |&(at, _): &(u64, Deed)| at <= now;
        if let Some(place) = self.agenda.iter().position(due) {
            return Next::Deed(place);
        }
        let nodes = world.machines.len();
        let (mut total, mut chosen) = (waits, None);
        let mut consider = |rng: &mut Rng, weight: u32, next: Next| {
            total += weight;
            if weight > 0 && rng.u32(..total) < weight {
                chosen = Some(next);
            }
        };
        for (place, flying) in world.flying.iter().enumerate() {
            let frozen = self.frozen[flying.to] > now || flying.plan == Some(NEVER);
            let weight = self.eager[flying.from * nodes + flying.to];
            let weight = if frozen { 0 } else { weight };
            consider(&mut self.rng, weight, Next::Message(place));
        }
        let mut wait = self.next_move - now;
        for (node, machine) in world.machines.iter().enumerate() {
            if !machine.writes.is_empty() {
                consider(&mut self.rng, EAGER, Next::Write(node));
            }
            let local = machine.clock.local(now);
            for (place, timer) in world.timers(node).iter().enumerate() {
                if timer.due > local {
                    wait = wait.min(machine.clock.true_span(timer.due - local));
                } else if self.frozen[node] <= now {
                    consider(&mut self.rng, EAGER, Next::Timer(node, place));
                }
            }
        }
        chosen.unwrap_or_else(|| {
            let step = self.rng.u64(1..=self.profile.pace.max(2));
            Next::Wait(wait.min(step).max(1))
        })
    }

    /// What comes first; of several at one moment, one at random.
    pub(super) fn earliest<A: ElectionAlgorithm>(&mut self, world: &World<A>) -> Next {
        let mut best = (self.next_move, Next::Move);
        let mut ties = 1;
        let mut consider = |rng: &mut Rng, at: u64, next: Next| {
            // What is due already is as good as due now.
            let (at, least) = (at.max(world.now), best.0.max(world.now));
            if at < least {
                ties = 1;
                best = (at, next);
            } else if at == least && at != NEVER {
                ties += 1;
                if rng.u32(..ties) == 0 {
                    best = (at, next);
                }
            }
        };
        for (place, flying) in world.flying.iter().enumerate() {
            let at = flying.plan.unwrap_or(NEVER).max(self.frozen[flying.to]);
            consider(&mut self.rng, at, Next::Message(place));
        }
        for (node, machine) in world.machines.iter().enumerate() {
            if let Some(write) = machine.writes.front() {
                consider(
                    &mut self.rng,
                    write.plan.unwrap_or(NEVER),
                    Next::Write(node),
                );
            }
            for (place, timer) in world.timers(node).iter().enumerate() {
                let at = timer.plan.unwrap_or(NEVER).max(self.frozen[node]);
                consider(&mut self.rng, at, Next::Timer(node, place));
            }
        }
        for (place, &(at, _)) in self.agenda.iter().enumerate() {
            consider(&mut self.rng, at, Next::Deed(place));
        }
        let (at, next) = best;
        if at > world.now {
            return Next::Wait(at - world.now);
        }
        next
    }
}
