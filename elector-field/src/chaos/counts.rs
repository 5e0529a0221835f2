use std::{collections::BTreeMap, fmt, time::Duration};

use super::plan::Kind;

/// Counts the faults of a cluster, and how its nodes ended.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) faults: BTreeMap<Kind, usize>,
    /// How often nodes ended in each way. The key has two parts: the last fault that may have ended
    /// the node, and the way in which it ended, for example `signal 9`.
    ends: BTreeMap<(Option<Kind>, String), usize>,
    pub(super) leases: usize,
    /// The longest time from the repair of all faults until a leader ran its command, the program
    /// that a node runs while it leads.
    pub(super) recovery: Duration,
}

impl Counts {
    pub(super) fn add_end(&mut self, after: Option<Kind>, how: &str) {
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

/// Returns `true` if a node may end in the way `how` after a fault of the kind `after`.
pub(super) fn is_expected(after: Option<Kind>, how: &str) -> bool {
    match after {
        Some(Kind::Kill) => how == "signal 9",
        // A node ends with code 4 when its guardian, the process that kills the command before the
        // lease ends, has failed. A node that has just been started may have no guardian yet. Then
        // the trial kills the node itself (signal 9), or the node cannot start without the guardian
        // (code 2).
        Some(Kind::KillGuardian) => ["code 4", "code 2", "signal 9"].contains(&how),
        // Signal 9 is the signal to the node itself. The node may notice the end of its guardian
        // (the process that kills the command before the lease ends) before that signal arrives,
        // and then ends with code 4.
        Some(Kind::KillBoth) => how == "signal 9" || how == "code 4",
        // A node that shuts down as requested ends with code 0. A node that has just been started
        // does not handle SIGTERM yet, so the signal ends it. It runs no command of a leader at
        // that time.
        Some(Kind::End) => how == "code 0" || how == "signal 15",
        // Code 3 means that the node has stopped because of its disk. Code 2 means that it could
        // not start without its disk.
        Some(Kind::FailDisk) => how == "code 3" || how == "code 2",
        // The node ends with code 4 if its guardian, which must kill the command before the lease
        // ends, does not do so within a second.
        Some(Kind::PauseGuardian) => how == "code 4",
        // The command (the program that a leader runs) of the node's last life, which is its last
        // process, still used the address at which the node listens. So the node could not start.
        None => how == "code 2",
        _ => false,
    }
}
