//! Leader election as in Raft: Ongaro and Ousterhout, *In Search of an Understandable Consensus
//! Algorithm* (2014), sections 5.1, 5.2 and 5.4.1; with pre-vote, check-quorum, leases and
//! leadership transfer from Ongaro's dissertation, *Consensus: Bridging Theory and Practice*
//! (2014), sections 3.10, 4.2.3, 6.2, 6.4.1 and 9.6.
//!
//! # The idea
//!
//! Time is divided into terms, numbered upwards. A follower that hears no leader for a random time
//! becomes a candidate for the next term. Every node has one vote per term, given to the first
//! candidate that asks, and written down before it is sent. A candidate with the votes of a
//! majority leads the term; two majorities share a node, and that node voted once, so a term has
//! one leader at most. The leader sends heartbeats to keep the others followers. If the vote is
//! split, the candidates time out, at random again, and try the next term. Whoever learns of a
//! higher term enters it as a follower.
//!
//! *Pre-vote*: before it starts a term, a node asks a majority whether they would vote for it.
//! *Check-quorum*: a leader that a majority does not acknowledge steps down, and a node that has
//! just heard from a leader votes for nobody else.
//!
//! # Messages
//!
//! | kind | says | purpose |
//! |---|---|---|
//! | `RequestPreVote` | would you vote for me in the next term? | election |
//! | `PreVote` | yes or no; binds nobody | election |
//! | `RequestVote` | vote for me in this term | election |
//! | `Vote` | yes or no; a yes is a pledge for the term | election |
//! | `Heartbeat` | I lead this term | the first round election, then liveness |
//! | `HeartbeatAck` | heard; echoes the leader's stamp | liveness |
//! | `TimeoutNow` | I have stepped down, campaign at once | election |
//!
//! # Invariants
//!
//! The code cites each of them where it keeps it, and the tests where they would see it broken.
//!
//! - **I1** A node's term never goes back, also not across a crash.
//! - **I2** A node votes for at most one candidate per term. Its vote is cleared only when the term
//!   grows, and both are one durable record.
//! - **I3** A leader has the votes of a majority in its term, its own durable one among them. With
//!   I2: a term has at most one leader, ever.
//! - **I4** A node that has ceased to lead a term does not lead that term again.
//! - **I5** A node enters a term as a follower, unless it stands in that term: a leader stops
//!   leading before its vote is to be had.
//! - **I6** A pre-vote changes nothing in the node that grants it, and is never counted as a vote.
//! - **I7** With `check_quorum`, a node that acknowledged a leader votes for no other, itself
//!   included, for `election_min` after; unless that leader has stepped down for a transfer, or
//!   the node's host reports its process gone. So while a leader's lease lasts
//!   ([`Timing::lease`](elector_core::Timing::lease) after the send time of the newest round that a
//!   majority acknowledged), no other can be elected.
//!
//! # Departures from the papers
//!
//! - There is no log: heartbeats carry no entries, and a log's end ([`LogPosition`]) stays
//!   `(0, 0)`. The vote rule compares it all the same.
//! - The election timeout, uniform in `[election_min, election_max]`, is two timers: the fixed part
//!   ([`RaftTimer::Vigil`]), after which the leader counts as gone, then the random part
//!   ([`RaftTimer::Stagger`]). From the third term in a row without a leader the random
//!   part widens, so that a spread too narrow for the cluster or its network elects in the end: as
//!   long as rivals meet or votes come late. Attempts that get no answer, or that are refused
//!   because others hear their leader, count up to twofold only.
//! - A vote begins the voter's election timeout anew once for each candidate, until there is a
//!   leader. The paper's voter begins it anew each time, so that candidates that reach no quorum
//!   can keep one that does from its turn. For the rest of the search it waits two round trips
//!   more.
//! - A node that asks for pre-votes is still a candidate of its own term: votes that come late
//!   count.
//! - A request that is refused because of I7 is kept, and considered again when the silence ends,
//!   so that a vote is late rather than lost. The paper's candidate would have to ask again.
//! - A heartbeat of a past term is answered with the newer term even where nobody follows its
//!   sender. Otherwise a node that is ahead in terms, and refused votes by I7, could never be led.
//! - A candidate's own vote becomes durable while its requests are in flight, not before they
//!   leave; `algorithm/candidate.rs` says why that is safe.
//! - A leader's quorum is checked from the last time that it was complete, not in fixed periods.
//! - A proof that the leader has died ends the silence that is owed to it: the node next in the
//!   ring of ids campaigns at once, the others a round trip apart. The others are asked as ever.
//! - A suspicion that the leader is gone ends no silence, since the leader may hold a lease. That
//!   node asks for pre-votes at once, and voters answer when their silence has ended; a suspicion
//!   saves the random wait after it. Without `check_quorum` there is no lease, and a suspicion is
//!   as good as a proof.
//! - Priorities: less preferred nodes wait longer. Not in the papers (etcd and others have it).
//!
//! # Under partition
//!
//! A side without a majority elects nobody; with pre-vote its terms do not even grow. A leader on
//! that side steps down after `election_min` at the latest, and its lease ends earlier than the
//! other side can elect. When the partition heals, the nodes that come back follow the leader;
//! without pre-vote they may depose it once, by their higher terms. A leader that can send but not
//! hear steps down; one that can hear but not send is replaced.
//!
//! # What it does not promise
//!
//! - A leader, where no majority can talk to one another, or timeouts are shorter than the network
//!   and the disks need.
//! - Anything, if a node loses its disk and comes back as if it were new: it may vote twice.
//! - The lease, if clocks drift by more than the gap between `lease` and `election_min`, or if
//!   hosts report leaders gone that still run. A broken connection is no proof; an ended process
//!   is. Terms, used as fencing tokens, hold in any case.
//! - The lease, with `check_quorum` off: there is none.
//! - Protection from members that lie.
#![forbid(unsafe_code)]
#![no_std]

extern crate alloc;

mod algorithm;
mod config;
mod durable;
mod message;
mod state;

pub use config::RaftConfig;
pub use durable::{LogPosition, RaftDurable};
pub use message::RaftMessage;
pub use state::{Raft, RaftTimer};
