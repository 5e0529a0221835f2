//! A process that is killed closes its sockets at once, however much memory it held.
//!
//! When a process is killed, Linux gives back its memory first and closes its files after that
//! (`do_exit` calls `exit_mm` before `exit_files`, kernel/exit.c). That takes tens of microseconds
//! a mebibyte: the peers of a process of one gibibyte see its connections break some 70 ms after it
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
//! The heir also knows, and no other process does, that its process has ended. What is
//! [entrusted](entrust) to it, it writes then: a proof for peers.
//!
//! ```no_run
//! // After all changes of privileges and of the sandbox.
//! if let Err(error) = elector_heir::appoint() {
//!     eprintln!("peers will notice a crash a little later: {error}");
//! }
//! ```
//!
//! # After all privilege and sandbox changes, never before
//!
//! The heir shares all memory with its process, its own stack included: what can write this memory
//! can make the heir run anything. So the heir must have no right that the process has given up,
//! and what the process gives up later (a user, capabilities, seccomp, Landlock, a root folder) it
//! does not give up for its heir. Two things are done about that:
//!
//! - The heir drops all capabilities, sets `NO_NEW_PRIVS`, and restricts itself to six system
//!   calls: to wait, to go on waiting, to take a connection that its process gives it, to write on
//!   one that is connected, to close it, and to end. If any of that fails, it ends and [`appoint`]
//!   says why.
//! - [`appoint`] refuses a process that has privileges to drop: root, capabilities, or a real user
//!   other than the effective one. A program that keeps them for all of its life calls
//!   [`appoint_privileged`].
//!
//! # What it looks like from outside
//!
//! - `ps` shows a second process of the name `elector-heir`, of the same size: the memory is there
//!   once, and control groups count it once.
//! - It is a child of this process with no exit signal: `wait(2)` does not see it (without
//!   `__WALL`), and it raises no `SIGCHLD`. It has a session of its own, and all signals are
//!   blocked in it. If it is killed, nothing happens but that memory is given back first again.
//! - It keeps the connections that are [entrusted](entrust) to it, and no other file of this
//!   process.
//! - `wait(2)` for this process returns before its memory is given back, whether it was killed or
//!   ended by itself: the heir waits 20 ms more, and only then does the kernel begin. A supervisor
//!   that starts the next process at once needs memory for both. A control group is empty, and a
//!   service has ended, that much later.
//! - It ends when this process has ended, or becomes another program (`exec`).
//! - Two descriptors of this process are taken for as long as it lives.
//!
//! # Where it does not work
//!
//! Outside of Linux on `x86_64` and `aarch64`, before Linux 5.9 (`close_range`), under a filter of
//! system calls that forbids `clone` or `seccomp`, and under Valgrind, which does not know a
//! process of this kind: [`appoint`] says so, and everything is as before.

#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod linux;

use std::{io, os::fd::BorrowedFd};

use thiserror::Error;

/// Why there is no heir.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HeirError {
    /// This system has no such thing.
    #[error("only Linux on x86-64 and AArch64 has processes that can share their memory so")]
    Unsupported,
    /// The process has privileges that it may want to drop; see [`appoint_privileged`].
    #[error("this process has privileges that its heir would share ({0}): drop them first")]
    Privileged(&'static str),
    /// The system has it, and does not let this process use it.
    #[error("{what}: {source}")]
    System {
        /// What could not be done.
        what: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Starts the heir of this process, unless it has one; returns the heir's process id.
///
/// It lasts as long as the process, and nothing is to be kept or undone. To be called after all
/// changes of privileges and of the sandbox, and better before threads and sockets: what is open at
/// that moment stays open in the heir for the few microseconds that it needs to close it.
///
/// # Errors
/// If the process has privileges, or the system does not allow an heir. The process can go on: its
/// memory is given back before its files are closed, as that of every process.
pub fn appoint() -> Result<u32, HeirError> {
    start(false)
}

/// As [`appoint`], also in a process with privileges. Only for a program that never drops them:
/// what it drops later its heir keeps, except for what every heir gives up.
///
/// # Errors
/// If the system does not allow an heir.
pub fn appoint_privileged() -> Result<u32, HeirError> {
    start(true)
}

/// Has the heir keep a copy of this connection, a stream socket, and write these words there when
/// this process has ended: 1 to 64 bytes. The kernel says that by a pidfd; nothing else makes the
/// heir write, and it writes nothing when the process becomes another program (`exec`). Never
/// waits.
///
/// The heir closes its copy when the other side has, or when this process shuts the connection down
/// (`shutdown(2)`). Until then the connection stays open, whatever this process closes. The heir
/// keeps 128 connections, and closes the copy of any further one.
///
/// # Errors
/// If this process has no heir, or its heir has ended or does not read; or if the number of bytes
/// is not allowed.
pub fn entrust(words: &[u8], connection: BorrowedFd<'_>) -> io::Result<()> {
    #[cfg(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    ))]
    return linux::entrust(words, connection);
    #[cfg(not(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    )))]
    {
        let _ = (words, connection);
        Err(io::ErrorKind::Unsupported.into())
    }
}

fn start(privileged: bool) -> Result<u32, HeirError> {
    #[cfg(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    ))]
    return linux::appoint(privileged);
    #[cfg(not(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    )))]
    {
        let _ = privileged;
        Err(HeirError::Unsupported)
    }
}
