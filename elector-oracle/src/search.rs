//! Searches over the model.

use crate::model::{Reconfiguration, State, Step};
use stateright::{Checker, HasDiscoveries, Model};

/// A counterexample: the steps and the states, of which the first one is an initial state.
#[derive(Clone, Debug)]
pub struct Counterexample<const N: usize> {
    /// The property that fails in the last state.
    pub property: &'static str,
    /// The states and the step that leaves each. The last one has none.
    pub path: Vec<(State<N>, Option<Step>)>,
}

impl<const N: usize> Counterexample<N> {
    /// Returns the number of states on the path, which is the depth that TLC prints.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.path.len()
    }
}

/// What a search over all states within the bounds found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// The number of distinct initial states.
    pub initial: usize,
    /// The number of steps within the bounds, and the initial states.
    pub generated: usize,
    /// The number of distinct states.
    pub distinct: usize,
    /// The depth. It is exact with one thread, and an upper bound with more.
    pub depth: usize,
    /// The properties that fail.
    pub failed: Vec<&'static str>,
}

/// Visits all states within the bounds.
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
/// If a property fails while another one still holds, the checker looks at some more states and
/// keeps the last failure. So the search is repeated with a smaller depth until it finds nothing.
#[must_use]
pub fn shortest<const N: usize>(model: &Reconfiguration<N>) -> Option<Counterexample<N>> {
    let mut found = search(model, None)?;
    while let Some(shorter) = search(model, Some(found.depth())) {
        found = shorter;
    }
    Some(found)
}

/// Searches the states of less than the given depth, with one thread for an exact order.
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
