use elector_core::{Delay, nanos};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};

/// The one source of chance of a run: a `ChaCha8` stream named by a 64-bit seed. Every draw comes
/// from here in the order of events, so the seed is the run.
#[derive(Clone, Debug)]
pub struct Rng(ChaCha8Rng);

impl Rng {
    /// The stream of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Another stream of this seed, which takes nothing from the first.
    pub(crate) fn beside(seed: u64) -> Self {
        let mut stream = ChaCha8Rng::seed_from_u64(seed);
        stream.set_stream(1);
        Self(stream)
    }

    /// Uniform in `0..bound`; 0 if `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // Multiply-shift: its bias is below bound / 2^64, far under what any run can show.
        let wide = u128::from(self.0.next_u64()) * u128::from(bound);
        (wide >> 64) as u64
    }

    /// Uniform in `min..=max`, in nanoseconds.
    pub fn between(&mut self, min: u64, max: u64) -> u64 {
        if max <= min {
            return min;
        }
        min + self.below((max - min).saturating_add(1))
    }

    /// Uniform in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with this probability. Draws nothing for 0, so that an unused fault costs nothing.
    pub fn chance(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.unit() < probability
    }

    /// Exponentially distributed with this mean.
    pub fn exponential(&mut self, mean: u64) -> u64 {
        let draw = -(1.0 - self.unit()).ln() * mean as f64;
        draw as u64
    }

    /// How long a timer runs.
    pub(crate) fn delay(&mut self, delay: Delay) -> u64 {
        self.between(nanos(delay.min), nanos(delay.max))
    }
}
