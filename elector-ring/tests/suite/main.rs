//! The tests of the ring elections, in one binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue must fail")]

mod config;
mod counts;
mod faults;
mod node;
mod paper;
mod robust;
mod scenarios;
mod total;
