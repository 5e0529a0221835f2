//! The tests of the Bully algorithm, in one binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue must fail")]

mod beyond;
mod config;
mod counts;
mod faults;
mod node;
mod paper;
mod scenarios;
mod total;
