//! Raft with its log: the leader replicates the commands of an application (section 5.3).
//!
//! [`RaftLog`] wraps the election [`Raft`](crate::Raft). The election compares the ends of the
//! logs in its votes (section 5.4.1), so a leader has every committed entry. The heartbeats and the
//! lease are those of the election.
//!
//! # Messages
//!
//! | message | says | purpose |
//! |---|---|---|
//! | `Election` | a message of the election | as the message |
//! | `Append` | append these entries after this one; and this is committed | application |
//! | `Stored` | my log is equal to yours up to this entry, and on my disk | application |
//! | `Ask` | what is committed? | application |
//! | `Conflict` | my log differs from yours there; it may be equal up to here | application |
//!
//! In figure 2 of the paper, `Append` is `AppendEntries`, and `Stored` and `Conflict` are its
//! results. A heartbeat of the paper is an `AppendEntries` without entries; here it is a message of
//! the election.
//!
//! # How entries are committed
//!
//! A leader appends a command to its log and sends it to all followers in the same step. Its own
//! write begins in the next step, so it overlaps with the writes of the followers. An entry is
//! committed when a majority has it on disk and it has the term of the leader. Entries of earlier
//! terms are never committed by counting: they are committed with the first entry of the leader's
//! own term that comes after them (section 5.4.2 and figure 8). So that there is such an entry, a
//! new leader appends an empty one first.
//!
//! Followers learn what is committed from the next `Append`, at the latest one heartbeat later.
//!
//! # Flow control
//!
//! A leader that does not know where the log of a follower ends sends one `Append` and waits for
//! the answer (*probing*). Each `Conflict` skips all entries of a term at once. After the first
//! `Stored`, the leader sends new entries without waiting, up to a limit of entries without an
//! answer (*streaming*). If nothing is answered for a heartbeat interval, it probes again.
//!
//! # Invariants
//!
//! - **L1** Terms in a log never go down with the index.
//! - **L2** The election knows the end of the log that is on disk: votes compare it.
//! - **L3** If two logs have an entry with the same index and term, they have the same entries up
//!   to it (log matching).
//! - **L4** A follower never removes a committed entry.
//! - **L5** A leader commits by counting only entries of its own term.
//! - **L6** A node takes an entry for committed only if its log is equal to the leader's up to that
//!   entry.

mod algorithm;
mod config;
mod durable;
mod follower;
mod leader;
mod message;
mod state;

pub use config::RaftLogConfig;
pub use durable::RaftLogDurable;
pub use message::RaftLogMessage;
pub use state::{RaftLog, RaftLogTimer};
