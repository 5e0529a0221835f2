use std::{fmt, path::PathBuf};

use elector_core::NodeId;

use super::{
    error::RecordError,
    examine::{Examined, SlotState},
    identity::Identity,
    roster::{Roster, check_nodes},
    slot::SLOTS,
};

/// A summary of a record for people. [`Display`](fmt::Display) formats it as one line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordSummary {
    /// The identity in the record.
    pub identity: Identity,
    /// The number of the newest save. The creation of the record is save 1.
    pub sequence: u64,
    /// What the record says about the cluster; `None` if the record has the oldest format, which
    /// has no roster.
    pub roster: Option<Roster>,
    /// The path of the record.
    pub path: PathBuf,
    /// What each slot holds. A slot is the place of one saved state in the file. After a crash,
    /// some slots may hold an older state or no valid state. The next start repairs these slots.
    pub slots: [SlotState; SLOTS as usize],
}

impl RecordSummary {
    pub(super) fn of(Examined { newest, slots }: Examined, path: PathBuf) -> Self {
        Self {
            path,
            identity: newest.identity,
            sequence: newest.sequence,
            roster: newest.roster,
            slots,
        }
    }

    /// Checks that the node with this identity could start from the record. If the members are
    /// fixed, `nodes` must be the list of nodes in ascending order. If they can change, it must be
    /// `None`.
    ///
    /// # Errors
    /// If the record belongs to another node, or was made for other nodes.
    pub fn fits(&self, identity: &Identity, nodes: Option<&[NodeId]>) -> Result<(), RecordError> {
        self.identity.check(identity, &self.path)?;
        match (&self.roster, nodes) {
            (Some(roster), Some(nodes)) => check_nodes(roster, nodes, &self.path),
            _ => Ok(()),
        }
    }

    /// Returns `true` if there was a save after the creation of the record, which is save 1.
    #[must_use]
    pub fn has_run(&self) -> bool {
        self.sequence > 1
    }

    /// Returns `true` if every slot, each of which is a place for one saved state, holds the newest
    /// state.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.slots.iter().all(|slot| *slot == SlotState::Newest)
    }
}

impl fmt::Display for RecordSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sequence.saturating_sub(1) {
            0 => write!(f, "{}, never run", self.identity)?,
            1 => write!(f, "{}, saved once", self.identity)?,
            saves => write!(f, "{}, saved {saves} times", self.identity)?,
        }
        let of = |state| self.slots.iter().filter(|slot| **slot == state).count();
        match of(SlotState::Newest) {
            _ if self.is_whole() => f.write_str("; whole"),
            newest => write!(
                f,
                "; the newest state is in {newest} of {SLOTS} slots ({} older, {} invalid, \
                 {} unreadable)",
                of(SlotState::Older),
                of(SlotState::Invalid),
                of(SlotState::Unreadable)
            ),
        }
    }
}
