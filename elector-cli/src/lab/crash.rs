use elector_sim::{Cell, Election, percentile};

/// What the loss of the leader itself cost: of each run, the first election only. Later ones, such
/// as the take-over by a node that comes back, are in the figures of all elections.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Crash {
    /// Messages an election took, on average.
    pub(crate) messages: f64,
    /// Milliseconds from the loss until all reachable nodes knew the next leader, in ascending
    /// order.
    pub(crate) times: Vec<f64>,
}

impl Crash {
    /// `None` if no run had an election.
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

    /// The nearest-rank percentile of the times.
    #[must_use]
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        percentile(&self.times, percent).unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::study::sample;

    // A bully comes back and takes over: a second election, much cheaper, that the crash did not
    // cause.
    #[test]
    fn only_the_first_election_of_a_run_counts() {
        let study = sample();
        let bully = &study.entries[1];
        let (cell, summary) = study.cell(bully, "leader-crash", 5).unwrap();
        let crash = Crash::of(cell).unwrap();
        assert_eq!(crash.times.len(), summary.runs);
        assert!(summary.elections > summary.runs);
        // Nobody misses the leader before the shortest election timeout.
        assert!(crash.percentile(0) > 100.0, "{crash:?}");
        assert!(summary.elect_ms_p50.unwrap() < crash.percentile(50));
    }
}
