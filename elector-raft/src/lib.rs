//! Leader election as in Raft: Ongaro and Ousterhout, *In Search of an Understandable Consensus
//! Algorithm* (2014), sections 5.1, 5.2 and 5.4.1; with pre-vote, check-quorum, leases and
//! leadership transfer from Ongaro's dissertation, *Consensus: Bridging Theory and Practice*
//! (2014), sections 3.10, 4.2.3, 6.2, 6.4.1 and 9.6.
//!
//! # The idea
//!
//! Time is divided into terms, which are numbered upwards. A follower that receives no heartbeat
//! for a random time becomes a candidate for the next term. Every node has one vote per term. The
//! node gives this vote to the first candidate that asks, and makes the vote durable before it
//! sends the vote. A candidate with the votes of a majority leads the term. Any two majorities have
//! a node in common, and that node has voted only once. So a term has at most one leader. The
//! leader sends heartbeats, so that the other nodes stay followers. If the vote is split, the
//! candidates time out again, after new random times, and try the next term. A node that learns of
//! a higher term enters it as a follower.
//!
//! *Pre-vote*: before a node starts a term, it asks a majority whether they would vote for it.
//! *Check-quorum*: a leader that no majority acknowledges steps down, and a node that has received
//! a heartbeat within `election_min`, the shortest election timeout, votes for no other node than
//! the leader.
//!
//! # Messages
//!
//! | message | says | purpose |
//! |---|---|---|
//! | `RequestPreVote` | would you vote for me in the next term? | election |
//! | `PreVote` | yes or no; does not bind its sender | election |
//! | `RequestVote` | vote for me in this term | election |
//! | `Vote` | yes or no; a yes is a pledge for the term | election |
//! | `Heartbeat` | I lead this term | first round: election; later rounds: liveness |
//! | `HeartbeatAck` | received; echoes the leader's timestamp | liveness |
//! | `TimeoutNow` | I have stepped down, campaign at once | election |
//!
//! # Invariants
//!
//! The code names an invariant (I1, I2 and so on) at the line that keeps this invariant. A test
//! names the invariants that the test checks.
//!
//! - **I1** A node's term never goes back, not even across a crash.
//! - **I2** A node votes for at most one candidate per term. Its vote is cleared only when the term
//!   grows, and term and vote are one durable record.
//! - **I3** A leader has the votes of a majority in its term, and the leader's own durable vote is
//!   one of these votes. Together with I2, this means that a term has at most one leader, ever.
//! - **I4** A node that has stopped leading a term does not lead that term again.
//! - **I5** A node enters a term as a follower, unless it is a candidate in that term. So a leader
//!   stops leading before it can vote for another node.
//! - **I6** A pre-vote changes nothing in the node that grants it, and is never counted as a vote.
//! - **I7** With `check_quorum`, a node that acknowledged a leader votes for no other node, and not
//!   for itself, for `election_min` afterwards. This silence ends early only if that leader has
//!   stepped down for a transfer, if the node's host has proof that the leader's process has ended,
//!   or if the host has received nothing from the leader for longer than a lease. A leader's lease
//!   lasts for [`Timing::lease`](elector_core::Timing::lease) from the send time of the newest
//!   round that a majority acknowledged. Because of the silence, no other node can be elected in
//!   this time.
//!
//! # Differences from the papers
//!
//! - The election has no log: heartbeats carry no entries, and the end of the log
//!   ([`LogPosition`]) stays `(0, 0)`. The rule for votes still compares the ends of the logs, for
//!   [`log::RaftLog`], which replicates a log on top of this election.
//! - The election timeout, uniform in `[election_min, election_max]`, consists of two timers: the
//!   fixed part ([`RaftTimer::Vigil`]), after which the node takes the leader for failed, and then
//!   the random part ([`RaftTimer::Stagger`]). From the third term in a row without a leader, the
//!   random part widens after each term in which candidates compete for votes or votes come late.
//!   So a random part that is too narrow for the cluster or its network becomes wide enough in the
//!   end. Attempts that get no answer, or that are refused because other nodes have a live leader,
//!   at most double the random part.
//! - A voter restarts its election timeout when it votes, but only once for each candidate until
//!   there is a leader. In the paper, a voter restarts the timeout with each vote. So, in the
//!   paper, candidates that reach no quorum can again and again delay a node that reaches a quorum.
//!   If the voter votes again for the same candidate, the voter waits once for two more round trips
//!   when its timeout ends.
//! - A candidate that asks for pre-votes for the next term is still a candidate in its own term, so
//!   late votes of its own term still count.
//! - A voter keeps the last request that it refuses because of I7, and considers this request again
//!   when its silence ends. So the vote is late, but it is not lost. In the papers, the candidate
//!   must ask again.
//! - A node answers a heartbeat of a past term with its own, newer term, even if the node follows
//!   no leader. The answer makes the sender step down. Without the answer, a node whose term is
//!   higher than the leader's term could never follow a leader again: it does not follow leaders of
//!   lower terms, and it gets no votes itself because of I7.
//! - A candidate's own vote becomes durable while its requests are in flight, and not before the
//!   requests are sent. `algorithm/candidate.rs` explains why that is safe.
//! - A leader may be without a quorum for `election_min`. This time counts from the moment at which
//!   the last quorum of acknowledgements was complete. In the dissertation, a leader checks for a
//!   quorum in fixed periods.
//! - A proof of the leader's death, which is a report by a process that saw the leader's process
//!   end, ends the silence that a node owes to this leader. A report that the host has received
//!   nothing from the leader for longer than a lease ends this silence, too. Among nodes of the
//!   same priority, the next node after the leader in the ring of ids campaigns at once, and the
//!   other nodes follow one round trip after each other. Each node that campaigns asks all nodes,
//!   as in any election.
//! - A suspicion of the leader, for example after a broken connection, ends no silence, since the
//!   leader may hold a lease. The node with the first turn asks for pre-votes at once, and each
//!   voter answers when its own silence has ended. So a suspicion saves the random wait after the
//!   silence. Without `check_quorum` there is no lease, and a suspicion has the effect of a proof.
//! - Priorities: less preferred nodes wait longer. The papers do not have this (etcd and other
//!   implementations do).
//!
//! # Under a partition
//!
//! A side without a majority elects no leader; with pre-vote, its terms do not even grow. With
//! check-quorum, a leader on that side steps down after `election_min` at the latest, and its lease
//! ends before the other side can elect a leader. When the partition heals, the nodes of the
//! smaller side follow the leader. Without pre-vote, these nodes may depose the leader once, by
//! their higher terms. With check-quorum, a leader that can send but not receive steps down. The
//! other nodes replace a leader that can receive but not send, because they receive no heartbeats.
//!
//! # What it does not guarantee
//!
//! - There may be no leader if no majority can communicate, or if timeouts are shorter than the
//!   network and the disks need.
//! - Nothing is guaranteed if a node loses its disk and comes back as if it were new: it may vote
//!   twice.
//! - A lease may overlap with the next tenure if clocks drift by more than the gap between `lease`
//!   and `election_min`, or if a host gives a proof of death for a leader that still runs. An ended
//!   process is a proof, a broken connection is not. Terms, used as fencing tokens, are safe even
//!   then.
//! - There is no lease with `check_quorum` off.
//! - There is no protection from members that send false messages.
#![forbid(unsafe_code)]
#![no_std]

extern crate alloc;

mod algorithm;
mod config;
mod durable;
pub mod log;
mod message;
mod state;

pub use config::RaftConfig;
pub use durable::{LogPosition, RaftDurable};
pub use message::RaftMessage;
pub use state::{Raft, RaftTimer};
