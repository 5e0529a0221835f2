use elector_core::{ElectionAlgorithm, Message as _, Purpose};

use crate::{
    action::id,
    walk::{
        adversary::{Adversary, NEVER},
        world::World,
    },
};

/// The most messages that are held; the oldest are lost first.
const MOST_HELD: usize = 64;

/// Message kinds fall into eight groups, so that a walk can pick one without knowing their names.
fn kind_of(name: &str) -> u8 {
    let sum = name
        .bytes()
        .fold(7_u8, |sum, byte| sum.wrapping_mul(31) ^ byte);
    sum % 8
}

/// How the adversary gives each message, write and timer its moment.
impl Adversary {
    /// Gives everything that is new its moment.
    pub(super) fn plan<A: ElectionAlgorithm>(&mut self, world: &mut World<A>) {
        let now = world.now;
        let mut place = world.flying.len();
        while let Some(last) = place.checked_sub(1)
            && world.flying[last].plan.is_none()
        {
            place = last;
        }
        let mut spoken = None;
        while place < world.flying.len() {
            let flying = &world.flying[place];
            let (from, to) = (flying.from, flying.to);
            let binds = flying.message.pledge(id(to)).is_some()
                || flying.message.purpose() == Purpose::Liveness && world.leader() != Some(from);
            spoken = spoken.or(binds.then_some(from));
            let kind = kind_of(flying.message.kind());
            match self.fate((from, to), kind, now) {
                Some(at) => {
                    world.flying[place].plan = Some(at);
                    place += 1;
                }
                None => world.retire(place),
            }
        }
        if let Some(node) = spoken
            && self.chance(self.profile.crash_after_word)
        {
            self.crash_soon(node, now);
        }
        let held = world
            .flying
            .iter()
            .filter(|it| it.plan == Some(NEVER))
            .count();
        if held > MOST_HELD {
            let oldest = world.flying.iter().position(|it| it.plan == Some(NEVER));
            if let Some(place) = oldest {
                world.retire(place);
            }
        }
        self.plan_machines(world, now);
    }

    /// When a message arrives; `None` if it is lost.
    fn fate(&mut self, (from, to): (usize, usize), kind: u8, now: u64) -> Option<u64> {
        let link = self.links[from * self.frozen.len() + to];
        let slowed = if link.until > now { link.delay } else { 0 };
        if slowed == NEVER || self.chance(self.profile.lost) {
            return None;
        }
        let is_held = kind == self.profile.held_kind && self.chance(self.profile.held_of_kind);
        if is_held || self.chance(self.profile.held) {
            return Some(NEVER);
        }
        let mut flight = self.between(self.profile.flight) + slowed;
        if self.chance(self.profile.late) {
            flight += self.between((0, self.profile.late_by));
        }
        Some(self.on_grid(now + flight))
    }

    fn plan_machines<A: ElectionAlgorithm>(&mut self, world: &mut World<A>, now: u64) {
        for machine in &mut world.machines {
            let mut after = now;
            for write in &mut machine.writes {
                let plan = write.plan.unwrap_or_else(|| {
                    let takes = self.between(self.profile.write);
                    self.on_grid(after + takes)
                });
                // The disk writes one after the other.
                after = after.max(plan);
                write.plan = Some(plan);
            }
            let clock = machine.clock;
            for timer in machine.life.iter_mut().flat_map(|life| &mut life.timers) {
                if timer.plan.is_some() {
                    continue;
                }
                let mut local = timer.due;
                if !self.chance(self.profile.early_timers) {
                    local += self.between((0, timer.spread));
                }
                let left = local.saturating_sub(clock.local(now));
                let mut at = now + clock.true_span(left);
                if timer.spread + left > 0 && self.chance(self.profile.slow_timers) {
                    at += self.between((0, self.profile.late_by));
                }
                timer.plan = Some(self.on_grid(at));
            }
        }
    }
}
