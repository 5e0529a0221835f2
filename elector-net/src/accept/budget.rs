use std::{collections::VecDeque, net::IpAddr, time::Instant};

use tokio::task::AbortHandle;

/// How many connections of one kind are looked at: so many at a time, and so many in a second.
#[derive(Debug)]
pub(super) struct Budget {
    most: usize,
    a_second: f64,
    pending: VecDeque<(AbortHandle, IpAddr)>,
    /// How many may be looked at now, as of the last one.
    allowance: f64,
    last: Instant,
}

impl Budget {
    pub(super) fn new(most: usize, a_second: f64) -> Self {
        Self {
            most,
            a_second,
            pending: VecDeque::with_capacity(most),
            allowance: most as f64,
            last: Instant::now(),
        }
    }

    /// Whether another connection may be looked at; if so, it is counted.
    pub(super) fn may_come_in(&mut self, now: Instant) -> bool {
        let earned = now.saturating_duration_since(self.last).as_secs_f64() * self.a_second;
        self.last = now;
        self.allowance = (self.allowance + earned).min(self.most as f64);
        let may = self.allowance >= 1.0;
        if may {
            self.allowance -= 1.0;
        }
        may
    }

    /// Counts a connection that is being looked at. If there are too many, the one that waits
    /// longest is dropped, and it is returned from where that came: a peer is let in within
    /// milliseconds, so a host that floods the door drops its own connections.
    pub(super) fn add(&mut self, pending: AbortHandle, from: IpAddr) -> Option<IpAddr> {
        self.pending.retain(|(pending, _)| !pending.is_finished());
        let longest = (self.pending.len() >= self.most)
            .then(|| self.pending.pop_front())
            .flatten();
        self.pending.push_back((pending, from));
        longest.map(|(longest, from)| {
            longest.abort();
            from
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, time::Duration};

    use super::*;

    // A flood must cost no more than its budget, and one that has ended must leave no debt.
    #[test]
    fn so_many_in_a_second_after_a_first_burst() {
        let mut budget = Budget::new(4, 100.0);
        let begin = Instant::now();
        let mut let_in = |after: u64| {
            let now = begin + Duration::from_millis(after);
            (0..1000).filter(|_| budget.may_come_in(now)).count()
        };
        assert_eq!(let_in(0), 4);
        assert_eq!(let_in(5), 0);
        assert_eq!(let_in(21), 2);
        assert_eq!(let_in(60_000), 4, "what was not used is not saved");
    }

    // Connections that say nothing must not keep others out.
    #[tokio::test]
    async fn the_one_that_waits_longest_makes_room() {
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
