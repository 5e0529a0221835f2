//! The violations of a run.
//!
//! Every run checks all invariants of [`elector_core::invariants`] except `no-storm`. The
//! simulation itself checks most of them, at every step. The functions of [`crate::run`] check
//! agreement, stability and determinism.

use elector_core::{
    GuaranteeKind, NodeId,
    invariants::{History, Invariant, InvariantViolation},
};
use serde::Serialize;

/// A state that breaks an invariant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The [name](Invariant::name) of the invariant.
    pub invariant: &'static str,
    /// When the violation was seen, in nanoseconds of virtual time.
    pub at_ns: u64,
    /// A text about what was seen.
    pub detail: String,
}

/// The text at the beginning of [`Violation::detail`], if the violation occurred in the additional
/// run with false suspicions: see [`run_suspected`](crate::run::run_suspected).
const SUSPECTED: &str = "with --false-suspicions: ";

impl Violation {
    /// Returns `true` if the violation occurred in the additional run with false suspicions: see
    /// [`run_suspected`](crate::run::run_suspected).
    #[must_use]
    pub fn needs_false_suspicions(&self) -> bool {
        self.detail.starts_with(SUSPECTED)
    }

    /// Returns this violation with a note in its detail: it occurred in the additional run with
    /// false suspicions.
    pub(crate) fn with_false_suspicions(self) -> Self {
        Self {
            detail: format!("{SUSPECTED}{}", self.detail),
            ..self
        }
    }
}

/// Checks the invariants of one run, and keeps the violations.
#[derive(Debug)]
pub(crate) struct Invariants {
    pub(crate) history: History,
    /// The violation that exists now because two nodes hold a lease at the same time; `None` if at
    /// most one node holds a lease.
    overlap: Option<InvariantViolation>,
    violations: Vec<Violation>,
}

/// How many violations of a run are kept. A faulty algorithm violates an invariant again and again,
/// and the first violations are enough to find the fault.
const MAX_VIOLATIONS: usize = 32;

impl Invariants {
    pub(crate) fn new(guarantee: GuaranteeKind) -> Self {
        Self {
            history: History::new(guarantee),
            overlap: None,
            violations: Vec::new(),
        }
    }

    pub(crate) fn record(&mut self, invariant: Invariant, at_ns: u64, detail: String) {
        if self.violations.len() < MAX_VIOLATIONS {
            self.violations.push(Violation {
                invariant: invariant.name(),
                at_ns,
                detail,
            });
        }
    }

    pub(crate) fn record_all(
        &mut self,
        violations: impl IntoIterator<Item = InvariantViolation>,
        at_ns: u64,
    ) {
        for violation in violations {
            self.record(violation.invariant(), at_ns, violation.to_string());
        }
    }

    /// Checks that at most one node holds a lease. `holders` are the nodes that hold a lease now.
    /// Records a violation when two leases begin to overlap, but not again while they still
    /// overlap.
    pub(crate) fn leased(&mut self, holders: impl IntoIterator<Item = NodeId>, at_ns: u64) {
        let overlap = self.history.leased(holders);
        if overlap != self.overlap {
            self.overlap = overlap;
            self.record_all(overlap, at_ns);
        }
    }

    pub(crate) fn violations(&self) -> &[Violation] {
        &self.violations
    }
}
