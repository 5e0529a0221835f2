use elector_sim::{Cell, Election, percentile};

/// What the loss of a leader costs in messages and time, from the first election of each run of a
/// cell (one variant, scenario and cluster size). Later elections of a run, such as the take-over
/// by a node that returns, do not count here. They count only in the figures of all elections.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Crash {
    /// The mean number of messages of the first election of a run.
    pub(crate) messages: f64,
    /// The times in milliseconds, in ascending order: from the loss of the leader until all
    /// reachable nodes knew the next leader, one time for each run.
    pub(crate) times: Vec<f64>,
}

impl Crash {
    /// Collects the figures of a cell (all runs of one variant in one scenario at one size).
    /// Returns `None` if no run of the cell had an election.
    #[must_use]
    pub(crate) fn of(cell: &Cell) -> Option<Self> {
        let firsts = cell.outcomes.iter().filter_map(|run| run.elections.first());
        let firsts: Vec<&Election> = firsts.collect();
        if firsts.is_empty() {
            return None;
        }
        let took = |election: &&Election| (election.settled_ns - election.opened_ns) as f64 / 1e6;
        let mut times: Vec<f64> = firsts.iter().map(took).collect();
        times.sort_unstable_by(f64::total_cmp);
        let messages: u64 = firsts.iter().map(|election| election.messages).sum();
        Some(Self {
            messages: messages as f64 / firsts.len() as f64,
            times,
        })
    }

    /// Returns the nearest-rank percentile of [`times`](Self::times), in milliseconds.
    #[must_use]
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        percentile(&self.times, percent).unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::study::sample;

    // In the scenario `leader-crash`, a Bully node with a higher id returns and takes over. This
    // second election needs much less time, and the crash did not cause it, so it must not count.
    #[test]
    fn only_the_first_election_of_a_run_counts() {
        let study = sample();
        let bully = &study.entries[1];
        let (cell, summary) = study.cell(bully, "leader-crash", 5).unwrap();
        let crash = Crash::of(cell).unwrap();
        assert_eq!(crash.times.len(), summary.runs);
        assert!(summary.elections > summary.runs);
        // A node notices the loss of its leader only after the election timeout, which is longer
        // than 100 ms.
        assert!(crash.percentile(0) > 100.0, "{crash:?}");
        assert!(summary.elect_ms_p50.unwrap() < crash.percentile(50));
    }
}
