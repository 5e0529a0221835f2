/// How late a guardian was lately, in nanoseconds: what it has to expect of this machine.
#[derive(Debug)]
pub(super) struct Lateness {
    samples: [u64; SAMPLES],
    next: usize,
}

/// With three samples in a lease, some twenty leases: load comes and goes more slowly.
const SAMPLES: usize = 64;

impl Default for Lateness {
    fn default() -> Self {
        Self {
            samples: [0; SAMPLES],
            next: 0,
        }
    }
}

impl Lateness {
    /// It was so late.
    pub(super) fn saw(&mut self, late: u64) {
        if let Some(sample) = self.samples.get_mut(self.next) {
            *sample = late;
        }
        self.next = (self.next + 1) % SAMPLES;
    }

    /// What to leave it: the double of the worst, between these bounds.
    pub(super) fn margin(&self, least: u64, most: u64) -> u64 {
        let worst = self.samples.iter().max().copied().unwrap_or(0);
        worst.saturating_mul(2).min(most).max(least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A busy machine must get a wider margin, no wider than the lease allows, and a quiet one its
    // own again.
    #[test]
    fn the_margin_follows_the_worst_of_the_last_samples() {
        let mut lateness = Lateness::default();
        assert_eq!(lateness.margin(15, 37), 15);
        lateness.saw(5);
        assert_eq!(lateness.margin(15, 37), 15);
        lateness.saw(12);
        assert_eq!(lateness.margin(15, 37), 24);
        lateness.saw(u64::MAX);
        assert_eq!(lateness.margin(15, 37), 37);
        // One that was configured to be wider stays so.
        assert_eq!(lateness.margin(50, 37), 50);
        for _ in 0..SAMPLES {
            lateness.saw(1);
        }
        assert_eq!(lateness.margin(15, 37), 15);
    }
}
