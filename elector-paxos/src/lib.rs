//! Paxos
#![no_std]
extern crate alloc;

mod algorithm;
mod config;
mod durable;
mod message;
mod state;

pub use config::{Learning, PaxosConfig, SUMMARY, Variant};
pub use durable::{Ballot, PaxosDurable, Proposal};
pub use message::PaxosMessage;
pub use state::{Paxos, PaxosTimer};
