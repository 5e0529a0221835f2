use elector_core::{Configuration, Timing, nanos};
use fastrand::Rng;

use crate::walk::moves::Move;

/// The habits of the adversary of one walk. They are drawn at random once for each walk, so that
/// the adversary often combines rare events in some walks, and hardly disturbs the cluster in
/// others. Durations are in nanoseconds.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    /// The weight of a wait in the random choice of the next event, if the adversary draws each
    /// next event from all possible events. `None` if the adversary plans a moment for every event.
    pub(crate) drawn: Option<u32>,
    /// All planned moments are multiples of this duration. With a coarse grid many events have the
    /// same moment, and their order is random.
    pub(crate) grid: u64,
    /// The shortest and the longest time for which a message is in flight that is not late.
    pub(crate) flight: (u64, u64),
    /// The largest additional delay of a late message.
    pub(crate) late_by: u64,
    /// The share of messages that are late.
    pub(crate) late: f64,
    /// The share of messages that the adversary holds back until something changes at their
    /// receiver.
    pub(crate) held: f64,
    /// The share of the messages of the group `held_kind` that the adversary holds back, in
    /// addition to the share `held` of all messages.
    pub(crate) held_of_kind: f64,
    pub(crate) held_kind: u8,
    /// The share of messages that are lost.
    pub(crate) lost: f64,
    /// The probability that, when a message would arrive, a message arrives instead that has
    /// arrived before or was lost.
    pub(crate) repeated: f64,
    /// The share of the messages held back for a node that the adversary delivers when something
    /// changes at this node.
    pub(crate) released: f64,
    /// The shortest and the longest time that a write takes.
    pub(crate) write: (u64, u64),
    /// The share of timers that elapse late.
    pub(crate) slow_timers: f64,
    /// The share of timers that elapse as early as they may.
    pub(crate) early_timers: f64,
    /// The share of steps with a pledge or an acknowledgement after which the node crashes.
    pub(crate) crash_after_pledge: f64,
    /// The mean time between two moves, which are the disturbances of the adversary.
    pub(crate) pace: u64,
    /// The weight of each move in the random choice, in the order of [`Move::ALL`].
    pub(crate) weights: [u32; Move::ALL.len()],
    /// `election_min`: the fixed first part of the election timeout.
    pub(crate) vigil: u64,
    /// The random second part of the election timeout.
    pub(crate) stagger: u64,
    /// The number of rushes in the walk: see [`Rush`](crate::walk::rush::Rush).
    pub(crate) rushes: u32,
    /// The number of random continuations that each [`Rush`](crate::walk::rush::Rush) tries.
    pub(crate) rush_tries: u32,
    /// How long the adversary disturbs the cluster.
    pub(crate) horizon: u64,
    /// The largest deviation of the rate of a clock, in thousandths of the true rate.
    pub(crate) drift: u64,
}

impl Profile {
    /// Draws a random profile. Its durations are multiples or parts of the algorithm's own
    /// durations.
    pub(crate) fn draw(config: &impl Configuration, rng: &mut Rng) -> Self {
        let timing = config.timing();
        let vigil = nanos(timing.election_min);
        let round = nanos(timing.round_trip);
        let flight = [
            (0, 0),
            (round / 50, round / 10),
            (round / 10, round / 2),
            (round / 10, round * 3),
            (0, vigil),
        ];
        // A walk has only a few kinds of moves (disturbances of the cluster), because many kinds
        // would cancel each other out (Groce and others, "Swarm Testing", 2012).
        let mut weights = [0; Move::ALL.len()];
        for _ in 0..rng.usize(1..=4) {
            weights[rng.usize(..weights.len())] = rng.u32(1..=4);
        }
        if rng.bool() {
            weights[Move::Isolate as usize] += 4;
        }
        Self {
            drawn: rng.bool().then(|| [4, 16, 64, 256][rng.usize(..4)]),
            grid: [1, 1, round / 20, round / 2, vigil / 3][rng.usize(..5)].max(1),
            flight: flight[[0, 1, 1, 1, 2, 2, 3, 4][rng.usize(..8)]],
            late_by: [round * 5, vigil, vigil * 3, vigil * 8][rng.usize(..4)],
            late: share(rng, [0.0, 0.0, 0.05, 0.2]),
            held: share(rng, [0.0, 0.0, 0.05, 0.2]),
            held_of_kind: share(rng, [0.0, 0.3, 0.6, 0.9]),
            held_kind: rng.u8(..8),
            lost: share(rng, [0.0, 0.0, 0.05, 0.2]),
            repeated: share(rng, [0.0, 0.0, 0.05, 0.2]),
            released: share(rng, [0.1, 0.3, 0.6, 0.9]),
            write: [
                (0, 0),
                (round / 100, round / 20),
                (0, round * 2),
                (0, vigil),
            ][[0, 1, 1, 2, 3][rng.usize(..5)]],
            slow_timers: share(rng, [0.0, 0.0, 0.1, 0.4]),
            early_timers: share(rng, [0.0, 0.2, 0.6, 1.0]),
            crash_after_pledge: share(rng, [0.0, 0.0, 0.01, 0.06]),
            pace: [round, vigil / 3, vigil, vigil * 3][rng.usize(..4)],
            weights,
            vigil,
            stagger: nanos(timing.stagger(0).max),
            rushes: [0, 2, 4, 8][rng.usize(..4)],
            rush_tries: [4, 8, 16, 32][rng.usize(..4)],
            horizon: vigil * [4, 5, 6, 10][rng.usize(..4)],
            drift: if rng.bool() { margin(timing) } else { 0 },
        }
    }
}

fn share(rng: &mut Rng, shares: [f64; 4]) -> f64 {
    shares[rng.usize(..4)]
}

/// Returns how far the rate of each of two clocks may differ from the true rate, in thousandths of
/// the true rate. Up to this limit, the time `election_min`, in which a voter supports no other
/// node, is on one clock not shorter than a lease on the other clock.
fn margin(timing: &Timing) -> u64 {
    let ratio = timing.election_min.as_secs_f64() / timing.lease.as_secs_f64();
    // One clock is slow by m and the other fast by m. Then (1 + m) / (1 - m) must not exceed the
    // ratio of `election_min` to the lease.
    let margin = (ratio - 1.0) / (ratio + 1.0);
    (margin * 1000.0).floor().clamp(0.0, 300.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    // If the rates of two clocks differ by more than the margin, leases overlap although the
    // algorithm has no flaw. Walks would report this as a violation.
    #[test]
    fn two_clocks_at_the_margin_keep_the_lease_within_the_silence() {
        for timing in [Timing::default(), Timing::lan()] {
            let margin = margin(&timing) as f64 / 1000.0;
            let lease = timing.lease.as_secs_f64() / (1.0 - margin);
            let silence = timing.election_min.as_secs_f64() / (1.0 + margin);
            assert!(lease <= silence, "{timing:?}: {lease} > {silence}");
            assert!(margin > 0.05, "{timing:?}: {margin}");
        }
    }
}
