use std::fmt;

use super::{
    examine::{Examined, SlotState},
    identity::Identity,
    roster::Roster,
    slot::SLOTS,
};

/// What a record says, for people. [`Display`](fmt::Display) puts it into one line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Whose record it is.
    pub identity: Identity,
    /// The number of the newest save; 1 is that of the making of the record.
    pub sequence: u64,
    /// What it says of the cluster; `None` in a record that was made before that was in it.
    pub roster: Option<Roster>,
    /// Its slots. Right after a crash some may be older or invalid; the next start mends them.
    pub slots: [SlotState; SLOTS as usize],
}

impl Summary {
    pub(super) fn of(Examined { newest, slots }: Examined) -> Self {
        Self {
            identity: newest.identity,
            sequence: newest.sequence,
            roster: newest.roster,
            slots,
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

impl fmt::Display for Summary {
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
