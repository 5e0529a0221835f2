use std::{fmt::Debug, marker::PhantomData, path::Path, process::ExitCode};

use elector_core::Comparable;
use elector_net::{FileStorage, ListChange, RecordError, StoppedNode};

use super::{algorithm, command::Supervision, duty::Nothing, error::ServeError, serve::Start};
use crate::family::Family;

/// An algorithm, whatever its type: what the commands of a node do with it.
pub(crate) trait ErasedAlgorithm: Debug {
    /// `elector node`.
    fn node(&self, start: Start<Nothing>) -> Result<ExitCode, ServeError>;

    /// `elector run`.
    fn run(&self, start: Start<Supervision>) -> Result<ExitCode, ServeError>;

    /// [`FileStorage::stopped`].
    fn stopped(&self, folder: &Path) -> Result<StoppedNode, RecordError>;

    /// [`FileStorage::change`].
    fn change(&self, folder: &Path, change: &ListChange) -> Result<bool, RecordError>;
}

/// An algorithm by its type.
#[derive(Debug)]
struct Typed<A>(PhantomData<A>);

/// This algorithm, without its type.
pub(crate) fn erased<A: Comparable>() -> Box<dyn ErasedAlgorithm> {
    Box::new(Typed::<A>(PhantomData))
}

impl<A: Comparable> ErasedAlgorithm for Typed<A> {
    fn node(&self, start: Start<Nothing>) -> Result<ExitCode, ServeError> {
        start.with::<A>()
    }

    fn run(&self, start: Start<Supervision>) -> Result<ExitCode, ServeError> {
        start.with::<A>()
    }

    fn stopped(&self, folder: &Path) -> Result<StoppedNode, RecordError> {
        FileStorage::stopped::<A>(folder)
    }

    fn change(&self, folder: &Path, change: &ListChange) -> Result<bool, RecordError> {
        FileStorage::change::<A>(folder, change)
    }
}

/// The algorithm of this name, as `raft` or `raft/plain`, or else the first one.
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
    let known = || families.iter().map(|family| family.name).collect();
    family
        .map(|family| &*family.nodes)
        .ok_or_else(|| ServeError::UnknownAlgorithm {
            asked: name.unwrap_or_default().to_owned(),
            known: known(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cli;

    // An operator who mistypes the name must see which there are, also those of another program.
    #[test]
    fn an_unknown_algorithm_is_answered_with_all_there_are() {
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
