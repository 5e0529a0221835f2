//! Tables of the measured times.

use std::{fmt::Write as _, time::Duration};

/// The times of one failover, measured from the signal to the leader: until the winner knows that
/// it leads, and until a majority knows the winner.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failover {
    pub(crate) winner: Duration,
    pub(crate) majority: Duration,
    /// The time until the first output of the new leader's command; `None` if the nodes run no
    /// command.
    pub(crate) work: Option<Duration>,
}

/// The times of many failovers.
#[derive(Debug, Default)]
pub(crate) struct Figures(Vec<Failover>);

impl Figures {
    pub(crate) fn push(&mut self, failover: Failover) {
        self.0.push(failover);
    }

    pub(crate) fn head() -> String {
        format!(
            "{:<20}{:>3}  {:>24}  {:>24}  {:>24}  {:>8}",
            "", "n", "winner knows", "majority knows", "command runs", "÷ plain"
        )
    }

    /// Returns one line of the table. The last column compares the median times until a majority
    /// knows the winner: the time in this value, divided by the time in `beside`.
    pub(crate) fn row(&self, name: &str, nodes: u64, beside: Option<&Self>) -> String {
        let mut row = format!("{name:<20}{nodes:>3}");
        let of =
            |pick: fn(&Failover) -> Option<Duration>| Spread::of(self.0.iter().filter_map(pick));
        let majority = of(|failover| Some(failover.majority));
        let columns = [
            of(|failover| Some(failover.winner)),
            majority.clone(),
            of(|failover| failover.work),
        ];
        for column in &columns {
            let _ = write!(row, "  {:>24}", column.to_string());
        }
        if let Some(beside) = beside {
            let other = Spread::of(beside.0.iter().map(|failover| failover.majority));
            let _ = write!(row, "  {:>8.2}", majority.at(0.5) / other.at(0.5));
        }
        row
    }
}

/// The times of the steps of failovers: the detection of the failure, the durable write of a vote,
/// the rest until the winner knows that it leads, and the announcement.
#[derive(Debug, Default)]
pub(crate) struct Steps([Vec<Duration>; 4]);

impl Steps {
    /// Adds the steps of one failover. `written` is the longest write of the election: the winner
    /// waits for its own vote and for one of another node, which are written at the same time.
    pub(crate) fn push(&mut self, failover: &Failover, detected: Duration, written: Duration) {
        let left = failover.winner.saturating_sub(detected + written);
        let announced = failover.majority.saturating_sub(failover.winner);
        for (column, step) in self.0.iter_mut().zip([detected, written, left, announced]) {
            column.push(step);
        }
    }

    pub(crate) fn head() -> String {
        format!(
            "{:<20}{:>3}  {:>10}  {:>10}  {:>10}  {:>10}",
            "", "n", "detection", "disk", "votes", "announcing"
        )
    }

    /// Returns one line of the table, with the median time of each step.
    pub(crate) fn row(&self, name: &str, nodes: u64) -> String {
        let mut row = format!("{name:<20}{nodes:>3}");
        for column in &self.0 {
            let median = Spread::of(column.iter().copied()).at(0.5);
            let _ = write!(row, "  {median:>10.2}");
        }
        row
    }
}

/// Sorted durations in milliseconds.
#[derive(Clone, Debug)]
pub(crate) struct Spread(Vec<f64>);

impl Spread {
    pub(crate) fn of(durations: impl IntoIterator<Item = Duration>) -> Self {
        let millis = durations
            .into_iter()
            .map(|duration| duration.as_secs_f64() * 1e3);
        let mut sorted: Vec<f64> = millis.collect();
        sorted.sort_by(f64::total_cmp);
        Self(sorted)
    }

    /// Returns the value below which this share of the durations is.
    pub(crate) fn at(&self, share: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        let place = (last as f64 * share).ceil() as usize;
        self.0.get(place.min(last)).copied().unwrap_or(f64::NAN)
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return f.pad("–");
        }
        write!(
            f,
            "{:.2} / {:.2} / {:.2}",
            self.at(0.5),
            self.at(0.99),
            self.at(1.0)
        )
    }
}
