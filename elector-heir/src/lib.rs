//! A process that is killed closes its sockets at once, however much memory it held.
//!
//! When a process is killed, Linux gives back its memory first and closes its files after that
//! (`do_exit` calls `exit_mm` before `exit_files`, kernel/exit.c). That takes tens of microseconds a
//! mebibyte: the peers of a process of one gibibyte see its connections break some 70 ms after it
//! was killed, and not 0.2 ms (the table of `cargo bench -p elector-cli --bench failover_tcp` has
//! both). Where a broken connection is what starts the next election, a dead leader's memory is
//! time without a leader.
//!
//! [`appoint`] starts a second process that shares the memory of this one (`clone(2)` with
//! `CLONE_VM`), and nothing else: no file, no signal, no work. While it lives, memory is not given
//! back; so when this process is killed, it closes its files at once, its heir notices, ends too,
//! and only that gives back the memory. Nothing changes for a process that ends in any other way,
//! nor where all processes of a control group are killed together.
//!
//! ```no_run
//! // First thing in `main`, before threads and sockets.
//! if let Err(error) = elector_heir::appoint() {
//!     eprintln!("peers will notice a crash a little later: {error}");
//! }
//! ```
//!
//! # What it looks like from outside
//!
//! - `ps` shows a second process of the name `elector-heir`, of the same size: the memory is there
//!   once, and control groups count it once.
//! - It is a child of this process with no exit signal: `wait(2)` does not see it (without
//!   `__WALL`), and it raises no `SIGCHLD`. It has a session of its own, and all signals are blocked
//!   in it. If it is killed, nothing happens but that memory is given back first again.
//! - It ends when this process has ended, or becomes another program (`exec`).
//! - Two descriptors of this process are taken for as long as it lives.
//!
//! # Where it does not work
//!
//! Outside of Linux, before Linux 5.9 (`close_range`), under a filter of system calls that forbids
//! `clone`, and under Valgrind, which does not know a process of this kind: [`appoint`] says so, and
//! everything is as before.

#[cfg(target_os = "linux")]
mod linux;

use std::io;

use thiserror::Error;

/// Why there is no heir.
#[derive(Debug, Error)]
pub enum HeirError {
    /// This operating system has no such thing.
    #[error("only Linux has processes that share their memory")]
    Unsupported,
    /// It has it, and does not let this process use it.
    #[error("{what}: {source}")]
    System {
        /// What could not be done.
        what: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Starts the heir of this process, unless it has one; the heir's process id.
///
/// It lasts as long as the process, and nothing is to be kept or undone. Best called first thing in
/// `main`: what is open at that moment stays open in the heir for the few microseconds that it needs
/// to close it.
///
/// # Errors
/// If the system does not allow it. The process can go on: its memory is given back before its
/// files are closed, as that of every process.
pub fn appoint() -> Result<u32, HeirError> {
    #[cfg(target_os = "linux")]
    return linux::appoint();
    #[cfg(not(target_os = "linux"))]
    Err(HeirError::Unsupported)
}
