//! The invariants, which must hold in every run, and the history of a run, which a checker outside
//! of the cluster keeps to check the invariants.
//!
//! The simulator, the model checker, its random walks and the fuzzer share this module. So an
//! invariant has one meaning and one name everywhere.
//!
//! - [`Invariant`]: the list of the invariants, by name.
//! - [`InvariantViolation`]: a violation of an invariant, with what was seen.
//! - [`History`]: what was seen from outside since the beginning of a run. A history reports a
//!   violation as soon as the violation can be seen.

mod history;
mod invariant;
mod violation;

pub use history::History;
pub use invariant::Invariant;
pub use violation::InvariantViolation;
