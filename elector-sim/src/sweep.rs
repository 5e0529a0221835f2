use std::{
    num::NonZeroUsize,
    sync::atomic::{AtomicUsize, Ordering},
};

use rayon::prelude::*;
use thiserror::Error;

use crate::{
    Cell, Contestant, Outcome, Scenario, SetupError, Shard, Summary,
    contestant::Job,
    scenario::ScenarioError,
    table::{self, Row},
};

/// A comparison. It runs every contestant (an algorithm in one configuration) in every scenario at
/// every cluster size, with the same seeds.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// The contestants: the algorithms that are compared, each in one configuration.
    pub contestants: Vec<Contestant>,
    /// The cluster sizes. A scenario skips the sizes below its minimum.
    pub nodes: Vec<u64>,
    /// The scenarios. A contestant with fixed members skips those that change the members.
    pub scenarios: Vec<Scenario>,
    /// The number of runs of each [`Cell`], which is one contestant in one scenario at one size.
    pub runs: u64,
    /// Run k of each [`Cell`], from 0, has seed `seed + k`.
    pub seed: u64,
    /// The number of threads; `None` for one per core. The result does not depend on this number.
    pub jobs: Option<NonZeroUsize>,
    /// Whether every run is done twice to compare fingerprints (hashes of the events). With
    /// `false`, only the first run of each [`Cell`] is done twice.
    pub always_twice: bool,
}

/// Why a sweep cannot be done.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SweepError {
    /// There is nothing to run: a part of the sweep is empty, or no contestant, scenario and size
    /// of the sweep fit together.
    #[error("nothing to compare: there are no {0}")]
    Empty(&'static str),
    /// A cluster or configuration breaks a rule.
    #[error("{contestant} with {nodes} nodes: {error}")]
    Setup {
        /// The label of the contestant.
        contestant: String,
        /// The size of the cluster.
        nodes: u64,
        /// The rule that was broken.
        error: SetupError,
    },
    /// There are more shards, which are parts of the sweep for several machines, than runs. So some
    /// shards would be empty.
    #[error("there are {shards} shards and only {runs} runs: use at most {runs} shards")]
    TooManyShards {
        /// The number of shards into which the sweep is divided.
        shards: u64,
        /// The number of runs of the whole sweep.
        runs: u64,
    },
    /// The threads could not be started.
    #[error("cannot start worker threads: {0}; try --jobs 1")]
    Threads(rayon::ThreadPoolBuildError),
}

impl Sweep {
    /// Creates a sweep of these contestants at these sizes. It runs these scenarios, or the
    /// scenarios of [`Scenario::builtin`] if `scenarios` is empty. Each cell (one contestant in one
    /// scenario at one size) has 100 runs, with the seeds from 1. The sweep uses all cores, and
    /// does each run twice.
    ///
    /// # Errors
    /// Returns an error if no scenario has one of the names. The error suggests the most similar
    /// name.
    pub fn of(
        contestants: Vec<Contestant>,
        nodes: &[u64],
        scenarios: &[&str],
    ) -> Result<Self, ScenarioError> {
        let named = scenarios.iter().map(|name| Scenario::all_named(name));
        let named: Result<Vec<_>, _> = named.collect();
        Ok(Self {
            contestants,
            nodes: nodes.to_vec(),
            scenarios: if scenarios.is_empty() {
                Scenario::builtin()?
            } else {
                named?.concat()
            },
            runs: 100,
            seed: 1,
            jobs: None,
            always_twice: true,
        })
    }

    /// Does all runs and returns a table of their figures.
    ///
    /// # Errors
    /// Returns the errors of [`run`](Self::run).
    pub fn table(&self) -> Result<String, SweepError> {
        let summaries: Vec<Summary> = self.run(&|_, _| ())?.iter().map(Cell::summary).collect();
        Ok(self.table_of(&summaries))
    }

    /// Returns a table of the figures of this sweep, as [`table`](crate::table) does. `summaries`
    /// has one entry for each [`Cell`], in the order of [`run`](Self::run). If a scenario changes
    /// the members, a second table has the figures of the changes, and a contestant with fixed
    /// members has a row without figures.
    #[must_use]
    pub fn table_of(&self, summaries: &[Summary]) -> String {
        let mut summaries = summaries.iter();
        let mut rows = Vec::new();
        for contestant in &self.contestants {
            for scenario in &self.scenarios {
                rows.extend(scenario.sizes(&self.nodes).filter_map(|nodes| {
                    if contestant.can_run(scenario) {
                        return summaries.next().map(Row::Cell);
                    }
                    Some(Row::FixedMembers {
                        label: contestant.label(),
                        nodes,
                        scenario: &scenario.name,
                    })
                }));
            }
        }
        let mut text = table::elections(&rows);
        if let Some(changes) = table::changes(&rows) {
            text.push_str(
                "\n\nChanges of the members, from the command until they are complete. – the \
                 members are fixed:\n\n",
            );
            text.push_str(&changes);
        }
        text
    }

    /// Does all runs. Returns one cell for each contestant, scenario and size that fit together.
    /// `progress` is called from any thread with the number of runs that are done and with the
    /// number of all runs.
    ///
    /// # Errors
    /// Returns an error if there is nothing to do, or if a cluster or a configuration breaks a
    /// rule.
    pub fn run(&self, progress: &(dyn Fn(usize, usize) + Sync)) -> Result<Vec<Cell>, SweepError> {
        self.run_shard(Shard::WHOLE, progress)
    }

    /// Does the runs of one shard. Returns all [`Cell`]s of the sweep, also those that have no run
    /// in this shard. Everything else is as in [`run`](Self::run).
    ///
    /// # Errors
    /// Returns the errors of [`run`](Self::run), and an error if there are more shards than runs.
    pub fn run_shard(
        &self,
        shard: Shard,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Vec<Cell>, SweepError> {
        let places = self.places();
        if let Some(what) = self.missing(&places) {
            return Err(SweepError::Empty(what));
        }
        let runs = (places.len() as u64).saturating_mul(self.runs);
        if shard.count() > runs {
            let shards = shard.count();
            return Err(SweepError::TooManyShards { shards, runs });
        }
        let jobs = self.jobs.map_or(0, NonZeroUsize::get);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs).build();
        let pool = pool.map_err(SweepError::Threads)?;
        let (chosen, done) = (self.chosen(shard, &places), AtomicUsize::new(0));
        let outcomes: Result<Vec<Outcome>, SweepError> = pool.install(|| {
            chosen
                .par_iter()
                // Each thread takes one run at a time. A run of many nodes takes as long as
                // thousands of runs of few nodes, so with larger portions some threads would have
                // nothing to do at the end.
                .with_max_len(1)
                .map(|&(place, number)| {
                    let outcome = self.one(places[place], number)?;
                    progress(done.fetch_add(1, Ordering::Relaxed) + 1, chosen.len());
                    Ok(outcome)
                })
                .collect()
        });
        let mut cells = self.empty_cells();
        for (&(place, _), outcome) in chosen.iter().zip(outcomes?) {
            cells[place].outcomes.push(outcome);
        }
        Ok(cells)
    }

    /// Returns the name of what is missing if the sweep has no run, and `None` otherwise.
    fn missing(&self, places: &[Place<'_>]) -> Option<&'static str> {
        let mut pairs = self.scenarios.iter().flat_map(|scenario| {
            let contestants = self.contestants.iter();
            contestants.map(move |contestant| contestant.can_run(scenario))
        });
        let parts = [
            ("algorithms", self.contestants.is_empty()),
            ("cluster sizes", self.nodes.is_empty()),
            ("scenarios", self.scenarios.is_empty()),
            ("runs", self.runs == 0),
            (
                "algorithms whose members can change, as the scenarios require",
                !pairs.any(|can_run| can_run),
            ),
            ("scenarios for clusters of this size", places.is_empty()),
        ];
        let empty = parts.into_iter().find(|(_, empty)| *empty);
        empty.map(|(what, _)| what)
    }

    /// Returns all [`Cell`]s of the sweep without their runs, in the order of [`run`](Self::run).
    #[must_use]
    pub fn empty_cells(&self) -> Vec<Cell> {
        let places = self.places();
        places.into_iter().map(Self::empty_cell).collect()
    }

    /// Returns the runs of a shard, each as the index of its cell in `places` and as its number in
    /// that cell, from 0.
    fn chosen(&self, shard: Shard, places: &[Place<'_>]) -> Vec<(usize, u64)> {
        // `rank` numbers the cells so that cells of one size follow each other. The size determines
        // most of the time that a run takes, and `Shard::has` distributes consecutive cells evenly.
        let mut by_size: Vec<usize> = (0..places.len()).collect();
        by_size.sort_by_key(|&place| places[place].nodes);
        let mut rank = vec![0; places.len()];
        for (number, &place) in by_size.iter().enumerate() {
            rank[place] = number as u64;
        }
        let of_cell = |place: usize| (0..self.runs).map(move |run| (place, run));
        (0..places.len())
            .flat_map(of_cell)
            .filter(|&(place, run)| shard.has(rank[place], run, self.runs))
            .collect()
    }

    /// Returns the number of [`Cell`]s: one for each contestant, scenario and size that fit
    /// together.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.places().len()
    }

    fn places(&self) -> Vec<Place<'_>> {
        let mut places = Vec::new();
        for contestant in &self.contestants {
            let scenarios = self.scenarios.iter();
            for scenario in scenarios.filter(|scenario| contestant.can_run(scenario)) {
                places.extend(scenario.sizes(&self.nodes).map(|nodes| Place {
                    contestant,
                    scenario,
                    nodes,
                }));
            }
        }
        places
    }

    fn one(&self, place: Place<'_>, number: u64) -> Result<Outcome, SweepError> {
        let job = Job {
            scenario: place.scenario,
            nodes: place.nodes,
            seed: self.seed.wrapping_add(number),
            trace: false,
            twice: self.always_twice || number == 0,
            false_suspicions: false,
        };
        let outcome = place.contestant.run(&job);
        outcome
            .map(|(outcome, _)| outcome)
            .map_err(|error| SweepError::Setup {
                contestant: place.contestant.label(),
                nodes: place.nodes,
                error,
            })
    }

    fn empty_cell(place: Place<'_>) -> Cell {
        Cell {
            algorithm: place.contestant.algorithm,
            variant: place.contestant.variant.clone(),
            guarantee: place.contestant.guarantee,
            nodes: place.nodes,
            scenario: place.scenario.name.clone(),
            outcomes: Vec::new(),
        }
    }
}

#[derive(Clone, Copy)]
struct Place<'a> {
    contestant: &'a Contestant,
    scenario: &'a Scenario,
    nodes: u64,
}
