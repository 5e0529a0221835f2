use std::{
    env, fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{
    disk::Disk,
    folder::Folder,
    log::Logs,
    member::Member,
    plan::{Kind, ROUND, plan},
    player::Player,
    setup::{Algorithm, HTTP, Pace, Setup},
    stalls::Stalls,
    watch::Watch,
};
use crate::{error::Error, switch::Switch, witness::lives};

/// How many of the last things that were done are told when something is wrong.
const TOLD: usize = 60;

/// One kind of cluster, and how many faults it has.
#[derive(Clone, Copy, Debug)]
pub(super) struct One<'a> {
    pub(super) switch: &'a Switch,
    pub(super) elector: &'a Path,
    pub(super) algorithm: Algorithm,
    pub(super) nodes: usize,
    pub(super) pace: Pace,
    /// Of these kinds; of all, if this is empty.
    pub(super) kinds: &'a [Kind],
    pub(super) with: &'a [String],
    pub(super) faults: usize,
    pub(super) seed: u64,
}

/// What one cluster has endured.
#[derive(Debug)]
pub(super) struct Endured {
    pub(super) row: [String; 11],
    /// How many things were wrong.
    pub(super) wrong: usize,
}

impl One<'_> {
    /// Starts the cluster, does all faults to it until something is wrong, tells what that was, and
    /// ends it.
    ///
    /// # Errors
    /// If the trial fails.
    pub(super) fn endure(self) -> Result<Endured, Error> {
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
        let stalls = Stalls::begin()?;
        let mut player = self.start(&setup)?;
        let has_disks = player.members.iter().all(|member| member.disk.is_some());
        let steps = plan(
            self.seed,
            self.nodes,
            self.faults,
            self.pace.lease(),
            |kind| {
                let asked = self.kinds.is_empty() || self.kinds.contains(&kind);
                asked && (has_disks || !matches!(kind, Kind::HangDisk | Kind::FailDisk))
            },
        );
        player.converge()?;
        for round in steps.chunks(ROUND) {
            player.play(round)?;
            if !player.wrong.is_empty() {
                break;
            }
        }
        let mut logs = Logs::default();
        for member in &player.members {
            logs.read(&member.log());
        }
        player.wrong.append(&mut logs.panics);
        player.wrong.append(&mut player.strange);
        let kept = self.keep(&player);
        let stalls = stalls.found();
        let told: Vec<_> = stalls.iter().map(|stall| format!("{stall:?}")).collect();
        let _ = fs::write(kept.join("stalls"), told.join("\n"));
        let longest = stalls.iter().map(|stall| stall.took).max();
        let longest = Duration::from_nanos(longest.unwrap_or_default());
        if !player.wrong.is_empty() {
            let kept = kept.display();
            eprintln!(
                "{}\nThe logs of the nodes are in {kept}, with the stalls of processors: compare \
                 their times before anything else",
                report(&player)
            );
        }
        let took = began.elapsed();
        Ok(Endured {
            row: self.row(&player, &logs, [longest, took]),
            wrong: player.wrong.len(),
        })
    }

    fn start<'a>(&self, setup: &'a Setup<'a>) -> Result<Player<'a>, Error>
    where
        Self: 'a,
    {
        let mut members = Vec::with_capacity(self.nodes);
        for (index, disk) in disks(setup.folder, self.nodes).into_iter().enumerate() {
            members.push(Member::start(setup, index, disk)?);
        }
        let watch = Watch::begin(setup.hosts, HTTP)?;
        Ok(Player::new(self.switch, setup.folder, watch, members))
    }

    fn row(&self, player: &Player<'_>, logs: &Logs, times: [Duration; 2]) -> [String; 11] {
        let [longest, took] = times;
        let seconds = took.as_secs();
        let counts = &player.counts;
        println!("{counts}\n");
        [
            self.algorithm.name().to_owned(),
            self.nodes.to_string(),
            counts.faults.values().sum::<usize>().to_string(),
            player.watch.elections().to_string(),
            counts.leases.to_string(),
            player.commands.count.to_string(),
            logs.late_ends.to_string(),
            player.wrong.len().to_string(),
            format!("{} ms", longest.as_millis()),
            format!("{} ms", counts.healing.as_millis()),
            format!("{} min {} s", seconds / 60, seconds % 60),
        ]
    }

    /// Copies what helps to find out why something was done.
    fn keep(&self, player: &Player<'_>) -> PathBuf {
        let name = format!("{}-{}-{}", self.algorithm.name(), self.nodes, self.seed);
        let kept = env::temp_dir().join("elector-field-chaos").join(name);
        // A help for the reader, and no more.
        let _ = fs::create_dir_all(&kept);
        let _ = fs::write(kept.join("done"), player.done.join("\n"));
        let lives = lives(player.folder).unwrap_or_default();
        let lives: Vec<_> = lives.iter().map(|life| format!("{life:?}")).collect();
        let _ = fs::write(kept.join("lives"), lives.join("\n"));
        for log in player.members.iter().map(Member::log) {
            if let Some(name) = log.file_name() {
                let _ = fs::copy(&log, kept.join(name));
            }
        }
        kept
    }
}

/// What is wrong, and what was done before it.
fn report(player: &Player<'_>) -> String {
    let done = player.done.iter().rev().take(TOLD).rev();
    let done: Vec<_> = done.map(String::as_str).collect();
    let wrong = player.wrong.join("\n");
    format!("what was done last:\n{}\nwrong:\n{wrong}", done.join("\n"))
}

/// A disk for each node, or none for any if there cannot be disks.
fn disks(folder: &Path, nodes: usize) -> Vec<Option<Disk>> {
    let made: Result<Vec<_>, Error> = (1..=nodes).map(|id| Disk::new(folder, id)).collect();
    match made {
        Ok(disks) => disks.into_iter().map(Some).collect(),
        Err(error) => {
            println!("SKIPPED: no faults of disks, for there can be no disks here: {error}");
            (0..nodes).map(|_| None).collect()
        }
    }
}
