use elector_core::ElectionAlgorithm;
use fastrand::Rng;

use crate::walk::{
    adversary::{Adversary, NEVER, NORMAL_WEIGHT, Planned},
    cluster::Cluster,
};

/// A possible next event of a walk. A message, a write, a timer (with its node) and a planned event
/// are given by their index in the cluster or in the plan of the adversary. `Move` means that the
/// adversary disturbs the cluster. The value of `Wait` is a duration in nanoseconds.
#[derive(Clone, Copy)]
pub(super) enum Next {
    Message(usize),
    Timer(usize, usize),
    Write(usize),
    Planned(usize),
    Move,
    Wait(u64),
}

/// The methods that choose the next event of a random walk.
impl Adversary {
    /// Draws one of the events that are possible now, or a wait. `waits` is the weight of a wait in
    /// this random choice.
    pub(super) fn drawn<A: ElectionAlgorithm>(&mut self, cluster: &Cluster<A>, waits: u32) -> Next {
        let now = cluster.now;
        if self.next_move <= now {
            return Next::Move;
        }
        let due = |&(at, _): &(u64, Planned)| at <= now;
        if let Some(place) = self.plan.iter().position(due) {
            return Next::Planned(place);
        }
        let nodes = cluster.machines.len();
        let (mut total, mut chosen) = (waits, None);
        let mut consider = |rng: &mut Rng, weight: u32, next: Next| {
            total += weight;
            if weight > 0 && rng.u32(..total) < weight {
                chosen = Some(next);
            }
        };
        for (place, sent) in cluster.in_flight.iter().enumerate() {
            let is_blocked = self.paused_until[sent.to] > now || sent.planned_at == Some(NEVER);
            let weight = self.link_weights[sent.from * nodes + sent.to];
            let weight = if is_blocked { 0 } else { weight };
            consider(&mut self.rng, weight, Next::Message(place));
        }
        let mut wait = self.next_move - now;
        for (node, machine) in cluster.machines.iter().enumerate() {
            if !machine.writes.is_empty() {
                consider(&mut self.rng, NORMAL_WEIGHT, Next::Write(node));
            }
            let local = machine.clock.local(now);
            for (place, timer) in cluster.timers(node).iter().enumerate() {
                if timer.due > local {
                    wait = wait.min(machine.clock.true_span(timer.due - local));
                } else if self.paused_until[node] <= now {
                    consider(&mut self.rng, NORMAL_WEIGHT, Next::Timer(node, place));
                }
            }
        }
        chosen.unwrap_or_else(|| {
            let step = self.rng.u64(1..=self.profile.pace.max(2));
            Next::Wait(wait.min(step).max(1))
        })
    }

    /// Returns the event with the earliest planned moment, or a wait until that moment. If several
    /// events have the same moment, draws one of them.
    pub(super) fn earliest<A: ElectionAlgorithm>(&mut self, cluster: &Cluster<A>) -> Next {
        let mut best = (self.next_move, Next::Move);
        let mut ties = 1;
        let mut consider = |rng: &mut Rng, at: u64, next: Next| {
            // An event whose planned moment has passed is treated as if it was planned for now.
            let (at, least) = (at.max(cluster.now), best.0.max(cluster.now));
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
        for (place, sent) in cluster.in_flight.iter().enumerate() {
            let at = sent
                .planned_at
                .unwrap_or(NEVER)
                .max(self.paused_until[sent.to]);
            consider(&mut self.rng, at, Next::Message(place));
        }
        for (node, machine) in cluster.machines.iter().enumerate() {
            if let Some(write) = machine.writes.front() {
                consider(
                    &mut self.rng,
                    write.planned_at.unwrap_or(NEVER),
                    Next::Write(node),
                );
            }
            for (place, timer) in cluster.timers(node).iter().enumerate() {
                let at = timer
                    .planned_at
                    .unwrap_or(NEVER)
                    .max(self.paused_until[node]);
                consider(&mut self.rng, at, Next::Timer(node, place));
            }
        }
        for (place, &(at, _)) in self.plan.iter().enumerate() {
            consider(&mut self.rng, at, Next::Planned(place));
        }
        let (at, next) = best;
        if at > cluster.now {
            return Next::Wait(at - cluster.now);
        }
        next
    }
}
