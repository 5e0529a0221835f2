//! Paxos leader election: for each epoch, one instance of single-decree Paxos decides which node
//! leads it.
//!
//! The source is Leslie Lamport, "Paxos Made Simple" (2001): sections 2.2 (choosing a value), 2.3
//! (learning the value), 2.4 (progress) and 2.5 (the implementation). A node keeps its promises
//! forever, so an epoch never has more than one leader. This is the guarantee
//! [`Quorum`](elector_core::Quorum).
//!
//! # The idea
//!
//! 1. Every node is proposer, acceptor and learner. The value of instance e is the [`NodeId`] of
//!    the leader of epoch e.
//! 2. A node without a live leader chooses a [`Ballot`] that is higher than all ballots it has
//!    seen, and asks all acceptors to *prepare*. Acceptors *promise* to accept nothing with a lower
//!    ballot, and name the proposal that they have accepted, if there is one.
//! 3. With the promises of a majority, the proposer asks the acceptors to *accept* a value. The
//!    value is that of the highest proposal that a promise has named. If no promise has named a
//!    proposal, the value is the proposer itself.
//! 4. A value that a majority has *accepted* with one ballot is chosen. Any two majorities share an
//!    acceptor, so a later proposer learns of the value in step 2, and can only propose the same
//!    value again.
//! 5. The node that was chosen leads the epoch as soon as it learns of the decision, and sends
//!    heartbeats. A node that missed the decision learns of it from a heartbeat.
//! 6. When the leader of epoch e is silent, instance e + 1 begins. If an instance has no decision,
//!    a node tries it again with a higher ballot.
//!
//! # Messages
//!
//! | message | from, to | says |
//! |---|---|---|
//! | `Prepare` | proposer, acceptors | phase 1a: promise me this ballot |
//! | `Promise` | acceptor, proposer | phase 1b: I promise, and this is what I have accepted |
//! | `Reject` | acceptor, proposer | I refuse, and this is what I have seen |
//! | `Accept` | proposer, acceptors | phase 2a: accept this value with this ballot |
//! | `Accepted` | acceptor, proposer or all | phase 2b: I have accepted this value |
//! | `Learn` | proposer, all | node x was chosen; if x is the sender, also: I lead |
//! | `Heartbeat` | leader, all | I lead |
//! | `HeartbeatAck` | learner, leader | I have received a heartbeat, or the leader's own `Learn` |
//! | `Handover` | leader, successor | I have stepped down, campaign now |
//!
//! If one node detects the leader's death and has no rival, an election of n nodes takes 5n − 7
//! messages. The new leader knows the decision after four one-way delays and one durable write, and
//! all other nodes know it one delay later. The first election of a cluster takes two writes. If a
//! node has restarted in the previous epoch, the election may also take two writes. The election
//! takes two more delays if it needs the promise of the restarted node. With
//! [`Learning::Broadcast`], all nodes know the decision at the same time as the leader, at a cost
//! of about n² messages. A [`thrifty`](PaxosConfig::thrifty) proposer asks only a bare majority to
//! accept. In all variants the leader has its lease two delays after it knows the decision: peers
//! acknowledge its `Learn` like a heartbeat. A leader that sends no `Learn` sends its first
//! heartbeats at once.
//!
//! # Invariants
//!
//! The code names an invariant in the lines that keep the invariant. A test names the invariants
//! that it checks.
//!
//! - **I1** An acceptor accepts a proposal only if it has promised no higher ballot in that
//!   instance (the paper's P1a).
//! - **I2** No ballot is used for two proposals. A ballot contains the id of its proposer. Before
//!   the proposer proposes a value with the ballot, the counter on the proposer's disk is at least
//!   the counter of the ballot.
//! - **I3** A proposer proposes itself only if there is a majority in which no acceptor had
//!   accepted anything with a lower ballot. Otherwise it proposes the value of the highest proposal
//!   that the majority has accepted with a lower ballot (P2c).
//! - **I4** Two majorities of one instance never choose two values (P2, which follows from I1, I2
//!   and I3).
//! - **I5** A node leads an epoch only after it has learned that it was chosen, and at most once.
//!   If it has stopped leading an epoch, or may have led the epoch before a restart, it does not
//!   lead that epoch again.
//! - **I6** A node that has accepted or learned a leader of an epoch acknowledges no older leader.
//!   A node that has acknowledged a leader accepts no proposal of a newer epoch for `election_min`,
//!   unless that leader has stepped down for a handover, or a report of the host (see below) has
//!   ended this silence. So of two leaders of different epochs at most one holds a lease.
//!
//! # Differences from the paper
//!
//! - *Instances are numbered by epochs, and an acceptor keeps only the newest instance.* The
//!   acceptor refuses all requests about older instances, so an instance may never come to a
//!   decision. This does no harm, because a newer instance has begun. (A restart loses a promise
//!   that the acceptor has not written; see below. Then the acceptor is back in the instance of its
//!   epoch.)
//! - *Acceptors with a live leader answer `Prepare` for a newer epoch with `Reject`* (Ongaro's
//!   dissertation, section 4.2.3, does this for Raft). When the leader has been silent for
//!   `election_min`, they consider the last `Prepare` that they refused in this way again. A
//!   promise for a newer epoch does not end an acceptor's support for a leader, unless the leader
//!   has stepped down for a handover. An acceptance ends the support. So a node that proposes after
//!   it was cut off, or because of a wrong suspicion, disturbs no leader.
//! - *A proof of the leader's death ends the silence at once.* Such a proof is a report by a
//!   process that saw the leader's process end. A report that the host has received nothing from
//!   the leader for longer than a lease has the same effect. A suspicion, for example after a
//!   broken connection, ends no silence: the node whose turn is first only sends its `Prepare`
//!   early. Each node, the proposer too, makes its promise when its own silence has ended.
//! - *A promise restarts the acceptor's own wait once for each proposer*, until there is a leader.
//!   This wait is the time before the acceptor proposes itself. An acceptance restarts the wait
//!   each time. So proposers that reach no majority cannot delay, again and again, a node that
//!   reaches a majority. Waits widen when proposers compete or promises come late. When no node
//!   answers, or when other nodes have a live leader, the random part of a wait at most doubles.
//! - *The decision is acknowledged* by nodes that receive it from the leader itself. The
//!   acknowledgement begins the same silence as that of a heartbeat. The paper's learners answer
//!   nothing, but a lease needs answers.
//! - *A leader without a quorum steps down* and keeps its epoch, when no majority has acknowledged
//!   its heartbeats for `election_min`.
//! - *The epoch is durable, its leader is not.* A node that restarts learns the leader again from a
//!   heartbeat or a refusal, or it begins the next instance.
//! - *Not every promise is written.* The paper's acceptor writes each ballot that it promises. Here
//!   a node that enters an epoch must write the epoch anyway. The same write *vouches* for some
//!   ballots of the next instance: those with a counter up to [`PaxosDurable::counter`]. A promise
//!   for such a ballot needs no other write, because a node that restarts in that epoch assumes
//!   that it has promised the highest of these ballots. It refuses all ballots up to this bound,
//!   and names the bound. If the proposer needs the promise of this node, it asks again at once
//!   with a ballot above the bound.
//! - *A proposer writes while its requests are in flight*, in both phases. The module
//!   `algorithm::proposer` explains why this is safe.
//! - *The three cases* of the article that comes with Kartikkumar Shetty's `httpPaxos` are golden
//!   scenarios of this crate: texts in `tests/scenarios` that list every expected step. In the
//!   article, each node has one unique id. Here, this number is the counter of the node's first
//!   ballot ([`PaxosConfig::first_ballot`]). The article's proposer ignores competing `Prepare`s
//!   while it waits for acceptances. Here, a proposer promises like any other acceptor, as in the
//!   paper.
//!
//! # Under a partition
//!
//! The side with a majority keeps its leader, or elects one. A leader on the other side steps down
//! within `election_min`, and its lease ends before the majority can accept another leader. Nodes
//! without a majority propose without success, with growing ballots in one instance. After the
//! partition, they follow the leader at its first heartbeat. If no side has a majority, there is no
//! leader.
//!
//! # What Paxos does not guarantee
//!
//! - That there is a leader: with unlucky timing, proposers can beat each other forever (section
//!   2.4). Random waits that widen make this less and less likely.
//! - That only one node is in `Role::Leader` at any moment: a leader may learn late that it was
//!   replaced. Where this matters, use epochs as fencing tokens, or use leases.
//! - Leases, if a proof of death is false: a node that has a proof of its leader's death owes that
//!   leader no silence any more. A suspicion ends no silence, even if all nodes have the suspicion.
//! - Anything, after a node has lost its disk: a node that forgets its promises must not come back
//!   under its old id.
//! - Protection from members that send false messages. No message makes a node panic, but a node
//!   trusts what its peers send.
#![forbid(unsafe_code)]
#![no_std]

extern crate alloc;

mod algorithm;
mod config;
mod durable;
pub mod log;
mod message;
mod state;

pub use config::{Learning, PaxosConfig};
pub use durable::{Ballot, PaxosDurable, Proposal};
pub use message::PaxosMessage;
pub use state::{Paxos, PaxosTimer};

#[cfg(doc)]
use elector_core::NodeId;
