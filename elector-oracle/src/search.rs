//! Searches through the states of the model.

use crate::model::{Reconfiguration, State, Step};
use stateright::{Checker, HasDiscoveries, Model};

/// A counterexample to a property: a path of steps and states that begins with an initial state.
#[derive(Clone, Debug)]
pub struct Counterexample<const N: usize> {
    /// The property that fails in the last state.
    pub property: &'static str,
    /// The states of the path, each with the step that leads to the next state. The last state has
    /// no step.
    pub path: Vec<(State<N>, Option<Step>)>,
}

impl<const N: usize> Counterexample<N> {
    /// Returns the number of states on the path. TLC, the model checker of TLA+, prints this number
    /// as the depth.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.path.len()
    }
}

/// What a search over all states within the bounds (of terms and versions) found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// The number of distinct initial states.
    pub initial: usize,
    /// The number of initial states plus the number of steps to states within the bounds.
    pub generated: usize,
    /// The number of distinct states within the bounds, initial states included.
    pub distinct: usize,
    /// The depth: the largest number of states on the path by which the search reached a state. It
    /// is exact with one thread, and an upper bound with more threads.
    pub depth: usize,
    /// The names of the properties that fail in some state.
    pub failed: Vec<&'static str>,
}

/// Visits all states within the bounds of the model, and counts them.
#[must_use]
pub fn count<const N: usize>(model: Reconfiguration<N>, threads: usize) -> Counts {
    let initial = model.init_states().len();
    let checker = model.checker().threads(threads).spawn_bfs().join();
    let mut failed: Vec<_> = checker.discoveries().into_keys().collect();
    failed.sort_unstable();
    let (generated, distinct) = (checker.state_count(), checker.unique_state_count());
    Counts {
        initial,
        generated,
        distinct,
        depth: checker.max_depth(),
        failed,
    }
}

/// Returns a shortest counterexample to one of the model's properties, if there is any.
///
/// If a property fails while another property still holds, the checker visits some more states and
/// keeps the last failure that it finds, which may have a longer path. So this function repeats the
/// search with a smaller depth until the search finds nothing.
#[must_use]
pub fn shortest<const N: usize>(model: &Reconfiguration<N>) -> Option<Counterexample<N>> {
    let mut found = search(model, None)?;
    while let Some(shorter) = search(model, Some(found.depth())) {
        found = shorter;
    }
    Some(found)
}

/// Searches the states that have less than the given depth; all states if `depth` is `None`. The
/// search uses one thread, so that it visits the states in the order of their depth.
fn search<const N: usize>(
    model: &Reconfiguration<N>,
    depth: Option<usize>,
) -> Option<Counterexample<N>> {
    let builder = model
        .clone()
        .checker()
        .finish_when(HasDiscoveries::AnyFailures);
    let checker = builder
        .target_max_depth(depth.unwrap_or(0))
        .spawn_bfs()
        .join();
    let shortest = checker.discoveries().into_iter().map(|(property, path)| {
        let path = path.into_vec();
        Counterexample { property, path }
    });
    shortest.min_by_key(|found| (found.depth(), found.property))
}
