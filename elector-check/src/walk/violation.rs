use std::{fmt, time::Duration};

use elector_core::invariants::{Invariant, InvariantViolation};

/// An invariant that did not hold in a random walk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The [name](Invariant::name) of the invariant.
    pub invariant: &'static str,
    /// What happened, as text.
    pub detail: String,
}

impl Violation {
    fn new(invariant: Invariant, detail: String) -> Self {
        let invariant = invariant.name();
        Self { invariant, detail }
    }

    pub(crate) fn storm(events: usize) -> Self {
        let detail = format!("{events} events, and the nodes still answer each other");
        Self::new(Invariant::NoStorm, detail)
    }

    pub(crate) fn no_leader(after: Duration) -> Self {
        let seconds = after.as_secs_f64();
        let detail = format!("{seconds:.1} s after all faults ended the nodes do not agree");
        Self::new(Invariant::Agreement, detail)
    }
}

impl From<InvariantViolation> for Violation {
    fn from(violation: InvariantViolation) -> Self {
        Self::new(violation.invariant(), violation.to_string())
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.detail)
    }
}
