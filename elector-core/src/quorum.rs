//! What the algorithms share that elect a leader by a majority, and protect it by a lease: Raft and
//! Paxos.
//!
//! - [`Phase`]: what a node is doing.
//! - [`LeaderState`]: the leader's side. Which peers acknowledge it, whether they are a quorum, and
//!   to which of them it may hand over.
//! - [`ElectionTimeout`]: the side of all others. To which leader a node owes silence, when it
//!   campaigns, and what evidence that the leader is gone changes about that.
//! - [`Rules`]: the members, the configuration, and the durations that follow from both.
//!
//! # Evidence
//!
//! A *suspicion* may be wrong: a proxy or a firewall can break a connection while the leader lives
//! and holds a lease. It prepares an election and ends no silence. *Silence* on the node's own
//! clock is longer than a lease, and a *proof* names a life that has ended: either frees the node.
//!
//! # Why the lease is safe
//!
//! A node that acknowledges a leader supports no other, itself included, for `election_min` after
//! that. A lease counts from the send time of the newest round that a majority acknowledged, and is
//! shorter than `election_min`. A majority that elects another leader shares a node with that
//! majority, so the lease has ended by then. A leader that hands over steps down first.

mod election_timeout;
mod leader_state;
mod phase;
mod rules;

pub use election_timeout::{Due, ElectionTimeout};
pub use leader_state::{CheckQuorum, LeaderState};
pub use phase::Phase;
pub use rules::Rules;

/// The names that an algorithm gives to the timers that all of them have.
pub trait ElectionTimers: Copy + Eq {
    /// The first part of the election timeout, exactly `election_min`.
    const VIGIL: Self;
    /// The rest of the election timeout, random. When it ends, the node campaigns.
    const STAGGER: Self;
    /// The wait for a rival that this node has supported before, when its own wait is over.
    const PAUSE: Self;
    /// A leader's next round of heartbeats.
    const HEARTBEAT: Self;
    /// For how long a leader may be without a quorum.
    const QUORUM: Self;
}
