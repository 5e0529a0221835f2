//! What all replicated logs have in common.
//!
//! A replicated log is an [`ElectionAlgorithm`](crate::ElectionAlgorithm) whose leader also
//! distributes commands of an application: see [`ReplicatedLog`]. Its nodes store the commands as
//! [entries](Entry) of a [`Log`], at the same [index](LogIndex) on all nodes. An entry is
//! *committed* when it can never change again. A state machine applies the committed entries in
//! the order of their indexes.

mod entry;
mod history;
mod index;
mod list;
mod progress;
mod replicated;

pub use entry::{Entry, EntryKind, Request};
pub use history::LogHistory;
pub use index::LogIndex;
pub use list::Log;
pub use progress::Progress;
pub use replicated::ReplicatedLog;
