use std::{fmt, num::NonZeroUsize, sync::Arc};

use elector_check::{Check, CheckConfig, CheckError, Finding, Report, Schedule, WalkReport, Walks};
use elector_core::{
    Comparable, Configuration, ElectionAlgorithm, MembersChange, NodeId, Variant, quorum::Reseat,
};
use elector_members::{Members, MembersConfig};
use elector_sim::Contestant;

use super::LabError;
use crate::{family::Family, nearest::nearest};

/// One variant of an algorithm, in the forms in which the subcommands run it.
#[derive(Clone)]
pub(crate) struct Entry {
    /// The variant, as the simulator runs it.
    pub(crate) contestant: Contestant,
    /// The configuration of the variant, for `manifest.json`.
    pub(crate) config: serde_json::Value,
    /// The variant with fixed members, as the model checker runs it.
    pub(crate) explorer: Explorer,
    /// The variant with members that change, as the model checker runs it; `None` if the members of
    /// the algorithm cannot change.
    pub(crate) changing: Option<Explorer>,
}

/// One variant, as the model checker runs it.
#[derive(Clone)]
pub(crate) struct Explorer {
    /// Searches the orders of events of the variant.
    pub(crate) checker: Checker,
    /// Runs walks (random runs of the variant), or repeats a schedule (a given list of events).
    pub(crate) walker: Walker,
}

/// A function that searches the orders of events of one variant within bounds, with the
/// configuration of the variant.
pub(crate) type Checker = Arc<dyn Fn(CheckConfig<()>) -> Result<Report, CheckError> + Send + Sync>;

/// A function that carries out a [`WalkRequest`] with one variant.
pub(crate) type Walker = Arc<dyn Fn(&WalkRequest) -> Result<WalkResult, CheckError> + Send + Sync>;

/// Which walks to run. A walk is a run of the model checker that does not search: it chooses each
/// event at random, or takes it from a schedule.
#[derive(Clone, Debug)]
pub(crate) struct WalkRequest {
    /// The number of nodes; `None` if each walk (run that does not search) draws the number at
    /// random.
    pub(crate) nodes: Option<u64>,
    /// Whether a walk (a run that does not search) may report a proof of death of a node that runs
    /// (a false proof).
    pub(crate) false_hints: bool,
    /// The changes of the members that a walk (a run that does not search) commands the leader to
    /// make.
    pub(crate) changes: Vec<MembersChange>,
    /// Whether the walks choose each event at random, or follow a given schedule (a list of
    /// events).
    pub(crate) mode: WalkMode,
}

/// Where a walk, which is a run of the model checker that does not search, takes its events from.
#[derive(Clone, Debug)]
pub(crate) enum WalkMode {
    /// Each event is drawn at random. The fields are the number of walks, the seed of the first
    /// walk, and the number of threads (`None` for one per core).
    Random {
        walks: u64,
        seed: u64,
        jobs: Option<NonZeroUsize>,
    },
    /// The events are those of this schedule (a list of events), in its order.
    Schedule(Schedule),
}

/// The result of a [`WalkRequest`].
#[derive(Clone, Debug)]
pub(crate) enum WalkResult {
    /// The summary of all random walks, which are runs that choose each event at random.
    Random(WalkReport),
    /// What happened in the one walk (run) that followed the schedule, a given list of events.
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

/// Returns the algorithm `A`, as the model checker runs it. `config` returns the configuration for
/// a number of nodes.
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

/// Returns the entries (variants of algorithms) with these names: `raft` for all variants,
/// `raft/plain` for one. Each entry occurs once, in the order of the names. Without names, returns
/// all entries.
///
/// # Errors
/// If a name is empty or unknown. The error for an unknown name suggests the most similar known
/// name.
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
/// If a name is empty or unknown. The error for an unknown name suggests the most similar known
/// name.
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

/// Returns the error for an entry (a variant of an algorithm) whose members are fixed. `changing`
/// is the scenario or the option that would change the members.
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

/// Returns all variants of an algorithm. If `name` also names a variant, as in `raft/plain`,
/// returns only this variant.
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
