use std::{fmt, path::Path};

use elector_core::{ElectionAlgorithm, OlderState, Payload};

use super::{
    disk::Medium,
    error::RecordError,
    slots::Slots,
    storage::{decode, encode},
};

/// A function that converts the encoded state of an algorithm with fixed members to a state of the
/// same algorithm whose members can change.
type Convert = fn(&[u8], &Path) -> Result<Vec<u8>, RecordError>;

/// The format in which an algorithm's state is stored in a record.
#[derive(Clone, Copy)]
pub(super) struct StateFormat {
    /// Whether this is the format of an algorithm whose members can change.
    pub(super) changes_members: bool,
    convert: Convert,
}

impl StateFormat {
    /// The format of an algorithm whose members are fixed.
    pub(super) const FIXED_MEMBERS: Self = Self {
        changes_members: false,
        convert: |state, _| Ok(state.to_vec()),
    };

    pub(super) fn of<A: ElectionAlgorithm>() -> Self {
        Self {
            changes_members: A::CHANGES_MEMBERS,
            convert: converted::<A>,
        }
    }

    /// Returns the state in the record, converted to this format. Returns `None` if the record
    /// already has this format.
    ///
    /// # Errors
    /// If the record is that of an algorithm whose members can change, and this format is for fixed
    /// members. Such a record cannot be converted.
    pub(super) fn state_of<M: Medium>(
        self,
        slots: &Slots<M>,
        path: &Path,
    ) -> Result<Option<Vec<u8>>, RecordError> {
        match (slots.changes_members(), self.changes_members) {
            (true, false) => Err(RecordError::ChangesMembers {
                path: path.to_path_buf(),
            }),
            (false, true) => (self.convert)(slots.state(), path).map(Some),
            (true, true) | (false, false) => Ok(None),
        }
    }
}

impl fmt::Debug for StateFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateFormat")
            .field("changes_members", &self.changes_members)
            .finish_non_exhaustive()
    }
}

fn converted<A: ElectionAlgorithm>(state: &[u8], path: &Path) -> Result<Vec<u8>, RecordError> {
    /// The encoded state of a node that has run, and the path of its record.
    struct Encoded<'a>(&'a [u8], &'a Path);

    impl OlderState for Encoded<'_> {
        fn read<D: Payload>(self) -> Option<D> {
            decode(self.0, self.1).ok().flatten()
        }
    }

    if state == encode::<()>(None)? {
        return Ok(state.to_vec()); // The node has never run.
    }
    let durable = A::from_older(Encoded(state, path)).ok_or_else(|| RecordError::Undecodable {
        path: path.to_path_buf(),
        error: postcard::Error::SerdeDeCustom,
    })?;
    encode(Some(&durable))
}
