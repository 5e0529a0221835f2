//! Makes a killed process close its sockets at once, regardless of its memory size.
//!
//! When a process is killed, Linux frees its memory first and closes its files after that
//! (`do_exit` calls `exit_mm` before `exit_files`, kernel/exit.c). To free the memory takes tens of
//! microseconds per mebibyte. The peers of a process of one gibibyte see its connections break some
//! 70 ms after the kill, instead of 0.2 ms (the table of
//! `cargo bench -p elector-cli --bench failover_tcp` has these times without and with an heir, for
//! 100 MiB). If a broken connection starts the next election, the cluster has no leader while the
//! kernel frees a dead leader's memory.
//!
//! [`appoint`] starts a second process, which is called the heir. The heir shares the memory of
//! this process (`clone(2)` with `CLONE_VM`), but not its files and signals. While the heir lives,
//! the kernel does not free the memory. So a killed process closes its files at once. Then its heir
//! notices the end of the process and exits too, and only after that the kernel frees the memory.
//! Nothing changes for a process that ends in any other way, and nothing changes if all processes
//! of a control group are killed together.
//!
//! The heir also knows for certain that its process has ended. It then sends the messages that were
//! [entrusted](entrust) to it: proofs of death for peers.
//!
//! ```no_run
//! // Call this after all changes of privileges and of the sandbox.
//! if let Err(error) = elector_heir::appoint() {
//!     eprintln!("no heir, so peers will notice a crash later: {error}");
//! }
//! ```
//!
//! # Call it after all changes of privileges and of the sandbox
//!
//! The heir shares all memory with its process, also the heir's own stack. So code that can write
//! this memory can make the heir run anything. Therefore the heir must have no right that the
//! process has given up. But a right that the process gives up later (a user, capabilities,
//! seccomp, Landlock, a root folder) stays with the heir. There are two protections:
//!
//! - The heir drops all capabilities, sets `NO_NEW_PRIVS`, and restricts itself to six system
//!   calls: to wait, to resume a wait, to receive a connection from its process, to write on a
//!   connected socket, to close it, and to exit. If any of these steps fails, the heir exits and
//!   [`appoint`] returns the reason.
//! - [`appoint`] rejects a process that has privileges to drop: root, capabilities, or a real user
//!   other than the effective one. A program that keeps its privileges for its whole life calls
//!   [`appoint_privileged`].
//!
//! # What an heir looks like from outside
//!
//! - `ps` shows a second process with the name `elector-heir` and the same size. The memory exists
//!   only once, and control groups count it once.
//! - The heir is a child of this process without an exit signal: `wait(2)` does not see the heir
//!   (without `__WALL`), and its end raises no `SIGCHLD`. It has a session of its own, and blocks
//!   all signals. If the heir is killed, the process continues as if it had no heir: the kernel
//!   frees its memory first again, and no entrusted message is sent.
//! - The heir keeps the connections that are [entrusted](entrust) to it, and no other file of this
//!   process.
//! - `wait(2)` for this process returns before its memory is freed, no matter how the process
//!   ended: the heir waits 20 ms more before the kernel starts to free the memory. A supervisor
//!   that starts the next process at once needs memory for both. A control group becomes empty, and
//!   a service counts as ended, only after this time.
//! - The heir exits when this process has ended, or has become another program (`exec`).
//! - For the heir, this process keeps one file descriptor open until the process ends: its own end
//!   of the channel to the heir.
//!
//! # Where an heir does not work
//!
//! An heir does not work outside of Linux on `x86_64` and `aarch64`, before Linux 5.9
//! (`close_range`), under a system call filter that forbids `clone` or `seccomp`, and under
//! Valgrind, which does not support a process that shares memory in this way. [`appoint`] then
//! returns the reason, and nothing else changes.

#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod linux;

use std::{fmt, io, os::fd::BorrowedFd};

use thiserror::Error;

/// Why there is no heir.
#[derive(Error)]
#[non_exhaustive]
pub enum HeirError {
    /// This system does not support heirs.
    #[error("an heir needs Linux on x86-64 or AArch64")]
    Unsupported,
    /// The process has privileges that it may drop later: see [`appoint_privileged`].
    #[error("this process has privileges that its heir would keep ({0}): drop them first")]
    Privileged(&'static str),
    /// The system supports heirs, but does not let this process start one.
    #[error("{what}: {source}")]
    System {
        /// The operation that failed.
        what: &'static str,
        /// The reason.
        #[source]
        source: io::Error,
    },
}

/// Rust prints the error of a `main` with `Debug`, so this implementation prints the text of the
/// error.
impl fmt::Debug for HeirError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Starts the heir of this process, unless there is one. The heir is a helper process that shares
/// the memory of this process: see the documentation of this crate. Returns the heir's process id.
///
/// The heir lives as long as the process, and needs no handle and no cleanup. Call this function
/// after all changes of privileges and of the sandbox, and preferably before threads and sockets
/// exist: files that are open at that moment stay open in the heir for the few microseconds in
/// which the heir closes them.
///
/// # Errors
/// If the process has privileges, or if the system does not allow an heir. The process can continue
/// without an heir: when it is killed, the kernel frees its memory before it closes its files, as
/// for every process.
pub fn appoint() -> Result<u32, HeirError> {
    start(false)
}

/// Does the same as [`appoint`], also in a process with privileges. This function is only for a
/// program that never drops its privileges: the heir keeps rights that the program drops later,
/// except those that every heir gives up.
///
/// # Errors
/// If the system does not allow an heir.
pub fn appoint_privileged() -> Result<u32, HeirError> {
    start(true)
}

/// Gives the heir a copy of `connection`, which must be a stream socket, and a message of 1 to 64
/// bytes. When this process has ended, the heir writes the message to the connection. The kernel
/// reports the end of the process to the heir through a pidfd. Nothing else makes the heir write a
/// message, and the heir writes nothing when the process becomes another program (`exec`). This
/// function does not wait until the heir has received the message.
///
/// The heir closes its copy when the other side has closed the connection, or when this process
/// shuts the connection down (`shutdown(2)`). Until then the connection stays open, even if this
/// process closes its own descriptor. The heir keeps at most 128 connections. It closes the copy of
/// any further connection, and sends no message there.
///
/// # Errors
/// If this process has no heir, if its heir has exited or does not read the messages that this
/// process sends to it, or if the message is too short or too long.
pub fn entrust(message: &[u8], connection: BorrowedFd<'_>) -> io::Result<()> {
    #[cfg(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    ))]
    return linux::entrust(message, connection);
    #[cfg(not(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    )))]
    {
        let _ = (message, connection);
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
