use elector_core::{Delay, nanos};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};

/// The random numbers of a run: a `ChaCha8` stream that a 64-bit seed determines. A run takes all
/// its random numbers in the order of its events, so the seed determines the run.
#[derive(Clone, Debug)]
pub struct Rng(ChaCha8Rng);

impl Rng {
    /// Creates the stream of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Creates a second stream of this seed, which is independent of the stream of
    /// [`new`](Self::new). A draw from one stream does not change the draws from the other stream.
    pub(crate) fn second_stream(seed: u64) -> Self {
        let mut stream = ChaCha8Rng::seed_from_u64(seed);
        stream.set_stream(1);
        Self(stream)
    }

    /// Draws uniformly from `0..bound`. Returns 0 if `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // The multiply-shift method. The probability of a result differs from the exact one by less
        // than bound / 2^64, which is far too little to have an effect on a run.
        let wide = u128::from(self.0.next_u64()) * u128::from(bound);
        (wide >> 64) as u64
    }

    /// Draws uniformly from `min..=max`. Returns `min` if `max` is not larger than `min`.
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

    /// Returns `true` with this probability. For the probability 0 this method draws no number, so
    /// that a fault that is not used does not change the other draws of the run.
    pub fn chance(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.unit() < probability
    }

    /// Draws from the exponential distribution with this mean.
    pub fn exponential(&mut self, mean: u64) -> u64 {
        let draw = -(1.0 - self.unit()).ln() * mean as f64;
        draw as u64
    }

    /// Draws how long a timer runs, uniformly between the bounds of `delay`, in nanoseconds.
    pub(crate) fn delay(&mut self, delay: Delay) -> u64 {
        self.between(nanos(delay.min), nanos(delay.max))
    }
}
