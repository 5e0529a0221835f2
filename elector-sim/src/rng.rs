use elector_core::{Delay, nanos};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};

/// The only source of randomness of a run: a `ChaCha8` stream that a 64-bit seed names. All draws
/// come from it in the order of events, so the seed determines the run.
#[derive(Clone, Debug)]
pub struct Rng(ChaCha8Rng);

impl Rng {
    /// Creates the stream of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Creates another stream of this seed. Its draws do not change the draws of the first one.
    pub(crate) fn second_stream(seed: u64) -> Self {
        let mut stream = ChaCha8Rng::seed_from_u64(seed);
        stream.set_stream(1);
        Self(stream)
    }

    /// Draws uniformly from `0..bound`. Returns 0 if `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // Multiply-shift. Its bias is below bound / 2^64, far less than any run can show.
        let wide = u128::from(self.0.next_u64()) * u128::from(bound);
        (wide >> 64) as u64
    }

    /// Draws uniformly from `min..=max`, in nanoseconds.
    pub fn between(&mut self, min: u64, max: u64) -> u64 {
        if max <= min {
            return min;
        }
        min + self.below((max - min).saturating_add(1))
    }

    /// Draws uniformly from `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Returns `true` with this probability. Draws nothing for 0, so that an unused fault does not
    /// change the run.
    pub fn chance(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.unit() < probability
    }

    /// Draws from the exponential distribution with this mean.
    pub fn exponential(&mut self, mean: u64) -> u64 {
        let draw = -(1.0 - self.unit()).ln() * mean as f64;
        draw as u64
    }

    /// Draws how long a timer runs.
    pub(crate) fn delay(&mut self, delay: Delay) -> u64 {
        self.between(nanos(delay.min), nanos(delay.max))
    }
}
