//! Ring elections.

#![no_std]

extern crate alloc;

mod algorithm;
mod config;
mod durable;
mod message;
mod passages;
mod state;
mod token;

pub use config::{RingConfig, RingVariant, SUMMARY, Variant};
pub use durable::RingDurable;
pub use message::{RingMessage, RingTimer};
pub use state::Ring;
pub use token::{Course, Errand, Serial, Token, TokenId, Way};
