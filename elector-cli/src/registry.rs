use std::{fmt, num::NonZeroUsize, sync::Arc};

use elector_bully::Bully;
use elector_check::{Check, CheckConfig, CheckError, Finding, Report, Schedule, WalkReport, Walks};
use elector_core::{Comparable, ElectionAlgorithm, GuaranteeKind, Settings};
use elector_paxos::Paxos;
use elector_raft::Raft;
use elector_ring::Ring;
use elector_sim::{Contestant, nearest};

use crate::CliError;

/// An algorithm with its variants.
#[derive(Clone, Debug)]
pub(crate) struct Family {
    /// The algorithm's name.
    pub(crate) name: &'static str,
    /// One honest line.
    pub(crate) summary: &'static str,
    /// The variants; the first is the default.
    pub(crate) entries: Vec<Entry>,
}

/// One variant of one algorithm.
#[derive(Clone)]
pub(crate) struct Entry {
    /// It, ready to run.
    pub(crate) contestant: Contestant,
    /// Its configuration, for the record.
    pub(crate) config: serde_json::Value,
    /// The model checker, ready for it.
    pub(crate) checker: Checker,
    /// Random walks, ready for it.
    pub(crate) walker: Walker,
}

/// Searches one variant within bounds; their configuration is the variant's own.
pub(crate) type Checker = Arc<dyn Fn(CheckConfig<()>) -> Result<Report, CheckError> + Send + Sync>;

/// Walks of one variant.
pub(crate) type Walker = Arc<dyn Fn(&Route) -> Result<Walked, CheckError> + Send + Sync>;

/// Which walks to do.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    /// The size of the cluster; `None` draws it.
    pub(crate) nodes: Option<u64>,
    /// Whether hints may be wrong.
    pub(crate) false_hints: bool,
    /// The walks, or the schedule in place of them.
    pub(crate) way: Way,
}

/// How the cluster is led through its events.
#[derive(Clone, Debug)]
pub(crate) enum Way {
    /// So many random walks, from this seed on, on so many threads.
    Random {
        walks: u64,
        seed: u64,
        jobs: Option<NonZeroUsize>,
    },
    /// This schedule.
    Schedule(Schedule),
}

/// What came of it.
#[derive(Clone, Debug)]
pub(crate) enum Walked {
    /// Of random walks.
    Random(WalkReport),
    /// Of a schedule.
    Schedule(Finding),
}

impl Family {
    fn of<A: Comparable>() -> Self {
        let entries = A::variants().into_iter().map(|variant| Entry {
            walker: walker::<A>(variant.config.clone()),
            checker: checker::<A>(variant.config.clone()),
            config: serde_json::to_value(&variant.config).unwrap_or_default(),
            contestant: Contestant::variant::<A>(variant),
        });
        Self {
            name: A::NAME,
            summary: A::SUMMARY,
            entries: entries.collect(),
        }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Entry").field(&self.contestant).finish()
    }
}

fn checker<A: ElectionAlgorithm>(config: A::Config) -> Checker {
    Arc::new(move |bounds| {
        let mut config = config.clone();
        if let Some(time) = bounds.time {
            *config.timing_mut() = time.timing();
        }
        Check::<A>::new(bounds.with(config)).run()
    })
}

fn walker<A: ElectionAlgorithm>(config: A::Config) -> Walker {
    Arc::new(move |route| {
        let mut walks = Walks::<A>::new(config.clone());
        (walks.nodes, walks.false_proofs) = (route.nodes, route.false_hints);
        match &route.way {
            Way::Random {
                walks: count,
                seed,
                jobs,
            } => {
                (walks.walks, walks.seed, walks.jobs) = (*count, *seed, *jobs);
                walks.run().map(Walked::Random)
            }
            Way::Schedule(schedule) => walks.replay(schedule).map(Walked::Schedule),
        }
    })
}

/// Every algorithm there is: those that promise most come first.
#[must_use]
pub(crate) fn families() -> Vec<Family> {
    vec![
        Family::of::<Raft>(),
        Family::of::<Paxos>(),
        Family::of::<Bully>(),
        Family::of::<Ring>(),
    ]
}

/// The entries that these names stand for: `raft` for all its variants, `raft/plain` for one. Each
/// once, in the order of the names; all of them without names.
///
/// # Errors
/// If a name is empty or unknown; the error has the nearest one.
pub(crate) fn selected(
    families: &[Family],
    names: Option<&[String]>,
) -> Result<Vec<Entry>, CliError> {
    let Some(names) = names else {
        return Ok(families.iter().flat_map(|f| f.entries.clone()).collect());
    };
    let mut entries: Vec<Entry> = Vec::new();
    for name in names {
        for entry in named(families, name.trim())? {
            let label = entry.contestant.label();
            if entries
                .iter()
                .all(|known| known.contestant.label() != label)
            {
                entries.push(entry);
            }
        }
    }
    Ok(entries)
}

/// One entry: the named variant, or the algorithm's first.
///
/// # Errors
/// If a name is empty or unknown; the error has the nearest one.
pub(crate) fn one(
    families: &[Family],
    name: &str,
    variant: Option<&str>,
) -> Result<Entry, CliError> {
    let full = variant.map_or_else(|| name.to_owned(), |variant| format!("{name}/{variant}"));
    let found = named(families, &full)?.into_iter().next();
    found.ok_or(CliError::UnknownAlgorithm {
        asked: full,
        nearest: None,
    })
}

fn named(families: &[Family], name: &str) -> Result<Vec<Entry>, CliError> {
    let (algorithm, variant) = match name.split_once('/') {
        Some((algorithm, variant)) => (algorithm, Some(variant)),
        None => (name, None),
    };
    if algorithm.is_empty() || variant.is_some_and(str::is_empty) {
        return Err(CliError::EmptyName {
            option: "--algorithms",
            default: "all algorithms",
            example: "raft,bully/preempt",
        });
    }
    let Some(family) = families.iter().find(|family| family.name == algorithm) else {
        let known = families.iter().map(|family| family.name);
        return Err(CliError::UnknownAlgorithm {
            asked: algorithm.to_owned(),
            nearest: nearest(algorithm, known).map(str::to_owned),
        });
    };
    let Some(variant) = variant else {
        return Ok(family.entries.clone());
    };
    let known = || family.entries.iter().map(|e| e.contestant.variant.as_str());
    let found = family
        .entries
        .iter()
        .find(|e| e.contestant.variant == variant);
    found
        .map(|entry| vec![entry.clone()])
        .ok_or_else(|| CliError::UnknownVariant {
            algorithm: family.name.to_owned(),
            asked: variant.to_owned(),
            nearest: nearest(variant, known()).map(str::to_owned),
            known: known().map(str::to_owned).collect(),
        })
}

impl Family {
    /// What it promises; the same for all its variants.
    #[must_use]
    pub(crate) fn guarantee(&self) -> Option<GuaranteeKind> {
        self.entries.first().map(|entry| entry.contestant.guarantee)
    }
}
