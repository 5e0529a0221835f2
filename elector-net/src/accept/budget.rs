use std::{collections::VecDeque, net::IpAddr, time::Instant};

use tokio::task::AbortHandle;

/// Limits the handshakes of one kind of incoming connections, such as those from the addresses of
/// peers. It limits the number of pending handshakes, and the number of new handshakes per second.
#[derive(Debug)]
pub(super) struct Budget {
    max_pending: usize,
    per_second: f64,
    pending: VecDeque<(AbortHandle, IpAddr)>,
    /// How many handshakes were allowed to begin at the time `last`. The number grows with time, up
    /// to `max_pending`.
    allowance: f64,
    last: Instant,
}

impl Budget {
    pub(super) fn new(max_pending: usize, per_second: f64) -> Self {
        Self {
            max_pending,
            per_second,
            pending: VecDeque::with_capacity(max_pending),
            allowance: max_pending as f64,
            last: Instant::now(),
        }
    }

    /// Counts a handshake that is about to begin. Returns `false` if no handshake is allowed to
    /// begin now.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let earned = now.saturating_duration_since(self.last).as_secs_f64() * self.per_second;
        self.last = now;
        self.allowance = (self.allowance + earned).min(self.max_pending as f64);
        let is_available = self.allowance >= 1.0;
        if is_available {
            self.allowance -= 1.0;
        }
        is_available
    }

    /// Adds a pending handshake. If there are too many, aborts the oldest one and returns the
    /// address of its other side. A peer ends its handshake within milliseconds. So during a flood
    /// of connections, the oldest pending handshake is mostly one of the host that floods the node.
    pub(super) fn add(&mut self, pending: AbortHandle, from: IpAddr) -> Option<IpAddr> {
        self.pending.retain(|(pending, _)| !pending.is_finished());
        let oldest = (self.pending.len() >= self.max_pending)
            .then(|| self.pending.pop_front())
            .flatten();
        self.pending.push_back((pending, from));
        oldest.map(|(oldest, from)| {
            oldest.abort();
            from
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, time::Duration};

    use super::*;

    // A flood of connections must not get more handshakes than the budget (the limit on handshakes)
    // allows. After the flood, the budget must recover as if there had been no flood.
    #[test]
    fn a_budget_allows_a_burst_and_then_a_rate() {
        let mut budget = Budget::new(4, 100.0);
        let begin = Instant::now();
        let mut taken = |after_ms: u64| {
            let now = begin + Duration::from_millis(after_ms);
            (0..1000).filter(|_| budget.take(now)).count()
        };
        assert_eq!(taken(0), 4);
        assert_eq!(taken(5), 0);
        assert_eq!(taken(21), 2);
        assert_eq!(taken(60_000), 4, "an unused allowance is not saved");
    }

    // Connections that send nothing must not keep new connections from being accepted.
    #[tokio::test]
    async fn the_oldest_connection_makes_room() {
        let mut budget = Budget::new(2, 100.0);
        let ip = |last: u8| IpAddr::from([10, 0, 0, last]);
        let silent = || tokio::spawn(pending::<()>());
        let (first, second, third) = (silent(), silent(), silent());
        let done = tokio::spawn(async {});
        assert_eq!(budget.add(first.abort_handle(), ip(1)), None);
        assert_eq!(budget.add(done.abort_handle(), ip(2)), None);
        done.await.unwrap();
        assert_eq!(budget.add(second.abort_handle(), ip(3)), None);
        assert_eq!(budget.add(third.abort_handle(), ip(4)), Some(ip(1)));
        assert!(first.await.unwrap_err().is_cancelled());
        assert!(!second.is_finished() && !third.is_finished());
    }
}
