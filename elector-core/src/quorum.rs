//! What Raft and Paxos share: they elect a leader by a majority, and protect it by a lease.
//! [`QuorumNode`] is the state that a node of both algorithms has. A `QuorumNode` takes durations
//! from [`Rules`], sets the timers, and returns what the algorithm must do next. The algorithm
//! itself sends the messages.
//!
//! # Evidence
//!
//! Evidence is what a host reports about the failure of a peer. It matters for the *silence* that a
//! node owes to its leader: for `election_min` after a sign of life of the leader, the node
//! supports no other node. A *suspicion* may be wrong: a proxy or a firewall can break a connection
//! while the leader is alive and holds a lease. So a suspicion only prepares an election, and does
//! not end the silence that the node owes. A report that the leader is *silent* means that nothing
//! arrived from the leader for longer than a lease, on the node's own clock. A *proof of death*
//! says that a certain life (process) of the leader has ended. Each of these two reports frees the
//! node from the silence that it owes.
//!
//! # Why the lease is safe
//!
//! A node that acknowledges a leader supports no other node, itself included, for `election_min`
//! after that. A lease counts from the send time of the newest round of heartbeats that a majority
//! acknowledged, and is shorter than `election_min`. A majority that elects another leader has a
//! node in common with the majority that acknowledged the round. This node supports the new leader
//! only after its `election_min`, so the lease has ended by then. The successor in a transfer of
//! leadership is elected without this wait. So a leader that transfers its leadership steps down
//! first, and has no lease any more.

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

/// An algorithm that elects its leader by a majority. The items of this trait are the algorithm's
/// own types and timers for the parts that all such algorithms have.
///
/// If [`has_lease`](ElectionAlgorithm::has_lease) returns `true`, a leader that no majority
/// acknowledges for `election_min` steps down, and followers owe their leader silence: for
/// `election_min` after a heartbeat they support no other node. If it returns `false`, a leader
/// does not step down for this reason, and followers owe no silence.
pub trait QuorumElection: ElectionAlgorithm<Config: Eq> {
    /// The state of a node that tries to be elected.
    type Candidacy: Clone + Debug + Eq + Hash;
    /// A request of a peer for support in an election.
    type Request: Copy + Debug + Eq + Hash;

    /// The timer of the vigil, which is the fixed first part of the election timeout: exactly
    /// `election_min`.
    const VIGIL: Self::Timer;
    /// The timer of the stagger, which is the random second part of the election timeout. When it
    /// elapses, the node campaigns.
    const STAGGER: Self::Timer;
    /// The timer of an additional wait after the stagger (the random part of the election timeout).
    /// The node waits longer if it supports a rival candidate that it has supported before: the
    /// rival gets time to be elected.
    const PAUSE: Self::Timer;
    /// The timer of a leader until its next round of heartbeats.
    const HEARTBEAT: Self::Timer;
    /// The timer of the time for which a leader may be without the acknowledgements of a quorum.
    /// When it elapses, the leader steps down.
    const QUORUM: Self::Timer;
}
