//! Changes of the members of a cluster while it runs.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod algorithm;
mod config;
mod durable;
mod invariants;
mod message;
mod roster;
mod state;

pub use config::MembersConfig;
pub use durable::MembersDurable;
pub use invariants::{Held, check_rosters};
pub use message::MembersMessage;
pub use roster::{DiskId, Rank, Roster, Voter};
pub use state::{Members, MembersTimer};
