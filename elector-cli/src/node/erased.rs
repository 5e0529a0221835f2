use std::{fmt::Debug, marker::PhantomData, path::Path, process::ExitCode};

use elector_core::Comparable;
use elector_net::{FileStorage, ListChange, RecordError, Recovery, StoppedNode};

use super::{
    algorithm, error::ServeError, serve::NodeStart, supervision::Supervision,
    workload::ElectionOnly,
};
use crate::family::Family;

/// An algorithm without its Rust type: the operations that the subcommands for nodes and data
/// folders need.
pub(crate) trait ErasedAlgorithm: Debug {
    /// Carries out `elector node` with this algorithm.
    fn node(&self, start: NodeStart<ElectionOnly>) -> Result<ExitCode, ServeError>;

    /// Carries out `elector run` with this algorithm.
    fn run(&self, start: NodeStart<Supervision>) -> Result<ExitCode, ServeError>;

    /// Reads the data folder of a stopped node, with [`FileStorage::stopped`].
    fn stopped(&self, folder: &Path) -> Result<StoppedNode, RecordError>;

    /// Changes the list of nodes in the data folder of a stopped node, with
    /// [`FileStorage::change`].
    fn change(&self, folder: &Path, change: &ListChange) -> Result<bool, RecordError>;

    /// Makes a stopped node the only voter of its cluster, with [`FileStorage::recover`].
    fn recover(&self, folder: &Path) -> Result<Recovery, RecordError>;
}

/// Returns the operations of the algorithm `A`, without its Rust type.
pub(crate) fn erased<A: Comparable>() -> Box<dyn ErasedAlgorithm> {
    Box::new(PhantomData::<A>)
}

impl<A: Comparable> ErasedAlgorithm for PhantomData<A> {
    fn node(&self, start: NodeStart<ElectionOnly>) -> Result<ExitCode, ServeError> {
        start.with::<A>()
    }

    fn run(&self, start: NodeStart<Supervision>) -> Result<ExitCode, ServeError> {
        start.with::<A>()
    }

    fn stopped(&self, folder: &Path) -> Result<StoppedNode, RecordError> {
        FileStorage::stopped::<A>(folder)
    }

    fn change(&self, folder: &Path, change: &ListChange) -> Result<bool, RecordError> {
        FileStorage::change::<A>(folder, change)
    }

    fn recover(&self, folder: &Path) -> Result<Recovery, RecordError> {
        FileStorage::recover::<A>(folder)
    }
}

/// Returns the algorithm with this name, for example `raft` or `raft/plain`. Without a name, it is
/// the first algorithm in `families`.
///
/// # Errors
/// If no algorithm has this name, or the list is empty.
pub(super) fn named<'a>(
    families: &'a [Family],
    name: Option<&str>,
) -> Result<&'a dyn ErasedAlgorithm, ServeError> {
    let family = match name {
        None => families.first(),
        Some(name) => {
            let (algorithm, _) = algorithm::split(name);
            families.iter().find(|family| family.name == algorithm)
        }
    };
    family
        .map(|family| &*family.nodes)
        .ok_or_else(|| ServeError::UnknownAlgorithm {
            name: name.unwrap_or_default().to_owned(),
            known: families.iter().map(|family| family.name).collect(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cli;

    // An operator who misspells a name must see the names of all algorithms, also of an algorithm
    // that only this program offers.
    #[test]
    fn the_error_for_an_unknown_algorithm_lists_all_algorithms() {
        let families = Cli::standard().families;
        for name in [None, Some("raft/plain"), Some("ring")] {
            assert!(named(&families, name).is_ok(), "{name:?}");
        }
        let error = named(&families, Some("rfat")).unwrap_err().to_string();
        assert_eq!(
            error,
            "there is no algorithm \"rfat\": choose raft, paxos, bully or ring"
        );
        let error = named(&families[..1], Some("ring")).unwrap_err().to_string();
        assert!(error.ends_with(": choose raft"), "{error}");
    }
}
