//! Clusters of real processes of the `elector` command, on loopback: what a user meets, what load
//! must not do, and what random faults must not break.
//!
//! `cargo test` does a little of the last two. All of it, on a machine that is otherwise quiet:
//!
//! ```sh
//! ELECTOR_CHAOS=200 cargo test --release -p elector-cli --test cluster chaos -- --nocapture
//! ELECTOR_OVERLOAD=600 cargo test --release -p elector-cli --test cluster overload -- --nocapture
//! ```

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod board;
mod chaos;
mod child;
mod clean;
mod cluster;
mod command;
mod encrypted;
mod handover;
mod history;
mod lines;
mod members;
mod overload;
mod plan;
mod proofs;
#[expect(dead_code, reason = "it is made for other tests, too")]
#[path = "../../../elector-net/tests/common/proxy.rs"]
mod proxy;
mod returning;
mod running;
mod settings;
mod signals;
mod starting;
mod unread;
mod wires;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// Nothing here takes so long unless it never ends.
const LIMIT: Duration = Duration::from_secs(60);

/// Waits for a condition.
fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < LIMIT, "never: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// For tests that load the machine, or that load would disturb: one of them at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a variable asks for, if it is set.
fn asked<T: std::str::FromStr>(variable: &str) -> Option<T> {
    let text = std::env::var(variable).ok()?;
    let asked = text.parse().ok();
    assert!(asked.is_some(), "{variable} is no number: {text}");
    asked
}
