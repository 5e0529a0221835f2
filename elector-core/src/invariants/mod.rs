//! What must hold in every run, and what an observer outside the cluster must remember to check it.
//!
//! The simulator, the model checker, its walks and the fuzzer share this module, so that a promise
//! has one meaning and one name everywhere.
//!
//! - [`Invariant`]: the list of them, by name;
//! - [`InvariantViolation`]: a promise that was broken, and what was seen;
//! - [`History`]: what was seen from outside since the beginning of a run. It reports a breach as
//!   soon as one can be seen.

mod history;
mod invariant;
mod violation;

pub use history::History;
pub use invariant::Invariant;
pub use violation::InvariantViolation;
