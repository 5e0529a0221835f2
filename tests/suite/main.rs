//! All tests that can share a process. One binary builds faster than one for each file.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

#[path = "../support/mod.rs"]
mod support;

mod accounting;
mod actors;
mod any;
mod fixed_timeout;
mod logs;
mod lonely_quorum;
mod mutants;
mod saturation;
mod simulator;
mod split_vote;
mod stock;
