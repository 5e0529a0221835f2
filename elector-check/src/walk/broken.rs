use std::{fmt, time::Duration};

use elector_core::invariants::{Invariant, InvariantViolation};

/// A promise that did not hold in a walk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The [name](Invariant::name) of the promise.
    pub promise: &'static str,
    /// What was seen.
    pub detail: String,
}

impl Broken {
    fn new(promise: Invariant, detail: String) -> Self {
        let promise = promise.name();
        Self { promise, detail }
    }

    pub(crate) fn storm(events: usize) -> Self {
        let detail = format!("{events} events, and there is no end");
        Self::new(Invariant::NoStorm, detail)
    }

    pub(crate) fn no_leader(after: Duration) -> Self {
        let seconds = after.as_secs_f64();
        let detail = format!("{seconds:.1} s after all faults ended the nodes do not agree");
        Self::new(Invariant::Agreement, detail)
    }
}

impl From<InvariantViolation> for Broken {
    fn from(breach: InvariantViolation) -> Self {
        Self::new(breach.invariant(), breach.to_string())
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.promise, self.detail)
    }
}
