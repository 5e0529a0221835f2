use std::{fmt, path::PathBuf};

use elector_core::NodeId;

use super::{
    error::RecordError,
    examine::{Examined, SlotState},
    identity::Identity,
    roster::{Roster, has_nodes},
    slot::SLOTS,
};

/// What a record says, for people. [`Display`](fmt::Display) puts it into one line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordSummary {
    /// Whose record it is.
    pub identity: Identity,
    /// The number of the newest save; 1 is that of the making of the record.
    pub sequence: u64,
    /// What it says of the cluster; `None` in a record that was made before that was in it.
    pub roster: Option<Roster>,
    /// Where the record is.
    pub path: PathBuf,
    /// Its slots. Right after a crash some may be older or invalid; the next start mends them.
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

    /// Checks that this node, in a cluster of these nodes, in ascending order, could start from the
    /// record.
    ///
    /// # Errors
    /// If it is another node's; if it was made for other nodes.
    pub fn fits(&self, identity: &Identity, nodes: &[NodeId]) -> Result<(), RecordError> {
        if self.identity != *identity {
            return Err(RecordError::Foreign {
                path: self.path.clone(),
                found: Box::new(self.identity.clone()),
                wanted: Box::new(identity.clone()),
            });
        }
        match &self.roster {
            Some(roster) => has_nodes(roster, nodes, &self.path),
            None => Ok(()),
        }
    }

    /// Whether the node has ever saved anything.
    #[must_use]
    pub fn has_run(&self) -> bool {
        self.sequence > 1
    }

    /// Whether every slot holds the newest state.
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
