use std::{fmt, num::NonZeroUsize, sync::Arc};

use elector_check::{Check, CheckConfig, CheckError, Finding, Report, Schedule, WalkReport, Walks};
use elector_core::{Comparable, ElectionAlgorithm, Settings};
use elector_sim::Contestant;

use super::LabError;
use crate::{family::Family, nearest::nearest};

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

/// Every variant of this algorithm.
pub(crate) fn entries<A: Comparable>() -> Vec<Entry> {
    let entries = A::variants().into_iter().map(|variant| Entry {
        walker: walker::<A>(variant.config.clone()),
        checker: checker::<A>(variant.config.clone()),
        config: serde_json::to_value(&variant.config).unwrap_or_default(),
        contestant: Contestant::variant::<A>(variant),
    });
    entries.collect()
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

/// The entries that these names stand for: `raft` for all its variants, `raft/plain` for one. Each
/// once, in the order of the names; all of them without names.
///
/// # Errors
/// If a name is empty or unknown; the error has the nearest one.
pub(crate) fn selected(
    families: &[Family],
    names: Option<&[String]>,
) -> Result<Vec<Entry>, LabError> {
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
                entries.push(entry.clone());
            }
        }
    }
    Ok(entries)
}

/// One entry: the named variant, or the algorithm's first.
///
/// # Errors
/// If a name is empty or unknown; the error has the nearest one.
pub(crate) fn one<'a>(
    families: &'a [Family],
    name: &str,
    variant: Option<&str>,
) -> Result<&'a Entry, LabError> {
    let full = variant.map_or_else(|| name.to_owned(), |variant| format!("{name}/{variant}"));
    named(families, &full)?
        .first()
        .ok_or(LabError::UnknownAlgorithm {
            asked: full,
            nearest: None,
        })
}

/// All variants of an algorithm, or the one that is named.
fn named<'a>(families: &'a [Family], name: &str) -> Result<&'a [Entry], LabError> {
    let (algorithm, variant) = match name.split_once('/') {
        Some((algorithm, variant)) => (algorithm, Some(variant)),
        None => (name, None),
    };
    if algorithm.is_empty() || variant.is_some_and(str::is_empty) {
        return Err(LabError::EmptyName {
            option: "--algorithms",
            default: "all algorithms",
            example: "raft,bully/preempt",
        });
    }
    let Some(family) = families.iter().find(|family| family.name == algorithm) else {
        let known = families.iter().map(|family| family.name);
        return Err(LabError::UnknownAlgorithm {
            asked: algorithm.to_owned(),
            nearest: nearest(algorithm, known).map(str::to_owned),
        });
    };
    let entries = &family.entries;
    let Some(variant) = variant else {
        return Ok(entries);
    };
    let known = entries
        .iter()
        .map(|entry| entry.contestant.variant.as_str());
    match known.clone().position(|name| name == variant) {
        Some(at) => Ok(&entries[at..=at]),
        None => Err(LabError::UnknownVariant {
            algorithm: family.name.to_owned(),
            asked: variant.to_owned(),
            nearest: nearest(variant, known.clone()).map(str::to_owned),
            known: known.map(str::to_owned).collect(),
        }),
    }
}
