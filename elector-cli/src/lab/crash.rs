use elector_sim::{Cell, Election, percentile};

/// The cost of the loss of a leader: the figures of the first election of each run. Later
/// elections, such as the take-over by a node that returns, are only in the figures of all
/// elections.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Crash {
    /// The mean number of messages of an election.
    pub(crate) messages: f64,
    /// The times in milliseconds from the loss until all reachable nodes knew the next leader, in
    /// ascending order.
    pub(crate) times: Vec<f64>,
}

impl Crash {
    /// Collects the figures of a cell. `None` if no run had an election.
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

    /// Returns the nearest-rank percentile of the times.
    #[must_use]
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        percentile(&self.times, percent).unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::study::sample;

    // A Bully node returns and takes over. This second election is much cheaper, and the crash did
    // not cause it.
    #[test]
    fn only_the_first_election_of_a_run_counts() {
        let study = sample();
        let bully = &study.entries[1];
        let (cell, summary) = study.cell(bully, "leader-crash", 5).unwrap();
        let crash = Crash::of(cell).unwrap();
        assert_eq!(crash.times.len(), summary.runs);
        assert!(summary.elections > summary.runs);
        // No node misses the leader before the shortest election timeout.
        assert!(crash.percentile(0) > 100.0, "{crash:?}");
        assert!(summary.elect_ms_p50.unwrap() < crash.percentile(50));
    }
}
