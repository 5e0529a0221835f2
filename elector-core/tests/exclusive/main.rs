//! Tests of nodes that run on actors (the host for applications). The tests measure their own
//! process: its threads, its memory, its delays.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

#[path = "../../../tests/support/mod.rs"]
mod support;

mod flood;
mod scale;

use tokio::sync::Mutex;

/// The running test locks this mutex. Threads and memory belong to the process, so two tests at the
/// same time would measure each other.
static EXCLUSIVE: Mutex<()> = Mutex::const_new(());
