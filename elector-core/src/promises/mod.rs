//! What must hold in every run, and what an observer outside the cluster must remember to check it.
//!
//! The simulator, the model checker, its walks and the fuzzer share this module, so that a promise
//! has one meaning and one name everywhere.
//!
//! - [`Promise`]: the list of them, by name;
//! - [`Breach`]: a promise that was broken, and what was seen;
//! - [`History`]: what was seen from outside since the beginning of a run. It reports a breach as
//!   soon as one can be seen.

mod breach;
mod history;
mod promise;

pub use breach::Breach;
pub use history::History;
pub use promise::Promise;
