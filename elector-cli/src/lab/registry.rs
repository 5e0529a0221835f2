use std::{fmt, num::NonZeroUsize, sync::Arc};

use elector_check::{Check, CheckConfig, CheckError, Finding, Report, Schedule, WalkReport, Walks};
use elector_core::{
    Comparable, Configuration, ElectionAlgorithm, MembersChange, NodeId, Variant, quorum::Reseat,
};
use elector_members::{Members, MembersConfig};
use elector_sim::Contestant;

use super::LabError;
use crate::{family::Family, nearest::nearest};

/// One variant of an algorithm.
#[derive(Clone)]
pub(crate) struct Entry {
    /// The variant for the simulator.
    pub(crate) contestant: Contestant,
    /// Its configuration, for `manifest.json`.
    pub(crate) config: serde_json::Value,
    /// The variant for the model checker, with fixed members.
    pub(crate) explorer: Explorer,
    /// The same with members that change; `None` if they cannot change.
    pub(crate) changing: Option<Explorer>,
}

/// One variant for the model checker.
#[derive(Clone)]
pub(crate) struct Explorer {
    /// Runs a search.
    pub(crate) checker: Checker,
    /// Runs walks, or a schedule.
    pub(crate) walker: Walker,
}

/// Searches one variant within bounds, with the configuration of the variant.
pub(crate) type Checker = Arc<dyn Fn(CheckConfig<()>) -> Result<Report, CheckError> + Send + Sync>;

/// Runs walks of one variant.
pub(crate) type Walker = Arc<dyn Fn(&WalkRequest) -> Result<WalkResult, CheckError> + Send + Sync>;

/// The walks to run.
#[derive(Clone, Debug)]
pub(crate) struct WalkRequest {
    /// The number of nodes. With `None`, each walk draws it.
    pub(crate) nodes: Option<u64>,
    /// Allows false proofs of death.
    pub(crate) false_hints: bool,
    /// The changes that the leader is commanded to make.
    pub(crate) changes: Vec<MembersChange>,
    /// Random walks, or a schedule in place of them.
    pub(crate) mode: WalkMode,
}

/// The source of the order of events.
#[derive(Clone, Debug)]
pub(crate) enum WalkMode {
    /// Random walks: their number, the first seed, and the number of threads.
    Random {
        walks: u64,
        seed: u64,
        jobs: Option<NonZeroUsize>,
    },
    /// A given schedule.
    Schedule(Schedule),
}

/// The result of walks.
#[derive(Clone, Debug)]
pub(crate) enum WalkResult {
    /// The result of random walks.
    Random(WalkReport),
    /// The result of a schedule.
    Schedule(Finding),
}

/// Returns every variant of an algorithm whose members are fixed.
pub(crate) fn entries<A: Comparable>() -> Vec<Entry> {
    A::variants().into_iter().map(entry::<A>).collect()
}

/// Returns every variant of an algorithm whose members can change.
pub(crate) fn entries_with_members<A: Comparable + Reseat>() -> Vec<Entry> {
    let entries = A::variants().into_iter().map(|variant| {
        let config = variant.config.clone();
        let fixed = entry::<A>(variant);
        Entry {
            changing: Some(explorer::<Members<A>>(changing(config.clone()))),
            contestant: fixed.contestant.with_members::<A>(config),
            ..fixed
        }
    });
    entries.collect()
}

fn entry<A: Comparable>(variant: Variant<A::Config>) -> Entry {
    let config = variant.config.clone();
    Entry {
        explorer: explorer::<A>(move |_| config.clone()),
        changing: None,
        config: serde_json::to_value(&variant.config).unwrap_or_default(),
        contestant: Contestant::variant::<A>(variant),
    }
}

/// Returns the configuration of a cluster in which all nodes but the last vote at first.
fn changing<C: Clone>(algorithm: C) -> impl Fn(u64) -> MembersConfig<C> + Clone {
    move |nodes| MembersConfig {
        first: (1..nodes).map(NodeId).collect(),
        ..algorithm.clone().into()
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Entry").field(&self.contestant).finish()
    }
}

/// Returns the algorithm for the model checker. `config` returns the configuration for a number of
/// nodes.
fn explorer<A: ElectionAlgorithm>(
    config: impl Fn(u64) -> A::Config + Clone + Send + Sync + 'static,
) -> Explorer {
    let of_size = config.clone();
    Explorer {
        checker: Arc::new(move |bounds| {
            let mut config = of_size(bounds.nodes);
            if let Some(time) = bounds.time {
                *config.timing_mut() = time.timing();
            }
            Check::<A>::new(bounds.with(config)).run()
        }),
        walker: Arc::new(move |request| walk::<A>(config(request.nodes.unwrap_or(1)), request)),
    }
}

fn walk<A: ElectionAlgorithm>(
    config: A::Config,
    request: &WalkRequest,
) -> Result<WalkResult, CheckError> {
    let mut walks = Walks::<A>::new(config);
    (walks.nodes, walks.false_proofs) = (request.nodes, request.false_hints);
    walks.changes.clone_from(&request.changes);
    match &request.mode {
        WalkMode::Random {
            walks: count,
            seed,
            jobs,
        } => {
            (walks.walks, walks.seed, walks.jobs) = (*count, *seed, *jobs);
            walks.run().map(WalkResult::Random)
        }
        WalkMode::Schedule(schedule) => walks.replay(schedule).map(WalkResult::Schedule),
    }
}

/// Returns the entries with these names: `raft` for all variants, `raft/plain` for one. Each entry
/// occurs once, in the order of the names. Without names, returns all entries.
///
/// # Errors
/// If a name is empty or unknown; the error names the nearest one.
pub(crate) fn selected(
    families: &[Family],
    names: Option<&[String]>,
) -> Result<Vec<Entry>, LabError> {
    let Some(names) = names else {
        return Ok(families.iter().flat_map(|f| f.entries.clone()).collect());
    };
    let mut entries: Vec<Entry> = Vec::new();
    for name in names {
        for entry in lookup(families, name.trim())? {
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

/// Returns one entry: the named variant, or the first variant of the algorithm.
///
/// # Errors
/// If a name is empty or unknown; the error names the nearest one.
pub(crate) fn single<'a>(
    families: &'a [Family],
    name: &str,
    variant: Option<&str>,
) -> Result<&'a Entry, LabError> {
    let full = variant.map_or_else(|| name.to_owned(), |variant| format!("{name}/{variant}"));
    lookup(families, &full)?
        .first()
        .ok_or(LabError::UnknownAlgorithm {
            asked: full,
            nearest: None,
        })
}

/// Returns the error for an entry whose members are fixed. `changing` is what would change them.
pub(crate) fn fixed_members(families: &[Family], changing: String, entry: &Entry) -> LabError {
    let all = families.iter().flat_map(|family| &family.entries);
    let able = all.filter(|entry| entry.contestant.can_change_members());
    let mut able: Vec<&str> = able.map(|entry| entry.contestant.algorithm).collect();
    able.dedup();
    LabError::FixedMembers {
        changing,
        algorithm: entry.contestant.label(),
        able: able.join(", "),
    }
}

/// Returns all variants of an algorithm, or the one with the given name.
fn lookup<'a>(families: &'a [Family], name: &str) -> Result<&'a [Entry], LabError> {
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
