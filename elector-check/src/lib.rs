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
//! A state is the cluster at one moment: for each running node, the state of its algorithm and the
//! timers that it has set; for each other node, the state on its disk; and the messages in flight.
//! Any one of these events may happen next, and the search tries all of them:
//!
//! - A message in flight is delivered. It stays in flight ([`CheckConfig::duplicating`]), so
//!   repeated and reordered messages need no extra events. A message that is never delivered is
//!   lost.
//! - A timer that may elapse does elapse. Without [`CheckConfig::time`] this is any timer that
//!   runs: the order that the durations enforce is only one of the orders that are tried.
//! - A tick passes on all clocks at the same time, if the search has time.
//! - A node crashes, which leaves only the state on its disk, or restarts.
//! - If the bounds allow it: a node gets a proof that a peer is dead, while the peer is down; a
//!   node suspects a peer that runs; a node gets a command.
//!
//! Only random [walks](Walks) have the event that a node receives messages from a peer again
//! ([`Input::Returned`](elector_core::Input::Returned)). It changes which node campaigns first, and
//! no invariant depends on that.
//!
//! A step is atomic. A crash during a write is the same as a crash before the step of that write,
//! because the gate ([`Gate`](elector_core::Gate)) holds back everything that depends on the write.
//!
//! # Time
//!
//! Leases need time. With [`CheckConfig::time`], a timer may elapse when the lower bound of its
//! delay has passed, in any later tick, or never. So late timers are always possible, and so is
//! every draw of a random delay. Messages may take any time. A leader holds its lease until
//! [`Timing::lease`](elector_core::Timing::lease) after [`ElectionAlgorithm::lease`], and no two
//! nodes may hold a lease in the same state.
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
//! in a later tick than the tick in which they were sent. Without it, nearly all states differ only
//! in old messages that may still arrive. With [`CheckConfig::led`] the search begins with a
//! leader, so that a second election is near.
//!
//! # Walks
//!
//! A search is exhaustive and small. [`Walks`] are the opposite: a cluster with the algorithm's own
//! durations, in which an adversary chooses every event, for as long as there is time. Your own
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
//! replayed, and [`Finding::as_test`] prints it as a test. This is the end of a schedule for an
//! algorithm whose restarted voters forget that they owe silence:
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
//! Read it from the last line. Two nodes hold a lease, n1 and n3, so some node has supported both.
//! That node is n2: it acknowledged n1 before line 34 and voted for n3 before line 57. Between
//! these lines it owed silence. Line 38 is the last event at n2, so there the algorithm released n2
//! from the silence.
//!
//! The line `n2 receives 21` means that n2 gets the message that line 21 sent to it. `n2 writes`
//! means that the oldest write of n2 is now on its disk, so that everything that depends on this
//! write becomes visible.
//!
//! # The properties
//!
//! | property | | |
//! |---|---|---|
//! | `one-leader-per-epoch` | always | over all views of all nodes; `Quorum` only |
//! | `one-pledge-per-epoch` | always | [`Pledge`](elector_core::Pledge), across restarts |
//! | `one-value-per-ballot` | always | by the values that pledges name |
//! | `no-tenure-twice` | always | a node never leads an epoch again; `Quorum` only |
//! | `exclusive-lease` | always | `Quorum` only, and only with time |
//! | `epoch-monotonic` | always | across restarts |
//! | `contract` | always | the checks of a [`Driver`](elector_core::Driver), and no panic |
//! | `leader-elected` | sometimes | without it, the other properties say little |
//! | `lease-held` | sometimes | with time: without it, `exclusive-lease` says nothing |
//! | `second-epoch-led` | sometimes | so that there are stale messages and nodes |
//! | `all-agree` | sometimes | all nodes run and know the same leader of the same epoch |
//! | `two-lead-at-once` | sometimes | two nodes believe that they lead, in any epochs |
//! | `two-leaders-in-one-epoch` | sometimes | `BestEffort` only: it guarantees no better |
//!
//! Even under a quorum guarantee, two nodes may believe at the same time that they lead: one of
//! them in an older epoch. The epoch or a lease distinguishes them.
//!
//! # What a report without violations means
//!
//! No run within the bounds violates an invariant. This says nothing about runs with more nodes,
//! epochs, ticks, crashes or timeouts. The report names the bounds. States are compared byte by
//! byte and not by hashes, so none is overlooked. If a search was cut short, its report says so.
//!
//! A search is breadth-first, so a counterexample is as short as possible. It runs on one thread
//! and takes about 50 bytes for each distinct state: half a gigabyte for ten million states. Set
//! [`CheckConfig::max_states`] when you try new bounds.
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
