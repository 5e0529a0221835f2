use elector_core::{ElectionAlgorithm, Message as _, Purpose};

use crate::{
    action::id,
    walk::{
        adversary::{Adversary, NEVER},
        cluster::Cluster,
    },
};

/// The maximum number of messages that the adversary holds back at a time. If there are more, the
/// oldest of them is lost.
const MAX_HELD: usize = 64;

/// Returns the group of a kind of messages, from 0 to 7: a hash of the name of the kind. So the
/// [`Profile`](crate::walk::profile::Profile) of an adversary can hold some kinds of messages back
/// without knowing their names.
fn kind_group(name: &str) -> u8 {
    let sum = name
        .bytes()
        .fold(7_u8, |sum, byte| sum.wrapping_mul(31) ^ byte);
    sum % 8
}

/// The methods that plan when each message arrives, each write ends and each timer elapses.
impl Adversary {
    /// Plans a moment for each message, write and timer that has none yet: when the message
    /// arrives, the write ends or the timer elapses.
    pub(super) fn assign_moments<A: ElectionAlgorithm>(&mut self, cluster: &mut Cluster<A>) {
        let now = cluster.now;
        let mut place = cluster.in_flight.len();
        while let Some(last) = place.checked_sub(1)
            && cluster.in_flight[last].planned_at.is_none()
        {
            place = last;
        }
        let mut bound = None;
        while place < cluster.in_flight.len() {
            let sent = &cluster.in_flight[place];
            let (from, to) = (sent.from, sent.to);
            let binds = sent.message.pledge(id(to)).is_some()
                || sent.message.purpose() == Purpose::Liveness && cluster.leader() != Some(from);
            bound = bound.or(binds.then_some(from));
            let kind = kind_group(sent.message.kind());
            match self.arrival((from, to), kind, now) {
                Some(at) => {
                    cluster.in_flight[place].planned_at = Some(at);
                    place += 1;
                }
                None => cluster.move_to_past(place),
            }
        }
        if let Some(node) = bound
            && self.chance(self.profile.crash_after_pledge)
        {
            self.crash_soon(node, now);
        }
        let held = cluster
            .in_flight
            .iter()
            .filter(|it| it.planned_at == Some(NEVER))
            .count();
        if held > MAX_HELD {
            let oldest = cluster
                .in_flight
                .iter()
                .position(|it| it.planned_at == Some(NEVER));
            if let Some(place) = oldest {
                cluster.move_to_past(place);
            }
        }
        self.assign_machine_moments(cluster, now);
    }

    /// Returns the moment at which a message arrives: `NEVER` if the adversary holds the message
    /// back, `None` if the message is lost.
    fn arrival(&mut self, (from, to): (usize, usize), kind: u8, now: u64) -> Option<u64> {
        let link = self.link_faults[from * self.paused_until.len() + to];
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

    fn assign_machine_moments<A: ElectionAlgorithm>(&mut self, cluster: &mut Cluster<A>, now: u64) {
        for machine in &mut cluster.machines {
            let mut after = now;
            for write in &mut machine.writes {
                let at = write.planned_at.unwrap_or_else(|| {
                    let takes = self.between(self.profile.write);
                    self.on_grid(after + takes)
                });
                // The disk carries out one write after the other, so this write ends after the one
                // before it.
                after = after.max(at);
                write.planned_at = Some(at);
            }
            let clock = machine.clock;
            for timer in machine.life.iter_mut().flat_map(|life| &mut life.timers) {
                if timer.planned_at.is_some() {
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
                timer.planned_at = Some(self.on_grid(at));
            }
        }
    }
}
