//! Paxos leader election: one instance of single-decree Paxos decides, for each epoch, which node
//! leads it.
//!
//! After Leslie Lamport, "Paxos Made Simple" (2001): sections 2.2 (choosing a value), 2.3 (learning
//! it), 2.4 (progress) and 2.5 (the implementation). A node keeps a promise forever, so an epoch
//! has at most one leader, ever: [`Quorum`](elector_core::Quorum).
//!
//! # The idea
//!
//! 1. Every node is proposer, acceptor and learner. The value of instance e is the [`NodeId`] of
//!    the leader of epoch e.
//! 2. A node without a live leader chooses a [`Ballot`] that is higher than all ballots it has
//!    seen, and asks all acceptors to *prepare*. Acceptors *promise* to accept nothing with a lower
//!    ballot, and name the proposal that they have accepted, if there is one.
//! 3. With the promises of a majority, the proposer asks the acceptors to *accept* a value: that of
//!    the highest proposal that was named, or itself if none was named.
//! 4. A value that a majority has *accepted* with one ballot is chosen. Any two majorities share an
//!    acceptor, so a later proposer learns of the value in step 2, and can only choose it again.
//! 5. The node that was chosen leads the epoch as soon as it learns that, and sends heartbeats. A
//!    node that missed the decision learns it from a heartbeat.
//! 6. When the leader of epoch e is silent, instance e + 1 begins. An instance without a decision
//!    is tried again with a higher ballot.
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
//! | `Learn` | proposer, all | this node was chosen; if the sender is that node, also: I lead |
//! | `Heartbeat` | leader, all | I lead |
//! | `HeartbeatAck` | learner, leader | received: a heartbeat, or the leader's own `Learn` |
//! | `Handover` | leader, successor | I have stepped down, campaign now |
//!
//! If one node detects the leader's death and has no rival, an election of n nodes takes 5n − 7
//! messages. The new leader knows after four one-way delays and one durable write, and all other
//! nodes know one delay later. The first election of a cluster takes two writes. An election after
//! a restart in the previous epoch may also take two writes, and two more delays if the promise of
//! the restarted node is needed. With [`Learning::Broadcast`], all nodes know when the leader
//! knows, at a cost of about n² messages. A [`thrifty`](PaxosConfig::thrifty) proposer asks a bare
//! majority to accept. In all variants the leader has its lease two delays after it knows: its
//! `Learn` is acknowledged like a heartbeat, and without a `Learn` it sends its first heartbeats at
//! once.
//!
//! # Invariants
//!
//! The code names an invariant where it keeps it. A test names an invariant that it checks.
//!
//! - **I1** An acceptor accepts a proposal only if it has promised no higher ballot in that
//!   instance (the paper's P1a).
//! - **I2** No ballot is used for two proposals: it contains the id of its proposer, and its
//!   counter is durable, or vouched for, before anything is proposed with it.
//! - **I3** A proposer proposes itself only if there is a majority in which no acceptor had
//!   accepted anything with a lower ballot. Otherwise it proposes the value of the highest such
//!   proposal (P2c).
//! - **I4** Two majorities of one instance never choose two values (P2, from I1 to I3).
//! - **I5** A node leads an epoch only after it has learned that it was chosen, and at most once:
//!   it does not lead an epoch again that it has stopped leading, or may have led before a restart.
//! - **I6** A node that has accepted or learned a leader of an epoch acknowledges no older leader.
//!   A node that has acknowledged a leader accepts nothing newer for `election_min`, unless that
//!   leader has stepped down for a handover, or a report of the host has ended this silence (see
//!   below). So of two leaders of different epochs at most one holds a lease.
//!
//! # Differences from the paper
//!
//! - *Instances are numbered by epochs, and an acceptor keeps only the newest.* It refuses all
//!   requests about older instances, so an instance may never come to a decision. That does no
//!   harm, because a newer instance has begun. (A restart may bring the acceptor back from the
//!   instance of a promise to that of its epoch.)
//! - *Acceptors with a live leader answer `Prepare` for a newer epoch with `Reject`* (Ongaro's
//!   dissertation, section 4.2.3, does this for Raft), and consider it again when the leader has
//!   been silent for `election_min`. A promise for a newer epoch does not end the support for a
//!   leader either: only an acceptance does. So a node that was cut off, or whose suspicion was
//!   wrong, disturbs no leader.
//! - *A proof of the leader's death ends the silence at once.* So does a report that the host has
//!   received nothing from the leader for longer than a lease. A suspicion ends no silence: the
//!   node whose turn is first sends its `Prepare`. It promises to itself, and the other nodes
//!   promise to it, when the silence has ended.
//! - *A promise restarts the acceptor's own wait once for each proposer*, until there is a leader;
//!   an acceptance restarts it each time. So proposers that reach no majority cannot delay a node
//!   that does reach one again and again. Waits widen when proposers compete or promises come late.
//!   They do not widen when no node answers, or when other nodes have a live leader.
//! - *The decision is acknowledged* by nodes that receive it from the leader itself, and begins the
//!   same silence as a heartbeat. The paper's learners answer nothing, but a lease needs answers.
//! - *A leader without a quorum steps down* and keeps its epoch, when no majority has acknowledged
//!   its heartbeats for `election_min`.
//! - *The epoch is durable, its leader is not.* A node that comes back learns the leader again from
//!   a heartbeat or a refusal, or it begins the next instance.
//! - *Not every promise is written.* The paper's acceptor writes each ballot that it promises. Here
//!   a node that enters an epoch must write that anyway. The same write *vouches* for some ballots
//!   of the next instance: it covers them with [`PaxosDurable::counter`]. A promise for such a
//!   ballot needs no other write, because a node that comes back in that epoch assumes that it has
//!   promised the highest of them. It refuses all up to that bound and names the bound, and the
//!   proposer asks again at once above it.
//! - *A proposer writes while its requests are in flight*, in both phases. The module
//!   `algorithm::proposer` explains why that is safe.
//! - *The three cases* of the article that comes with Kartikkumar Shetty's `httpPaxos` are golden
//!   scenarios of this crate. Its nodes have one unique id each; here that is the counter of the
//!   first ballot ([`PaxosConfig::first_ballot`]). Its proposer ignores competing `Prepare`s while
//!   it waits for acceptances; here it promises like any other acceptor, as in the paper.
//!
//! # Under a partition
//!
//! The side with a majority keeps its leader, or elects one. A leader on the other side steps down
//! within `election_min`, and its lease ends before the majority can accept another leader. Nodes
//! without a majority propose without success, with growing ballots in one instance. They follow
//! the leader again at its first heartbeat. If no side has a majority, there is no leader.
//!
//! # What it does not guarantee
//!
//! - That there is a leader: with unlucky timing, proposers can beat each other forever (section
//!   2.4). Random waits that widen make that as unlikely as necessary.
//! - That only one node is in `Role::Leader` at any moment: a leader may learn late that it was
//!   replaced. Use epochs as fencing tokens, or leases, for that.
//! - Leases, if a proof is false: a node that has a proof of its leader's death owes that leader no
//!   silence any more. A suspicion ends no silence, even if all nodes have it.
//! - Anything after a disk was lost: a node that forgets its promises must not come back under its
//!   old id.
//! - Protection from members that lie. No message makes a node panic, but a node trusts what its
//!   peers send.
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
