use elector_core::GuaranteeKind;
use serde::Serialize;

use crate::{Cell, Election, MembersOutcome, Outcome};

/// The figures of one cell (all runs of one contestant in one scenario at one size), as tables, CSV
/// and JSON show them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The name of the algorithm.
    pub algorithm: &'static str,
    /// The name of the algorithm's configuration.
    pub variant: String,
    /// What the algorithm guarantees.
    pub guarantee: GuaranteeKind,
    /// The size of the cluster.
    pub nodes: u64,
    /// The name of the scenario.
    pub scenario: String,
    /// The number of runs, one for each seed.
    pub runs: usize,
    /// The number of runs in which the nodes elected a leader after boot, and all nodes agreed on a
    /// leader after all faults had ended.
    pub elected_runs: usize,
    /// The number of elections after the first fault, in all runs.
    pub elections: usize,
    /// The mean number of messages of an election, without routine heartbeats and their
    /// acknowledgements; 0 if there was no election.
    pub messages_mean: f64,
    /// The largest number of messages of an election.
    pub messages_max: u64,
    /// The mean number of bytes of the messages of an election, encoded with postcard.
    pub bytes_mean: f64,
    /// The median, over all elections, of the time from the loss of the leader until all reachable
    /// nodes know the next leader, in milliseconds.
    pub elect_ms_p50: Option<f64>,
    /// The 99th percentile of the time that `elect_ms_p50` describes, in milliseconds.
    pub elect_ms_p99: Option<f64>,
    /// The median, over all elections, of the time from the loss of the leader until the winner
    /// knows that it leads, in milliseconds.
    pub winner_ms_p50: Option<f64>,
    /// The time of a run in which no node believes that it leads, in milliseconds: the mean of all
    /// runs.
    pub leaderless_ms_mean: f64,
    /// The time of a run in which two or more nodes believe that they lead, in milliseconds: the
    /// mean of all runs.
    pub split_brain_ms_mean: f64,
    /// The number of runs in which two or more nodes believed at the same time that they lead.
    pub split_brain_runs: usize,
    /// The mean number of tenures that begin in a run. A tenure is the time in which one node leads
    /// one epoch.
    pub leader_changes_mean: f64,
    /// The largest number of nodes that led the same epoch in one run, at the same time or one
    /// after another.
    pub leaders_per_epoch_max: usize,
    /// The mean number of durable writes of a run.
    pub persists_mean: f64,
    /// The mean number of messages that a run sends for elections, including messages that led to
    /// no election.
    pub election_messages_per_run: f64,
    /// The mean number of messages of a run to nodes that did not run, and over cut links.
    pub messages_to_dead_mean: f64,
    /// The longest time of a run from the end of all faults until all nodes agreed, in
    /// milliseconds.
    pub converge_ms_max: Option<f64>,
    /// The number of violations, in all runs.
    pub violations: usize,
    /// The mean number of liveness messages, for example heartbeats, that the whole cluster sends
    /// per second while there is no fault and no election.
    pub steady_messages_per_s: f64,
    /// The seed of the worst run: see [`Cell::worst`].
    pub worst_seed: u64,
    /// The figures of the changes of the members. `None` if the scenario does not change them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<MembersSummary>,
}

impl Summary {
    pub(crate) fn of(cell: &Cell) -> Self {
        let outcomes = &cell.outcomes;
        let elections: Vec<&Election> = outcomes
            .iter()
            .flat_map(|outcome| &outcome.elections)
            .collect();
        let took = |until: fn(&Election) -> u64| {
            let spans = elections
                .iter()
                .map(|election| ms(until(election) - election.opened_ns));
            sorted(spans.collect())
        };
        let (elect, winner) = (took(|e| e.settled_ns), took(|e| e.winner_ns));
        let per_run = |figure: fn(&Outcome) -> f64| mean(outcomes.iter().map(figure));
        Self {
            algorithm: cell.algorithm,
            variant: cell.variant.clone(),
            guarantee: cell.guarantee,
            nodes: cell.nodes,
            scenario: cell.scenario.clone(),
            runs: outcomes.len(),
            elected_runs: outcomes.iter().filter(|outcome| outcome.elected).count(),
            elections: elections.len(),
            messages_mean: mean(elections.iter().map(|election| election.messages as f64)),
            messages_max: elections
                .iter()
                .map(|election| election.messages)
                .max()
                .unwrap_or(0),
            bytes_mean: mean(elections.iter().map(|election| election.bytes as f64)),
            elect_ms_p50: percentile(&elect, 50),
            elect_ms_p99: percentile(&elect, 99),
            winner_ms_p50: percentile(&winner, 50),
            leaderless_ms_mean: per_run(|run| ms(run.times.leaderless_ns)),
            split_brain_ms_mean: per_run(|run| ms(run.times.split_brain_ns)),
            split_brain_runs: outcomes
                .iter()
                .filter(|run| run.times.split_brain_ns > 0)
                .count(),
            leader_changes_mean: per_run(|run| run.leader_changes as f64),
            leaders_per_epoch_max: outcomes
                .iter()
                .map(|run| run.most_leaders_of_an_epoch)
                .max()
                .unwrap_or(0),
            persists_mean: per_run(|run| run.persists as f64),
            election_messages_per_run: per_run(|run| run.election_messages as f64),
            messages_to_dead_mean: per_run(|run| {
                run.kinds
                    .iter()
                    .map(|count| count.dead + count.cut)
                    .sum::<u64>() as f64
            }),
            converge_ms_max: outcomes
                .iter()
                .filter_map(|run| run.converged_ns)
                .max()
                .map(ms),
            violations: outcomes.iter().map(|run| run.violations.len()).sum(),
            steady_messages_per_s: per_run(|run| run.steady_messages_per_s),
            worst_seed: cell.worst().map_or(0, |outcome| outcome.seed),
            members: MembersSummary::of(outcomes),
        }
    }
}

/// The figures of the changes of the members in one cell (all runs of one contestant in one
/// scenario at one size).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MembersSummary {
    /// The number of runs in which all changes were completed.
    pub changed_runs: usize,
    /// The time from the first command of an operator until the last change is complete, in
    /// milliseconds: the median of the runs that `changed_runs` counts.
    pub change_ms_p50: Option<f64>,
    /// The 99th percentile of the time that `change_ms_p50` describes, in milliseconds.
    pub change_ms_p99: Option<f64>,
    /// The mean time without a leader during the changes, in milliseconds. All runs with changes
    /// count, completed or not.
    pub change_leaderless_ms_mean: f64,
    /// The mean number of messages during the changes, heartbeats included. All runs with changes
    /// count, completed or not.
    pub change_messages_mean: f64,
}

impl MembersSummary {
    fn of(outcomes: &[Outcome]) -> Option<Self> {
        let changes: Vec<MembersOutcome> = outcomes.iter().filter_map(|run| run.members).collect();
        if changes.is_empty() {
            return None;
        }
        let took = changes.iter().filter_map(|change| change.took_ns);
        let took = sorted(took.map(ms).collect());
        Some(Self {
            changed_runs: took.len(),
            change_ms_p50: percentile(&took, 50),
            change_ms_p99: percentile(&took, 99),
            change_leaderless_ms_mean: mean(changes.iter().map(|it| ms(it.leaderless_ns))),
            change_messages_mean: mean(changes.iter().map(|it| it.messages as f64)),
        })
    }
}

fn ms(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_u64), |(sum, count), value| (sum + value, count + 1));
    if count == 0 { 0.0 } else { sum / count as f64 }
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values
}

/// Returns the nearest-rank percentile of values that are sorted in ascending order. The result is
/// always one of the values. Returns `None` if there are no values.
#[must_use]
pub fn percentile(sorted: &[f64], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    // If the computed rank were too high by one, the 99th percentile of a hundred values would be
    // the maximum.
    #[test]
    fn percentiles_are_nearest_rank() {
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(percentile(&hundred, 50), Some(50.0));
        assert_eq!(percentile(&hundred, 99), Some(99.0));
        assert_eq!(percentile(&hundred[..1], 99), Some(1.0));
        assert_eq!(percentile(&[], 50), None);
    }
}
