//! Runs the built-in scenarios with every variant of every algorithm, in clusters of odd, even and
//! very small size. These tests check the statements of the README.

use elector_bully::Bully;
use elector_core::{Comparable, GuaranteeKind, quorum::Reseat};
use elector_paxos::Paxos;
use elector_raft::Raft;
use elector_ring::Ring;
use elector_sim::{Cell, Contestant, Scenario, Sweep};

/// Returns every variant of every algorithm.
fn contestants() -> Vec<Contestant> {
    [
        Contestant::variants::<Raft>(),
        Contestant::variants::<Paxos>(),
        Contestant::variants::<Bully>(),
        Contestant::variants::<Ring>(),
    ]
    .concat()
}

/// Returns every variant of the algorithms whose members can change.
fn contestants_with_members() -> Vec<Contestant> {
    fn variants<A: Comparable + Reseat>() -> Vec<Contestant> {
        let variants = A::variants().into_iter().map(|variant| {
            let config = variant.config.clone();
            Contestant::variant::<A>(variant).with_members::<A>(config)
        });
        variants.collect()
    }
    [variants::<Raft>(), variants::<Paxos>()].concat()
}

fn sweep(nodes: &[u64], runs: u64, jobs: Option<usize>, scenarios: &[&str]) -> Vec<Cell> {
    let all = Scenario::builtin().expect("the built-in scenarios are valid");
    let wanted =
        |scenario: &Scenario| scenarios.is_empty() || scenarios.contains(&scenario.name.as_str());
    let scenarios = all.into_iter().filter(wanted).collect();
    cells(contestants(), nodes, scenarios, runs, jobs)
}

fn cells(
    contestants: Vec<Contestant>,
    nodes: &[u64],
    scenarios: Vec<Scenario>,
    runs: u64,
    jobs: Option<usize>,
) -> Vec<Cell> {
    let sweep = Sweep {
        contestants,
        nodes: nodes.to_vec(),
        scenarios,
        runs,
        seed: 1,
        jobs: jobs.and_then(std::num::NonZeroUsize::new),
        always_twice: false,
    };
    sweep.run(&|_, _| ()).expect("the sweep is valid")
}

/// Returns the failed runs of a cell (all runs of one contestant, scenario and size), each with the
/// command that repeats it.
fn failures(cell: &Cell) -> Vec<String> {
    let wrong = cell
        .outcomes
        .iter()
        .filter(|run| !run.violations.is_empty() || !run.elected);
    wrong
        .map(|run| {
            let replay = cell.replay(run.seed);
            format!("cargo run --release -- {replay}\n    {:?}", run.violations)
        })
        .collect()
}

// The main statement of the README: no run violates an invariant, and one leader remains after
// every fault, for every algorithm, scenario and size.
#[test]
fn every_algorithm_passes_every_scenario() {
    let cells = sweep(&[1, 2, 3, 4, 5, 7], 3, None, &[]);
    assert!(cells.len() > 1_000, "{} cells", cells.len());
    assert_no_failures(&cells);
}

// With changes of the members, too, no run violates an invariant, and one leader remains: the
// changes are completed, and the rosters (lists of voters) on all disks agree with the rules of
// changes. The environment variable `MEMBERS_RUNS` sets the number of runs of each algorithm
// variant, scenario and size.
#[test]
fn every_change_of_the_members_is_completed() {
    let scenarios = Scenario::changing_members().expect("the built-in scenarios are valid");
    assert_changes_are_completed(&[1, 2, 3, 4, 5, 7], scenarios);
}

// Changes of the members must also be completed if random faults occur during them.
#[test]
fn every_change_of_the_members_under_random_faults_is_completed() {
    let texts = [
        include_str!("scenarios/changes-in-churn.toml"),
        include_str!("scenarios/changes-in-storm.toml"),
        include_str!("scenarios/disk-in-churn.toml"),
    ];
    let scenarios = texts.map(|text| Scenario::parse(text, "scenarios").expect("a valid file"));
    assert_changes_are_completed(&[3, 4, 5], scenarios.to_vec());
}

fn assert_changes_are_completed(nodes: &[u64], scenarios: Vec<Scenario>) {
    let runs = std::env::var("MEMBERS_RUNS").map_or(3, |runs| runs.parse().expect("a number"));
    let cells = cells(contestants_with_members(), nodes, scenarios, runs, None);
    assert!(cells.len() > 50, "{} cells", cells.len());
    assert_no_failures(&cells);
    for cell in cells {
        let members = cell.summary().members.expect("an operator has asked");
        assert_eq!(members.changed_runs as u64, runs, "{}", cell.scenario);
    }
}

fn assert_no_failures(cells: &[Cell]) {
    let failures: Vec<String> = cells.iter().flat_map(failures).collect();
    assert!(
        failures.is_empty(),
        "{} runs failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

// Under best effort, a partition leads to two leaders at the same time. A comparison must show
// this.
#[test]
fn best_effort_algorithms_have_a_split_brain_during_a_partition() {
    for cell in sweep(&[5], 5, None, &["minority-leader"]) {
        let summary = cell.summary();
        let label = format!("{}/{}", summary.algorithm, summary.variant);
        match summary.guarantee {
            GuaranteeKind::BestEffort => {
                assert_eq!(summary.split_brain_runs, summary.runs, "{label}");
                assert!(summary.split_brain_ms_mean > 1_000.0, "{label}");
            }
            GuaranteeKind::Quorum => {
                let most = cell
                    .outcomes
                    .iter()
                    .map(|run| run.most_leaders_of_an_epoch)
                    .max();
                assert_eq!(most, Some(1), "{label}: one leader per epoch");
            }
        }
    }
}

// Without a majority, a quorum algorithm has no leader. A best-effort algorithm has one.
#[test]
fn without_a_majority_only_best_effort_leads() {
    for cell in sweep(&[4], 3, None, &["even-split"]) {
        let summary = cell.summary();
        let leaderless = summary.leaderless_ms_mean;
        let label = format!(
            "{}/{}: {leaderless} ms leaderless",
            summary.algorithm, summary.variant
        );
        match (summary.guarantee, summary.variant.as_str()) {
            // The variant `paper` has no check-quorum (a leader steps down without answers of a
            // majority). So the old leader is still the leader in its own view, although it has no
            // lease.
            (GuaranteeKind::Quorum, "paper") => assert!(leaderless < 500.0, "{label}"),
            (GuaranteeKind::Quorum, _) => assert!(leaderless > 1_500.0, "{label}"),
            (GuaranteeKind::BestEffort, _) => assert!(leaderless < 500.0, "{label}"),
        }
    }
}

// The figures of a comparison must not depend on how many threads computed them.
#[test]
fn the_number_of_jobs_changes_nothing() {
    let digest = |jobs| {
        let cells = sweep(&[3], 4, Some(jobs), &["churn", "lossy"]);
        cells
            .iter()
            .flat_map(|cell| &cell.outcomes)
            .map(|run| run.digest)
            .collect::<Vec<_>>()
    };
    assert_eq!(digest(1), digest(3));
}
