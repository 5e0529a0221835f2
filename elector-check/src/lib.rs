//! A model checker for election algorithms. It runs an unmodified [`ElectionAlgorithm`] through
//! *every* order of events within bounds, and checks the invariants in each state.
//!
//! ```
//! use elector_check::{Check, CheckConfig};
//! use elector_raft::Raft;
//!
//! let check = Check::<Raft>::new(CheckConfig {
//!     nodes: 2,
//!     max_epoch: 1,
//!     timeouts: Some(4),
//!     ..CheckConfig::default()
//! });
//! let report = check.run()?;
//! assert!(report.is_clean() && report.is_exhaustive(), "{report}");
//! # Ok::<(), elector_check::CheckError>(())
//! ```
//!
//! # The model
//!
//! A state is the cluster at one moment. It consists of the state of the algorithm and the timers
//! of each running node, of the state on the disk of each node that is down, and of the messages in
//! flight. Any one of these events may happen next, and the search tries all of them:
//!
//! - A message in flight is delivered. It stays in flight ([`CheckConfig::duplicating`]), so
//!   repeated and reordered messages need no extra events. A message that is never delivered is
//!   lost.
//! - A timer that may elapse elapses. Without [`CheckConfig::time`], each timer that runs may
//!   elapse. So the search tries every order of timers, which includes the order that the durations
//!   of the timers enforce.
//! - A tick passes on all clocks at the same time, if the search has time.
//! - A node crashes and keeps only the state on its disk, or it restarts.
//! - If the bounds allow the event: a node gets a proof of death of a peer that is down (or of any
//!   peer, with [`CheckConfig::false_hints`]), a node suspects a peer that runs, or a node gets a
//!   command.
//!
//! Only random [walks](Walks) have the event that a node receives messages from a peer again
//! ([`Input::Returned`](elector_core::Input::Returned)). This event only changes which node
//! campaigns first, and no invariant depends on which node campaigns first.
//!
//! A step is atomic in this model. A crash during a write is the same as a crash before the step of
//! that write, because the gate ([`Gate`](elector_core::Gate)) holds back everything that depends
//! on the write.
//!
//! # Time
//!
//! Leases need time. With [`CheckConfig::time`], a timer may elapse when the lower bound of its
//! delay has passed, or in any later tick, or never. So late timers and all values of a random
//! delay are possible. Messages may take any time. A leader holds its lease until
//! [`Timing::lease`](elector_core::Timing::lease) after the moment that
//! [`ElectionAlgorithm::lease`] returns, and no two nodes may hold a lease in the same state.
//!
//! ```
//! use elector_check::{Check, CheckConfig, Time};
//! use elector_raft::{Raft, RaftConfig};
//!
//! let time = Time::of(4);
//! let config = RaftConfig { timing: time.timing(), pre_vote: false, ..RaftConfig::default() };
//! let check = Check::<Raft>::new(CheckConfig {
//!     config,
//!     time: Some(time),
//!     led: true,
//!     late: Some(0),
//!     timeouts: Some(3),
//!     crashes: 0,
//!     ..CheckConfig::default()
//! });
//! let report = check.run()?;
//! assert!(report.is_clean() && report.is_exhaustive(), "{report}");
//! assert!(report.trace("two-lead-at-once").is_some() && report.trace("lease-held").is_some());
//! # Ok::<(), elector_check::CheckError>(())
//! ```
//!
//! Two bounds bring rare events within reach. [`CheckConfig::late`] bounds how many messages arrive
//! in a later tick than the tick in which they were sent. Without this bound, nearly all states
//! differ only in old messages that may still arrive. With [`CheckConfig::led`] the search begins
//! with a leader, so that a second election is near.
//!
//! # Walks
//!
//! A search is exhaustive, but its bounds are small. [`Walks`] are the opposite: they run a cluster
//! with the algorithm's own durations, and an adversary chooses every event at random. Your own
//! algorithm gets both with one line each:
//!
//! ```
//! use elector_check::{Check, CheckConfig, Walks};
//! use elector_raft::{Raft, RaftConfig};
//!
//! let walks = Walks::<Raft>::new(RaftConfig::default()).run()?;
//! assert!(walks.is_clean() && walks.leases() > 0, "{walks}");
//!
//! let bounds = CheckConfig {
//!     nodes: 2,
//!     max_epoch: 1,
//!     timeouts: Some(2),
//!     ..CheckConfig::default()
//! };
//! let search = Check::<Raft>::new(bounds);
//! assert!(search.run()?.is_clean());
//! # Ok::<(), elector_check::CheckError>(())
//! ```
//!
//! The first walk that violates an invariant is shrunk: events are removed as long as the same
//! invariant is still violated, and waits are rounded. The result is a [`Schedule`]. It can be
//! replayed, and [`Finding::as_test`] prints it as a test. The following text is the end of a
//! schedule for a faulty algorithm. A voter that has acknowledged a leader must support no other
//! node until the lease of that leader has ended: it owes silence. In the faulty algorithm, a
//! restarted voter forgets this when it grants a late transfer request of its own epoch.
//!
//! ```text
//!  34. wait 50 ms
//!  36. n2 crashes
//!  37. n2 restarts     ; n2: epoch 2 leader - follower
//!  38. n2 receives 21  ; from n1: RequestVote { term: e2, last_log: 0/0, transfer: true }
//!  39. n2 writes
//!  52. n3 elapses Stagger
//!  ...
//!  57. n3 receives 55  ; from n2: Vote { term: e3, granted: true }; n3: epoch 3 leader n3 leader
//!  59. n3 receives 58  ; exclusive-lease: n1 and n3 hold a lease at the same time
//! ```
//!
//! Read the schedule from the last line. Two nodes hold a lease, n1 and n3, so some node has
//! supported both. That node is n2: before line 34 it acknowledged n1, and before line 57 it voted
//! for n3. In the time between, n2 owed silence to n1. The last message that n2 received before the
//! request of n3 is in line 38, so there the algorithm ended the silence of n2.
//!
//! The line `n2 receives 21` means that n2 receives the message that line 21 sent to n2.
//! `n2 writes` means that the oldest write of n2 is now on its disk, so that everything that
//! depends on this write becomes visible.
//!
//! # The properties
//!
//! | property | | |
//! |---|---|---|
//! | `one-leader-per-epoch` | always | compares the leaders in all views; `Quorum` only |
//! | `one-pledge-per-epoch` | always | by [`Pledge`](elector_core::Pledge)s, across restarts |
//! | `one-value-per-ballot` | always | compares the values that pledges name |
//! | `no-tenure-twice` | always | a node never leads an epoch again; `Quorum` only |
//! | `exclusive-lease` | always | one node at most holds a lease; `Quorum` and time only |
//! | `epoch-monotonic` | always | no epoch of a node goes back, across restarts |
//! | `contract` | always | the checks of a [`Driver`](elector_core::Driver), and no panic |
//! | `leader-elected` | sometimes | if no run elects a leader, the other properties say little |
//! | `lease-held` | sometimes | if no run has a lease, `exclusive-lease` says nothing |
//! | `second-epoch-led` | sometimes | there are stale leaders only after a second election |
//! | `all-agree` | sometimes | all nodes run, and know the same leader of the same epoch |
//! | `two-lead-at-once` | sometimes | two nodes believe that they lead, in any epochs |
//! | `two-leaders-in-one-epoch` | sometimes | `BestEffort` only: this guarantee allows it |
//!
//! Even under a quorum guarantee, two nodes may believe at the same time that they lead, but only
//! in different epochs. A fencing token or a lease distinguishes them.
//!
//! # What a report without violations means
//!
//! Such a report means that no run within the bounds violates an invariant. This says nothing about
//! runs with more nodes, epochs, ticks, crashes or timeouts. The report names the bounds. States
//! are compared byte by byte and not by hashes, so the search overlooks no state. If the search was
//! cut short, the report says so.
//!
//! A search is breadth-first, so a counterexample is as short as possible. The search runs on one
//! thread and takes about 50 bytes for each distinct state: half a gigabyte for ten million states.
//! Set [`CheckConfig::max_states`] when you try new bounds.
#![forbid(unsafe_code)]

mod action;
mod check;
mod claim;
mod cluster;
mod config;
mod describe;
mod event;
mod node;
mod pool;
mod report;
mod search;
mod state;
mod steps;
mod store;
mod time;
mod walk;

#[cfg(doc)]
use elector_core::ElectionAlgorithm;

pub use check::{Check, CheckError, MAX_NODES};
pub use config::CheckConfig;
pub use report::{Checked, Outcome, Quantifier, Report};
pub use time::Time;
pub use walk::{Finding, Schedule, ScheduleError, Violation, WalkReport, Walks};
