use std::{
    env, fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{
    disk::Disk,
    executor::Executor,
    folder::Folder,
    log::Logs,
    member::Member,
    plan::{Kind, ROUND, plan},
    setup::{Algorithm, HTTP, Pace, Setup},
    stalls::Stalls,
    watch::Watch,
};
use crate::{error::Error, switch::Switch, witness::lives};

/// How many of the last events (faults, repairs and ends of nodes) a report of violations shows.
const REPORTED_EVENTS: usize = 60;

/// A trial of one cluster: its algorithm, its size, and its faults.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClusterTrial<'a> {
    pub(super) switch: &'a Switch,
    pub(super) elector: &'a Path,
    pub(super) algorithm: Algorithm,
    pub(super) nodes: usize,
    pub(super) pace: Pace,
    /// The kinds of faults that the trial injects; all kinds if the list is empty.
    pub(super) kinds: &'a [Kind],
    pub(super) with: &'a [String],
    pub(super) faults: usize,
    pub(super) seed: u64,
}

/// The result of one trial.
#[derive(Debug)]
pub(super) struct ClusterResult {
    /// The row of the trial in the table of all trials.
    pub(super) row: [String; 11],
    /// The number of violations that the trial found.
    pub(super) violations: usize,
}

impl ClusterTrial<'_> {
    /// Starts the cluster, and injects the faults. Ends after all faults, or after the first round
    /// of faults with a violation. Prints the violations, and stops the cluster.
    ///
    /// # Errors
    /// Returns an error if the trial itself cannot be carried out.
    pub(super) fn run(self) -> Result<ClusterResult, Error> {
        let began = Instant::now();
        let folder = Folder::new()?;
        let setup = Setup {
            elector: self.elector,
            algorithm: self.algorithm,
            with: self.with,
            folder: folder.path(),
            hosts: &self.switch.hosts[..self.nodes],
        };
        fs::write(folder.path().join("settings.toml"), self.pace.settings())?;
        let stalls = Stalls::start()?;
        let mut executor = self.start(&setup)?;
        let has_disks = executor.members.iter().all(|member| member.disk.is_some());
        let steps = plan(
            self.seed,
            self.nodes,
            self.faults,
            self.pace.lease(),
            |kind| {
                let selected = self.kinds.is_empty() || self.kinds.contains(&kind);
                selected && (has_disks || !matches!(kind, Kind::HangDisk | Kind::FailDisk))
            },
        );
        executor.converge()?;
        for round in steps.chunks(ROUND) {
            executor.run_round(round)?;
            if !executor.violations.is_empty() {
                break;
            }
        }
        let mut logs = Logs::default();
        for member in &executor.members {
            logs.read(&member.log());
        }
        executor.violations.append(&mut logs.panics);
        executor.violations.append(&mut executor.unexpected_ends);
        let kept = self.keep(&executor);
        let stalls = stalls.found();
        let lines: Vec<_> = stalls.iter().map(|stall| format!("{stall:?}")).collect();
        let _ = fs::write(kept.join("stalls"), lines.join("\n"));
        let longest = stalls.iter().map(|stall| stall.duration).max();
        let longest = Duration::from_nanos(longest.unwrap_or_default());
        if !executor.violations.is_empty() {
            let kept = kept.display();
            eprintln!(
                "{}\nThe logs of the nodes and the stalls of processors are in {kept}. Compare \
                 their times first",
                report(&executor)
            );
        }
        let duration = began.elapsed();
        Ok(ClusterResult {
            row: self.row(&executor, &logs, [longest, duration]),
            violations: executor.violations.len(),
        })
    }

    fn start<'a>(&self, setup: &'a Setup<'a>) -> Result<Executor<'a>, Error>
    where
        Self: 'a,
    {
        let mut members = Vec::with_capacity(self.nodes);
        for (index, disk) in disks(setup.folder, self.nodes).into_iter().enumerate() {
            members.push(Member::start(setup, index, disk)?);
        }
        let watch = Watch::start(setup.hosts, HTTP)?;
        Ok(Executor::new(self.switch, setup.folder, watch, members))
    }

    fn row(&self, executor: &Executor<'_>, logs: &Logs, times: [Duration; 2]) -> [String; 11] {
        let [longest, duration] = times;
        let seconds = duration.as_secs();
        let counts = &executor.counts;
        println!("{counts}\n");
        [
            self.algorithm.name().to_owned(),
            self.nodes.to_string(),
            counts.faults.values().sum::<usize>().to_string(),
            executor.watch.elections().to_string(),
            counts.leases.to_string(),
            executor.commands.count.to_string(),
            logs.late_ends.to_string(),
            executor.violations.len().to_string(),
            format!("{} ms", longest.as_millis()),
            format!("{} ms", counts.recovery.as_millis()),
            format!("{} min {} s", seconds / 60, seconds % 60),
        ]
    }

    /// Copies the files that help to explain a violation, and returns their folder.
    fn keep(&self, executor: &Executor<'_>) -> PathBuf {
        let name = format!("{}-{}-{}", self.algorithm.name(), self.nodes, self.seed);
        let kept = env::temp_dir().join("elector-field-chaos").join(name);
        // The files only help the reader of a report, so errors are ignored.
        let _ = fs::create_dir_all(&kept);
        let _ = fs::write(kept.join("events"), executor.events.join("\n"));
        let lives = lives(executor.folder).unwrap_or_default();
        let lives: Vec<_> = lives.iter().map(|life| format!("{life:?}")).collect();
        let _ = fs::write(kept.join("lives"), lives.join("\n"));
        for log in executor.members.iter().map(Member::log) {
            if let Some(name) = log.file_name() {
                let _ = fs::copy(&log, kept.join(name));
            }
        }
        kept
    }
}

/// Returns the violations, and the last events before them.
fn report(executor: &Executor<'_>) -> String {
    let events = executor.events.iter().rev().take(REPORTED_EVENTS).rev();
    let events: Vec<_> = events.map(String::as_str).collect();
    let violations = executor.violations.join("\n");
    format!(
        "last events:\n{}\nviolations:\n{violations}",
        events.join("\n")
    )
}

/// Creates a disk for each node. If one of the disks cannot be created, no node has a disk of its
/// own.
fn disks(folder: &Path, nodes: usize) -> Vec<Option<Disk>> {
    let created: Result<Vec<_>, Error> = (1..=nodes).map(|id| Disk::new(folder, id)).collect();
    match created {
        Ok(disks) => disks.into_iter().map(Some).collect(),
        Err(error) => {
            println!("SKIPPED: disk faults, because no disks can be created here: {error}");
            (0..nodes).map(|_| None).collect()
        }
    }
}
