use std::{collections::BTreeMap, fmt, time::Duration};

use super::plan::Kind;

/// What was done to a cluster, and what it did.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) faults: BTreeMap<Kind, usize>,
    /// How nodes ended, and after which fault.
    ends: BTreeMap<(Option<Kind>, String), usize>,
    pub(super) leases: usize,
    /// The longest that a healed cluster took.
    pub(super) healing: Duration,
}

impl Counts {
    pub(super) fn end(&mut self, after: Option<Kind>, how: &str) {
        *self.ends.entry((after, how.to_owned())).or_default() += 1;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults = self.faults.iter();
        let faults: Vec<_> = faults
            .map(|(kind, count)| format!("{count} {kind:?}"))
            .collect();
        writeln!(f, "Faults: {}", faults.join(", "))?;
        let ends = self.ends.iter().map(|((after, how), count)| match after {
            Some(kind) => format!("{count} {how} after {kind:?}"),
            None => format!("{count} {how}"),
        });
        let ends: Vec<_> = ends.collect();
        write!(f, "Ends of nodes: {}", ends.join(", "))
    }
}

/// Whether a node may end like this after such a fault.
pub(super) fn expected(after: Option<Kind>, how: &str) -> bool {
    match after {
        Some(Kind::Kill) => how == "signal 9",
        // A node that has just been started may have no guardian yet, or cannot start without.
        Some(Kind::KillGuardian) => ["code 4", "code 2", "signal 9"].contains(&how),
        // The end of the guardian may be seen before its own.
        Some(Kind::KillBoth) => how == "signal 9" || how == "code 4",
        // A node that has just been started does not heed the signal yet, and has no command.
        Some(Kind::End) => how == "code 0" || how == "signal 15",
        // It cannot be started without its disk.
        Some(Kind::FailDisk) => how == "code 3" || how == "code 2",
        // One that does not kill the command for a second is given up.
        Some(Kind::PauseGuardian) => how == "code 4",
        // Its address was not free yet.
        None => how == "code 2",
        _ => false,
    }
}
