//! Paxos leader election: one instance of single-decree Paxos decides, for each epoch, which node
//! leads it.
//!
//! After Leslie Lamport, "Paxos Made Simple" (2001): sections 2.2 (choosing a value), 2.3 (learning
//! it), 2.4 (progress) and 2.5 (the implementation). A promise is kept for all time, so that an
//! epoch has at most one leader, ever: [`Quorum`](elector_core::Quorum).
//!
//! # The idea
//!
//! 1. Every node is proposer, acceptor and learner. The value of instance e is the [`NodeId`] of
//!    the leader of epoch e.
//! 2. Whoever misses a leader chooses a [`Ballot`] higher than all it has seen, and asks all
//!    acceptors to *prepare*. Acceptors *promise* to accept nothing of a lower ballot, and name
//!    the proposal they have accepted, if any.
//! 3. With the promises of a majority the proposer asks them to *accept*: the value of the highest
//!    proposal that was named, or else itself.
//! 4. A value that a majority has *accepted* with one ballot is chosen. Any two majorities share an
//!    acceptor, so that whoever comes later hears of it in step 2, and can only choose it again.
//! 5. The node that was chosen leads the epoch as soon as it learns so, and sends heartbeats.
//!    Whoever missed the decision learns it from these.
//! 6. When the leader of epoch e is silent, instance e + 1 begins. An instance that came to no
//!    decision is tried again, with a higher ballot.
//!
//! # Messages
//!
//! | message | from, to | says |
//! |---|---|---|
//! | `Prepare` | proposer, acceptors | phase 1a: promise me this ballot |
//! | `Promise` | acceptor, proposer | phase 1b: I do, and this is what I have accepted |
//! | `Reject` | acceptor, proposer | I do not, and this is what I have seen |
//! | `Accept` | proposer, acceptors | phase 2a: accept this value with this ballot |
//! | `Accepted` | acceptor, proposer or all | phase 2b: I have |
//! | `Learn` | proposer, all | this node has been chosen to lead; from itself, also: I lead |
//! | `Heartbeat` | leader, all | I lead |
//! | `HeartbeatAck` | learner, leader | I know: to a heartbeat, or to the leader's own `Learn` |
//! | `Handover` | leader, heir | I have stepped down, campaign now |
//!
//! With one detector and no other proposer in its way, an election of n nodes whose leader is dead
//! takes 5n − 7 messages; the new leader knows after four one-way delays and one durable write,
//! and all others one delay later. The first election of a cluster takes two writes. So may one
//! after a node was restarted in the epoch before, and two delays more if its promise is needed.
//! When acceptors tell everybody ([`Learning::Broadcast`]) all know when the leader does, for some
//! n² messages. A [`thrifty`](PaxosConfig::thrifty) proposer asks a bare majority to accept. The
//! leader has its lease two delays after it knows, in all of them: its `Learn` is acknowledged like
//! a heartbeat, and if there was none its first heartbeats go out at once.
//!
//! # Invariants
//!
//! The code cites each of them where it keeps it, and the tests where they would see it broken.
//!
//! - **I1** An acceptor accepts a proposal only if it has promised no higher ballot in that
//!   instance (the paper's P1a).
//! - **I2** No ballot is used for two proposals: it has its proposer's id in it, and its counter is
//!   durable, or vouched for, before anything is proposed with it.
//! - **I3** A proposer proposes itself only if no acceptor of some majority had accepted anything
//!   with a lower ballot; else the value of the highest such proposal (P2c).
//! - **I4** Two majorities of one instance never choose two values (P2, from I1 to I3).
//! - **I5** A node leads an epoch only once it has learned that it was chosen, and once only: what
//!   it has stopped leading, or may have led before a restart, it does not lead again.
//! - **I6** A node that has accepted or learned a leader of an epoch acknowledges no older one; one
//!   that has acknowledged a leader accepts nothing newer for `election_min`.
//!   So of two leaders of different epochs at most one holds a lease.
//!
//! # Departures from the paper
//!
//! - *Instances are numbered by epochs, and an acceptor keeps only the newest.* It refuses all that
//!   is about older ones, so an instance may never come to a decision. No leader is missed by that:
//!   a newer one has begun. (A restart may bring it back from the instance of a promise to that of
//!   its epoch.)
//! - *Acceptors with a live leader answer `Prepare` for a newer epoch with `Reject`* (Ongaro's
//!   dissertation, section 4.2.3, does so for Raft), and consider it again when the leader has
//!   been silent for `election_min`. A promise for a newer epoch does not unseat a leader either:
//!   only an acceptance does. So a node that was cut off, or whose suspicion was wrong, disturbs no
//!   leader.
//! - *A proof that the leader has died ends the silence at once.* A suspicion ends none: the node
//!   whose turn is first sends its `Prepare`, and promises to itself, as all others promise to it,
//!   when the silence has ended.
//! - *A promise begins the acceptor's own wait anew once for each proposer*, until there is a
//!   leader; an acceptance does each time. So proposers that reach no majority cannot keep one that
//!   does from its turn. Waits widen when proposers compete or promises come late, not when no node
//!   answers or when others hear their leader.
//! - *The decision is acknowledged* by whoever hears it from the leader itself, and begins the same
//!   silence as a heartbeat. The paper's learners answer nothing, but a lease needs answers.
//! - *A leader without a quorum steps down* at the same epoch: no majority has acknowledged its
//!   heartbeats for `election_min`.
//! - *The epoch is durable; who leads it is not.* A node that comes back learns that anew, from a
//!   heartbeat or a refusal, or else begins the next instance.
//! - *Not every promise is written.* The paper's acceptor writes down each ballot it promises.
//!   Here a node that enters an epoch, and writes that down anyway, vouches for some ballots of the
//!   next instance in the same write ([`PaxosDurable::counter`]). Promises of these need no other
//!   write: a node that comes back in that epoch takes it that it has promised the highest of them.
//!   It refuses the lower ones, names that bound, and the proposer asks again at once above it.
//! - *A proposer's write overlaps with its requests' flight*, in both phases: see the module
//!   `algorithm::proposer` for why that is safe.
//! - *The three cases* of the article that comes with Kartikkumar Shetty's `httpPaxos` are golden
//!   scenarios of this crate. Its nodes have one unique id each; here that is the counter of the
//!   first ballot ([`PaxosConfig::first_ballot`]). Its proposer ignores competing `Prepare`s once
//!   it waits for acceptances; here it promises like any other acceptor, as in the paper.
//!
//! # Under a partition
//!
//! The side with a majority keeps its leader, or elects one. A leader on the other side steps down
//! within `election_min`; its lease has ended before the majority can have accepted another. Nodes
//! without a majority propose in vain, with growing ballots in one instance, and find their way
//! back by the first heartbeat. With no majority anywhere there is no leader.
//!
//! # What it does not promise
//!
//! - A leader at all: with unlucky timing proposers can beat each other for ever (section 2.4).
//!   Random waits that widen make that as unlikely as one likes.
//! - That `Role::Leader` is the only one of its kind at an instant: a leader may learn late that it
//!   was replaced. Epochs as fencing tokens, and leases, are for that.
//! - Leases against false proofs: a node that has a proof that its leader has died owes it no
//!   silence any more. A suspicion ends no silence, however many nodes have it.
//! - Anything after a disk was lost: a node that forgets its promises must not come back under its
//!   old id. Nor against peers that lie: they are believed, though none makes a node panic.
#![forbid(unsafe_code)]
#![no_std]

extern crate alloc;

mod algorithm;
mod config;
mod durable;
mod message;
mod state;

pub use config::{Learning, PaxosConfig};
pub use durable::{Ballot, PaxosDurable, Proposal};
pub use message::PaxosMessage;
pub use state::{Paxos, PaxosTimer};

#[cfg(doc)]
use elector_core::NodeId;
