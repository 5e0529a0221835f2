//! What Raft and Paxos share: they elect a leader by a majority, and protect it by a lease.
//! [`QuorumNode`] is the state that a node of both algorithms has. A `QuorumNode` takes durations
//! from [`Rules`], sets the timers, and returns decisions. The algorithms send the messages.
//!
//! # Evidence
//!
//! A *suspicion* may be wrong: a proxy or a firewall can break a connection while the leader is
//! alive and holds a lease. So a suspicion only prepares an election, and does not end the silence
//! that the node owes. A report of *silence* means that nothing arrived from the leader for longer
//! than a lease, on the node's own clock. A *proof of death* names a life that has ended. Each of
//! these two reports frees the node from the silence that it owes.
//!
//! # Why the lease is safe
//!
//! A node that acknowledges a leader supports no other node, itself included, for `election_min`
//! after that. A lease counts from the send time of the newest round that a majority acknowledged,
//! and is shorter than `election_min`. A majority that elects another leader shares a node with
//! that majority, so the lease has ended by then. A leader that transfers its leadership steps down
//! first.

mod election_timeout;
mod leader;
mod node;
mod phase;
mod reseat;
mod rules;

use core::{fmt::Debug, hash::Hash};

pub use election_timeout::Due;
pub use leader::Accepted;
pub use node::QuorumNode;
pub use phase::{LeaderState, Phase};
pub use reseat::Reseat;
pub use rules::Rules;

use crate::ElectionAlgorithm;

/// The names that an algorithm with majority elections gives to the parts that all such algorithms
/// have.
///
/// If [`has_lease`](ElectionAlgorithm::has_lease) returns `true`, a leader that no majority
/// acknowledges for `election_min` steps down, and followers owe it silence. If it returns `false`,
/// no such leader steps down, and followers owe no silence.
pub trait QuorumElection: ElectionAlgorithm<Config: Eq> {
    /// The state of a node that tries to be elected.
    type Candidacy: Clone + Debug + Eq + Hash;
    /// A request of a peer for support in an election.
    type Request: Copy + Debug + Eq + Hash;

    /// The vigil: the first part of the election timeout, exactly `election_min`.
    const VIGIL: Self::Timer;
    /// The stagger: the random rest of the election timeout. When it ends, the node campaigns.
    const STAGGER: Self::Timer;
    /// The additional wait after a node's own wait, if the node supports a rival that it has
    /// supported before.
    const PAUSE: Self::Timer;
    /// The wait until a leader's next round of heartbeats.
    const HEARTBEAT: Self::Timer;
    /// The time for which a leader may be without a quorum.
    const QUORUM: Self::Timer;
}
