//! Multi-Paxos: a replicated log whose distinguished proposer is the leader of *any* election.
//!
//! [`MultiPaxos`] wraps an election algorithm. A distinguished proposer ensures progress (Paxos
//! Made Simple, section 2.4). The paper leaves open how this proposer is elected, and safety does
//! not depend on it. If two nodes believe that they lead, which can happen under a best-effort
//! election, they may delay each other, but they never choose different entries for one index.
//!
//! # Messages
//!
//! | message | says | purpose |
//! |---|---|---|
//! | `Election` | a message of the election | as the message |
//! | `Prepare` | promise to accept nothing below this ballot (phase 1a) | application |
//! | `Promise` | I promise; and this is what I have accepted (1b) | application |
//! | `Reject` | I have promised a higher ballot | application |
//! | `Accept` | accept these entries; and this is chosen (phase 2a) | application |
//! | `Accepted` | I have accepted this ballot up to this entry (phase 2b) | application |
//! | `Fetch` | send me the chosen entries from this index on | application |
//! | `Learn` | these entries are chosen | application |
//!
//! # How entries are chosen
//!
//! A *slot* is the place for one entry of the log, and each slot is an instance of Paxos. A node
//! that begins to lead runs phase 1 once for all slots after the last one that it knows to be
//! chosen. For each slot for which the promises of a majority name an accepted entry, it proposes
//! the entry with the highest ballot. From then on it runs only phase 2, for many slots at once.
//! Its own write begins in the step after it sends, so it overlaps with the writes of the
//! acceptors.
//!
//! An acceptor accepts the entries of a ballot in their order. So its log has no gaps, and it
//! reports everything that it has accepted with one index. It takes part in phase 2 when it has all
//! entries that were chosen before the ballot: it fetches those that it misses.
//!
//! # Ballots
//!
//! A ballot is never used for two proposals. A pair of epoch and node would not be enough, because
//! a node may lead an epoch twice under a best-effort election. So the number of a ballot is higher
//! than that of every ballot that the node has promised, and the node promises its own ballot, on
//! its disk, before it proposes an entry with it. A proposer whose ballot is rejected waits for a
//! random time that grows with each rejection, and takes a higher ballot if it still leads.
//!
//! # Invariants
//!
//! - **P1** A node accepts nothing with a lower ballot than the one that it has promised, and its
//!   promise never goes back, not even across a crash.
//! - **P2** A proposer begins phase 2 only with promises of a majority, its own durable one among
//!   them. It proposes the entry with the highest ballot that the promises name for a slot.
//! - **P3** A node takes a slot for chosen only if it has the chosen entry in it.
//! - **P4** A chosen entry is never replaced by a different one.

mod acceptor;
mod algorithm;
mod durable;
mod learner;
mod message;
mod proposer;
mod replication;
mod state;

pub use durable::{MultiPaxosDurable, Slot};
pub use message::MultiPaxosMessage;
pub use state::{MultiPaxos, MultiPaxosTimer};
