//! Bully
#![no_std]
extern crate alloc;
mod algorithm;
mod config;
mod durable;
mod message;
mod state;

pub use config::{BullyConfig, SUMMARY, Variant};
pub use durable::BullyDurable;
pub use message::BullyMessage;
pub use state::{Bully, BullyTimer};
