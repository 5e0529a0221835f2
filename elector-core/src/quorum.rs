//! What the algorithms share that elect a leader by a majority, and protect it by a lease: Raft and
//! Paxos. [`QuorumNode`] is the state of a node that all of them have. It takes durations from
//! [`Rules`], sets the timers, and returns decisions; the algorithms send the messages.
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
mod leader;
mod node;
mod phase;
mod rules;

use core::{fmt::Debug, hash::Hash};

pub use election_timeout::Due;
pub use leader::Accepted;
pub use node::QuorumNode;
pub use phase::{LeaderState, Phase};
pub use rules::Rules;

use crate::ElectionAlgorithm;

/// What an algorithm that elects by a majority calls the things that all of them have.
///
/// If [`has_lease`](ElectionAlgorithm::has_lease) returns `true`, a leader that no majority
/// acknowledges for `election_min` steps down, and followers owe it silence. Otherwise neither is
/// so.
pub trait QuorumElection: ElectionAlgorithm<Config: Eq> {
    /// The state of a node that tries to be elected.
    type Candidacy: Clone + Debug + Eq + Hash;
    /// A request of a peer for support in an election.
    type Request: Copy + Debug + Eq + Hash;

    /// The first part of the election timeout, exactly `election_min`.
    const VIGIL: Self::Timer;
    /// The rest of the election timeout, random. When it ends, the node campaigns.
    const STAGGER: Self::Timer;
    /// The wait for a rival that this node has supported before, when its own wait is over.
    const PAUSE: Self::Timer;
    /// A leader's next round of heartbeats.
    const HEARTBEAT: Self::Timer;
    /// For how long a leader may be without a quorum.
    const QUORUM: Self::Timer;
}
