//! Changes of the members of a cluster while it runs. [`Members`] wraps an election algorithm with
//! quorums, for example Raft or Paxos, and changes its voters one by one.
//!
//! The protocol is the logless reconfiguration of `MongoDB`: Schultz, Zhou, Dardik and Tripakis,
//! *Design and Analysis of a Logless Dynamic Reconfiguration Protocol* (OPODIS 2021). This crate
//! adds a lease, identities of disks, and the goal of a change.
//!
//! # The idea
//!
//! A [`Roster`] lists the voters. It is a durable record with a version and a term. The term is the
//! epoch of the newest leader that has held the roster. Rosters are ordered by term, then by
//! version, and a node keeps the newest roster that it has received. Messages of the election
//! algorithm carry the name of their sender's roster. A node processes them only if it has the same
//! roster: otherwise the node with the older roster first adopts the newer one. So the algorithm
//! itself always counts votes and acknowledgements of one roster.
//!
//! A leader makes the next roster from its own if these conditions hold:
//!
//! - A majority of the voters has the leader's roster on its disks, with the leader's epoch as the
//!   term, and is in the leader's epoch. Then no earlier roster can elect a leader any more.
//! - Each majority of the old voters meets (has a voter in common with) each majority of the new
//!   ones. A leader adds or removes one voter at a time, so this condition always holds.
//! - The leader's lease rests on a majority of the present voters. A lease that was earned under
//!   the previous roster holds to its deadline, and the majority that gave this lease meets each
//!   majority of the present roster. But it need not meet each majority of the next roster, so it
//!   is not enough for a change.
//! - The leader is a voter of the next roster.
//!
//! The new roster is in force at once. It names the *goal* of the whole change, so a new leader
//! continues where the old one has stopped. Voters that do not answer leave first, then new voters
//! join, then the other voters leave. A leader that is not in the goal transfers its leadership,
//! and then the new leader removes it.
//!
//! # Roles
//!
//! A *voter* takes part in elections. Every other node is an *observer*: it follows the leader, but
//! it does not vote and does not count in majorities. If the goal names an observer, this observer
//! becomes a voter when it has answered five beats of the leader in a row, each within half a
//! lease. (A *beat* is the message `Beat`, see below.)
//!
//! An observer that was a voter may be in a higher epoch than the leader, because its last campaign
//! failed. The epoch in the view of a node never goes back. So the view of such an observer has no
//! leader until the cluster is in a higher epoch.
//!
//! # Messages
//!
//! | message | says | purpose |
//! |---|---|---|
//! | `Inner` | a message of the election algorithm, and the roster of its sender | as the message |
//! | `Roster` | here is a newer roster | liveness |
//! | `Beat` | I lead: which roster do you have? | liveness |
//! | `Holds` | the roster that I have on my disk | liveness |
//!
//! A leader sends beats only to observers, and to voters while the members change or while the
//! roster does not name all disks yet. A cluster without observers whose members do not change
//! sends the same messages as without this crate.
//!
//! # Invariants
//!
//! - **M1** A node has the state of a leader exactly while its algorithm leads.
//! - **M2** The epoch of a voter is not below the term of its roster.
//! - **M3** Two rosters with one name are the same ([`check_rosters`]).
//! - **M4** Two rosters that can still elect leaders have majorities that meet ([`check_rosters`]).
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod algorithm;
mod comparable;
mod config;
mod durable;
mod invariants;
mod message;
mod roster;
mod state;

pub use config::MembersConfig;
pub use durable::MembersDurable;
pub use elector_core::DiskId;
pub use invariants::{Held, check_rosters};
pub use message::MembersMessage;
pub use roster::{Rank, Roster, Voter};
pub use state::{Members, MembersTimer};
