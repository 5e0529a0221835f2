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
