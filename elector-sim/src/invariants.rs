//! What did not hold in a run.
//!
//! The invariants are the promises of [`elector_core::invariants`], all but `no-storm`. Most of them
//! are checked at every step; agreement, stability and determinism where a scenario is run
//! ([`crate::run`]).

use elector_core::{
    GuaranteeKind, NodeId,
    invariants::{History, Invariant, InvariantViolation},
};
use serde::Serialize;

/// An invariant that did not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The [name](Invariant::name) of the invariant.
    pub invariant: &'static str,
    /// When, in nanoseconds of virtual time.
    pub at_ns: u64,
    /// What was seen.
    pub detail: String,
}

/// The invariants of one run.
#[derive(Debug)]
pub(crate) struct Invariants {
    pub(crate) history: History,
    /// Two nodes that hold a lease, as long as they do.
    overlap: Option<InvariantViolation>,
    violations: Vec<Violation>,
}

/// A broken algorithm breaks its promise again and again; the first few tell the story.
const KEPT: usize = 32;

impl Invariants {
    pub(crate) fn new(guarantee: GuaranteeKind) -> Self {
        Self {
            history: History::new(guarantee),
            overlap: None,
            violations: Vec::new(),
        }
    }

    pub(crate) fn note(&mut self, promise: Invariant, at_ns: u64, detail: String) {
        if self.violations.len() < KEPT {
            self.violations.push(Violation {
                invariant: promise.name(),
                at_ns,
                detail,
            });
        }
    }

    pub(crate) fn broken(
        &mut self,
        breaches: impl IntoIterator<Item = InvariantViolation>,
        at_ns: u64,
    ) {
        for breach in breaches {
            self.note(breach.invariant(), at_ns, breach.to_string());
        }
    }

    /// These nodes hold a lease now. An overlap is reported once, when it begins.
    pub(crate) fn leased(&mut self, holders: impl IntoIterator<Item = NodeId>, at_ns: u64) {
        let overlap = self.history.leased(holders);
        if overlap != self.overlap {
            self.overlap = overlap;
            self.broken(overlap, at_ns);
        }
    }

    pub(crate) fn violations(&self) -> &[Violation] {
        &self.violations
    }
}
