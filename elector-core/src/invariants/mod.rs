//! What must hold in every run, and what a checker outside of the cluster must remember to check
//! that it holds.
//!
//! The simulator, the model checker, its walks and the fuzzer share this module. So an invariant
//! has one meaning and one name everywhere.
//!
//! - [`Invariant`]: the list of invariants, by name.
//! - [`InvariantViolation`]: an invariant that was violated, and what was seen.
//! - [`History`]: what was seen from outside since the beginning of a run. A history reports a
//!   violation as soon as the violation can be seen.

mod history;
mod invariant;
mod violation;

pub use history::History;
pub use invariant::Invariant;
pub use violation::InvariantViolation;
