//! Clusters of real `elector` processes on loopback addresses. The tests do what users do, load the
//! machine, and cause random faults.
//!
//! `cargo test` runs short versions of the load tests and of the random faults. To run the long
//! versions, use a machine that is otherwise idle:
//!
//! ```sh
//! ELECTOR_CHAOS=200 cargo test --release -p elector-cli --test cluster chaos -- --nocapture
//! ELECTOR_OVERLOAD=600 cargo test --release -p elector-cli --test cluster overload -- --nocapture
//! ELECTOR_READMISSIONS=200 cargo test --release -p elector-cli --test cluster readmissions -- \
//!     --nocapture
//! ```

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot continue must fail")]

mod chaos;
mod child;
mod clean;
mod cluster;
mod command;
mod encrypted;
mod handover;
mod history;
mod lines;
mod logs;
mod members;
mod overload;
mod plan;
mod proofs;
#[expect(dead_code, reason = "other tests use the rest of it")]
#[path = "../../../elector-net/tests/common/proxy.rs"]
mod proxy;
mod readmissions;
mod records;
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

/// The time limit for each wait in these tests. A wait that takes longer is taken for endless.
const LIMIT: Duration = Duration::from_secs(60);

/// Waits until the condition holds. Fails after [`LIMIT`], with the text `what`.
fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < LIMIT, "timed out: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Returns a lock that only one test at a time can hold. Tests that load the machine take this
/// lock, and also tests that such a load would disturb.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the number in this environment variable, if the variable is set.
fn number_from<T: std::str::FromStr>(variable: &str) -> Option<T> {
    let text = std::env::var(variable).ok()?;
    let number = text.parse().ok();
    assert!(number.is_some(), "{variable} is no number: {text}");
    number
}
