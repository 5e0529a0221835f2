use std::time::Duration;

use crate::random::random;

const FIRST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_millis(500);

/// The pauses between attempts to connect to an unreachable peer. The pauses double up to a limit.
/// Each pause is shortened at random, by up to a half. With equal pauses, all peers of a restarted
/// node would dial that node at the same time.
#[derive(Debug)]
pub(crate) struct Backoff(Duration);

impl Backoff {
    pub(crate) fn new() -> Self {
        Self(FIRST)
    }

    pub(crate) fn reset(&mut self) {
        self.0 = FIRST;
    }

    pub(crate) fn next(&mut self) -> Duration {
        let whole = self.0;
        self.0 = (whole * 2).min(LONGEST);
        let drawn = (random() >> 32) as f64 / f64::from(u32::MAX);
        whole - whole.mul_f64(drawn / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A peer can be down for a day. The node must go on dialling the peer, but with pauses.
    #[test]
    fn pauses_grow_to_a_limit_and_vary() {
        let mut backoff = Backoff::new();
        let pauses: Vec<Duration> = (0..20).map(|_| backoff.next()).collect();
        assert!(pauses[0] >= FIRST / 2 && pauses[0] <= FIRST);
        assert!(
            pauses[10..]
                .iter()
                .all(|p| *p >= LONGEST / 2 && *p <= LONGEST)
        );
        assert!(pauses[10..].windows(2).any(|pair| pair[0] != pair[1]));
        backoff.reset();
        assert!(backoff.next() <= FIRST);
    }
}
