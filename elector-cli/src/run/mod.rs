//! `elector run`: a command that runs on the node that leads, and on no other. It needs Linux.
//!
//! ```text
//! node ──socket──▶ guardian ──▶ COMMAND, in a process group of its own
//! ```
//!
//! The *node* takes part in the election. The *guardian* (`elector __guard`) is a child of the
//! node. Its only task is to ensure that no process of COMMAND is alive when the lease ends. It has
//! its own session, one thread and no runtime. It knows the end of the lease on a clock that also
//! counts while the machine is suspended. So the guardian stops COMMAND also if the node is killed,
//! is stopped (SIGSTOP), or hangs. While no command runs, a third process (`elector __exec`), the
//! *shim*, waits for the message to become COMMAND. So at the beginning of a tenure only one `exec`
//! is needed before COMMAND runs.
//!
//! | module | process |
//! |---|---|
//! | `handle`, `supervise` | the node |
//! | `guardian` | the guardian |
//! | `shim` | the process that becomes COMMAND |
//! | `channel` | the messages between node and guardian |
//!
//! # When COMMAND is stopped
//!
//! The guardian sends SIGTERM to the process group of COMMAND, with SIGCONT for processes that are
//! stopped. Later it sends SIGKILL to all processes of COMMAND that are left:
//!
//! | leadership | SIGTERM | SIGKILL at the latest |
//! |---|---|---|
//! | is given up | at once | `grace` later |
//! | is lost | at once | `margin` before lease end, or `grace` later if that is earlier |
//! | is not confirmed | `loss_grace + margin` before lease end | `margin` before lease end |
//! | ends with the node | – | at once |
//!
//! Leadership is *given up* by a step-down, a transfer, or SIGTERM to the node. The node continues
//! to lead until COMMAND has ended. Leadership is *lost* when another node is elected. If the lost
//! leadership has no lease, COMMAND has `loss_grace`. Leadership is *not confirmed* when a majority
//! does not answer heartbeats in time, or when the node is stopped or hangs.
//!
//! There is no grace in the last row (the node has exited), because the kernel closes the
//! connections of the node, and the peers notice this. Under a best-effort algorithm, the peers
//! elect another leader at once. Under a quorum algorithm, a connection that breaks or is refused
//! proves nothing (but see `--trust-refused`): the peers still support no other node for as long as
//! the lease may last. The guardian can prove the death of the node earlier. The node has
//! [entrusted](GuardianSockets::entrust) its connections to the guardian. When the kernel has
//! reported the end of the node's process, and COMMAND is dead, the guardian writes the proof on
//! these connections. Then another node may lead within a millisecond.
//!
//! COMMAND has ended when its first process and all descendants of this process have ended. If the
//! first process ends before its descendants, the guardian sends SIGTERM to the descendants, and
//! SIGKILL after `grace`. It reports the end of COMMAND only after the last descendant has ended.
//! So COMMAND must stay in the foreground: a daemon that moves to the background is stopped.
//!
//! Signals that were ignored when the node was started, for example by `nohup`, stay ignored in
//! COMMAND, except SIGTERM. Ctrl-C in a terminal reaches only the node. The SIGTERM of a service
//! manager must also reach only the node (systemd: `KillMode=mixed`). If this SIGTERM reached
//! COMMAND as well, COMMAND would end before the node has given leadership up.
//!
//! If the guardian is stopped or gets no processor, the node sends SIGKILL itself, half of `margin`
//! before the lease ends.
//!
//! # What is killed
//!
//! The guardian kills the process group of COMMAND. The guardian is also a *subreaper*: a process
//! of COMMAND whose parent has exited becomes a child of the guardian. So the guardian finds and
//! kills a daemon that has left the group, or even the session. If the guardian itself is killed,
//! the kernel kills the first process of COMMAND at the same time (`PR_SET_PDEATHSIG`). The node is
//! a subreaper, too: it becomes the parent of all other processes of COMMAND, kills them, and
//! stops.
//!
//! These are not killed:
//! - all but the first process of COMMAND, if node and guardian are killed at the same time;
//! - a process that has become a process of another user, if elector may not signal the processes
//!   of that user. By such a change (`exec` of a set-user-ID file, or of one with capabilities)
//!   COMMAND also loses `PR_SET_PDEATHSIG`;
//! - COMMAND, if node *and* guardian are stopped but COMMAND is not (`pkill -STOP elector`), or if
//!   the guardian is stopped and the node is killed. No process is left that could kill COMMAND,
//!   and another node is elected when the lease has ended;
//! - a process that hangs in the kernel, as on a network file system that does not answer. It dies
//!   when it returns from the kernel;
//! - a COMMAND with much memory, for some time. It is dead only when the kernel has freed its
//!   memory, which takes 60 to 80 ms for each GiB that is resident. Make `margin` longer than this
//!   time. The node logs a warning if `margin` is shorter;
//! - processes that other programs start for COMMAND: a container of a daemon, a systemd unit, a
//!   remote shell;
//! - COMMAND on a machine that is suspended, or whose processes are all frozen, until after the end
//!   of the lease. When the machine wakes, COMMAND may run for an instant before the guardian does.
//!   The fencing token protects against that.
//!
//! # How late the guardian may be
//!
//! The guardian locks its memory and raises its priority, as far as it is allowed to. It may lock
//! memory with `CAP_IPC_LOCK` or `LimitMEMLOCK=infinity`. With `CAP_SYS_NICE`, or with
//! `LimitNICE=-20` and `LimitRTPRIO=1`, the guardian becomes a real-time process of the lowest
//! priority (`SCHED_FIFO`). COMMAND does not become a real-time process. A nice value alone counts
//! only within a session or a control group. The guardian also gives the processes that it kills
//! the best nice value, because they need a processor to end.
//!
//! The guardian takes two kinds of measurements: how late a message of the node about a longer
//! lease arrives, and how long after the time of SIGKILL the last process of COMMAND was dead. If
//! twice the longest of the last 64 measurements is more than `margin`, the guardian uses that time
//! as the margin instead. It widens the margin by at most a quarter of the time that a heartbeat
//! may be late. If COMMAND ends after the lease, the node logs an error, and counts it in
//! `elector_command_late_ends_total`.
//!
//! # Why a signal reaches no other process
//!
//! Process ids are reused, but no signal reaches a process that does not belong to COMMAND. The
//! guardian reaps the first process of COMMAND only after the node has reported that it sends no
//! more signals to this process. Until then, no other process or group can have the id of this
//! process, and both guardian and node send signals to this id. Only the guardian signals the other
//! processes, one by one. It is their parent, and reaps them itself. If the guardian has exited,
//! the node is the parent, and reaps the processes that it has killed. So the first process is a
//! zombie from its end until the node's report. That takes microseconds, or as long as the node is
//! stopped.
//!
//! # The environment of COMMAND
//!
//! COMMAND has the environment of the node, without `ELECTOR_TOKEN`, `ELECTOR_TOKEN_FILE` and
//! `ELECTOR_TLS_DIR`, which are about secrets of the node. These variables are added:
//! - `ELECTOR_NODE`: the id of this node;
//! - `ELECTOR_EPOCH`: the epoch in which this node leads;
//! - `ELECTOR_FENCING_TOKEN`: the token to send with every write. The token is higher at each
//!   start. The variable is not set under an algorithm that has no tokens.
//!
//! Standard output and error are those of the node. Standard input is empty, unless it is
//! [inherited](Stdin). COMMAND has no controlling terminal. It inherits one open file, `life` in
//! the data folder of the node, with a lock on it. When the node is started again and gets this
//! lock, no process is left that acted for the node before, and the peers accept the lock as a
//! proof of that. A process of COMMAND that has closed the file does not hold the lock any more, so
//! the lock proves nothing about this process.
//!
//! # In a container
//!
//! If `elector run` or `elector node` is the first process of a container (of a PID namespace), it
//! starts itself again as a child, passes signals on to the child, and ends after all other
//! processes, at most 10 s after the child. If the node was the first process, the kernel would
//! kill the guardian, or the heir, together with the node, and no process could prove to the peers
//! that the node is dead. If the container is killed as a whole, there is no proof: the peers elect
//! another leader when the lease has ended.
//!
//! # Exit codes of `elector run`
//!
//! | code | |
//! |---|---|
//! | 0 | shut down as requested, and COMMAND has ended |
//! | 2 | wrong use: arguments, settings, a COMMAND that does not exist or is not executable |
//! | 3 | the node failed: its disk, its algorithm |
//! | 4 | the guardian failed, or was killed |
//! | *n* | under `--on-exit stop`: the code of COMMAND |
//!
//! If COMMAND has no exit code, code *n* is 128 + *s* if signal *s* killed COMMAND, 127 if it did
//! not exist when it was started, and 126 if it could not be executed.

mod channel;
mod children;
mod end;
mod error;
mod guardian;
mod handle;
mod leadership;
mod options;
mod shim;
mod supervise;

use std::{
    env,
    ffi::{OsStr, OsString},
    process::ExitCode,
};

pub use elector_core::actor::Backoff;
pub use end::{CommandEnd, EndReason, Exit};
pub use error::RunError;
pub use handle::{CommandHandle, GuardianSockets, Metrics};
pub use leadership::{CommandLeadership, StartParameters};
pub use options::{Options, Stdin};
pub use supervise::{ExitPolicy, TenureEnd, supervise};

/// The exit code of `elector run` for invalid arguments or settings, or an invalid COMMAND.
pub const WRONG_USE: u8 = 2;
/// The exit code of `elector run` when the node stopped by itself.
pub const NODE_FAILED: u8 = 3;
/// The exit code of `elector run` when the guardian (the process that stops COMMAND in time) failed
/// or was killed.
pub const GUARDIAN_FAILED: u8 = 4;

/// The first argument of a guardian, the process that stops COMMAND before the lease ends.
const GUARDIAN: &str = "__guard";
/// The first argument of a shim, the process that becomes COMMAND.
const SHIM: &str = "__exec";

/// Runs this process as a guardian (which stops COMMAND in time) or as a shim (which becomes
/// COMMAND), if a node or a guardian has started it as one of them, and returns its exit code.
/// Returns `None` if this process was started for any other purpose.
///
/// Call this function before everything else, while no other thread runs.
#[must_use]
pub fn entry() -> Option<ExitCode> {
    let mut arguments = env::args_os().skip(1);
    let first = arguments.next()?;
    let rest = || arguments.collect::<Vec<OsString>>();
    if first == OsStr::new(GUARDIAN) {
        Some(guardian::main(rest()))
    } else if first == OsStr::new(SHIM) {
        Some(shim::main(&rest()))
    } else {
        None
    }
}
