//! `elector run`: a command of any kind that runs on the node that leads, and nowhere else. Linux.
//!
//! ```text
//! node ──socket──▶ guardian ──▶ COMMAND, in a process group of its own
//! ```
//!
//! Three processes, of two programs. The *node* takes part in the election. The *guardian*
//! (`elector __guard`) is the node's child and has one duty: that by the end of the lease no
//! process of COMMAND lives. It has a session of its own, one thread, no runtime, and the lease's
//! deadline on a clock that counts suspend; so it does its duty whether the node was killed, was
//! stopped, or hangs. While no command runs, a third one (`elector __exec`) waits in its place for
//! the word to go, so that at the beginning of a tenure there is nothing to do but one `exec`.
//!
//! # When COMMAND is stopped
//!
//! SIGTERM (and SIGCONT, for those that are stopped) to its process group, then SIGKILL to
//! whatever is left of it:
//!
//! | leadership | SIGTERM | SIGKILL at the latest |
//! |---|---|---|
//! | is given up | at once | `grace` later |
//! | is lost | at once | `margin` before the lease ends, and `grace` later |
//! | is not confirmed | `loss_grace + margin` before the lease ends | `margin` before that |
//! | ends with the node | – | at once |
//!
//! It is given up by a step-down, a transfer, or SIGTERM to the node, which leads on for as long as
//! COMMAND takes; lost to another node that is elected (without a lease, `loss_grace` is the time);
//! not confirmed where a majority is not heard in time, or the node was stopped or hangs.
//!
//! The last row has no grace, for the lease is no protection there: the kernel tells the peers of
//! the process's end too. A broken or refused connection is no proof for them, and does not shorten
//! the silence that they owe to the lease. The proof comes of the guardian, to which the node has
//! [entrusted](Keeper::entrust) its connections: when the kernel says that the process of the node
//! has ended, and COMMAND is dead. Then another node may lead within a millisecond.
//!
//! COMMAND is over when its first process has ended and none is left of what that one has started.
//! What it leaves behind gets SIGTERM, `grace`, SIGKILL, and only then is the end reported. So it
//! has to stay in the foreground: a daemon that goes into the background is stopped for it.
//!
//! Signals that the node was started to ignore, as by `nohup`, stay ignored in COMMAND, but for
//! SIGTERM. A terminal's Ctrl-C reaches the node alone, and so must a service manager's SIGTERM
//! (systemd: `KillMode=mixed`): one that reaches COMMAND, too, ends it before the node has given up
//! anything.
//!
//! If the guardian does not do it, because it is stopped or gets no processor, the node sends
//! SIGKILL half of `margin` before the lease ends.
//!
//! # What is killed
//!
//! The process group; and the guardian is the one that orphans are given to (a *subreaper*), so a
//! daemon that has left the group, even the session, is found by its parentage and killed as well.
//! If the guardian itself is killed, the kernel kills COMMAND's first process with it
//! (`PR_SET_PDEATHSIG`). The node is a subreaper, too: it is given all that is left, kills it, and
//! stops.
//!
//! What escapes:
//! - everything but COMMAND's first process, if node and guardian are killed at the same time;
//! - a process that has become another user's, if elector may not signal that one; and by such a
//!   change (`exec` of a set-user-ID file, or one with capabilities) COMMAND escapes
//!   `PR_SET_PDEATHSIG`, too;
//! - COMMAND, if node *and* guardian are stopped, or the guardian is and the node is killed, and it
//!   is not (`pkill -STOP elector`): no process is left that could kill it, and another node is
//!   elected when the lease has ended;
//! - a process that hangs in the kernel (a dead network file system) dies when it comes back;
//! - a COMMAND with much memory: the kernel frees its memory before it is dead, which takes some 60
//!   to 80 ms per GiB that is resident. Give `margin` that much: there is a warning where it has
//!   less;
//! - what others start for COMMAND: a container that a daemon runs, a systemd unit, a remote shell;
//! - a machine that is suspended, or whose processes are all frozen, past the deadline: COMMAND may
//!   run for an instant when it wakes, before the guardian does. The fencing token is for that.
//!
//! # How late that may be
//!
//! The guardian locks its memory and goes before other processes, where it may: with `CAP_IPC_LOCK`
//! or `LimitMEMLOCK=infinity`, and with `CAP_SYS_NICE` or `LimitNICE=-20` and `LimitRTPRIO=1`: then
//! it is a real-time process of the lowest priority (`SCHED_FIFO`), and COMMAND is not. A nice
//! value alone counts within a session or a control group only. The processes that it kills get the
//! best nice value, too, for they need a processor to end. It measures how late it hears of a
//! longer lease, and how long after the time for it the last process was dead. If the double of the
//! worst of the last 64 is more than `margin`, it leaves that instead, and takes at the most a
//! quarter of the time that a heartbeat may be late. An end after the lease is logged as an error,
//! and counted in `elector_command_late_ends_total`.
//!
//! # Whom a signal can hit
//!
//! No stranger, though process ids are used again. The guardian collects the first process of
//! COMMAND only when the node has said that it sends no more signals there. Until then no other
//! process and no other group can have that id, which is what guardian and node send signals to.
//! All others get them one by one from their parent, the guardian, which collects them itself. If
//! the guardian is gone, the node is the parent, and collects what it has killed. So the first
//! process is a zombie from its end to the node's word, which takes microseconds, or as long as a
//! node is stopped.
//!
//! # The environment of COMMAND
//!
//! The node's, without `ELECTOR_TOKEN`, `ELECTOR_TOKEN_FILE` and `ELECTOR_TLS_DIR`, which are about
//! the node's secrets; and: `ELECTOR_NODE`, the id of this node; `ELECTOR_EPOCH`, the epoch that it
//! leads; `ELECTOR_FENCING_TOKEN`, the token to send along with every write, which is higher at
//! each start and not set under an algorithm that gives none. Standard output and error are the
//! node's; standard input is empty, unless [told otherwise](Stdin). COMMAND has no controlling
//! terminal. It inherits one open file, `life` in the node's folder, which is locked: when the next
//! life of the node gets that lock, no process is left that acted for the life before, and peers
//! take it for a proof. A process that closes the file is not waited for.
//!
//! # In a container
//!
//! As the first process of a container (of a PID namespace) `elector run` and `elector node` start
//! themselves again as a child, pass signals on to it, and end after all other processes, 10 s
//! after it at the latest. Otherwise the kernel would kill the guardian, or the heir, together with
//! the node, and nothing could prove to the peers that this is dead. If the container is killed as
//! a whole, nothing can: peers elect when the lease has ended.
//!
//! # Exit codes of `elector run`
//!
//! | code | |
//! |---|---|
//! | 0 | shut down as asked, COMMAND ended |
//! | 2 | wrong use: arguments, settings, a COMMAND that is not there or not executable |
//! | 3 | the node failed: its disk, its algorithm |
//! | 4 | the guardian failed, or was killed |
//! | *n* | under `--on-exit stop`: COMMAND's own code |
//!
//! Instead of a code of its own, COMMAND has 128 + *s* if signal *s* ended it, 127 if it was not
//! found any more, and 126 if it could not be executed.

mod channel;
mod end;
mod error;
mod guard;
mod guardian;
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
pub use end::{Ended, Exit, Why};
pub use error::RunError;
pub use guard::{Guard, Keeper, Metrics};
pub use leadership::Tenure;
pub use options::{Options, Stdin};
pub use supervise::{ExitPolicy, Held, Outcome, supervise};

/// The exit code of `elector run` for arguments, settings or a COMMAND that cannot be.
pub const WRONG_USE: u8 = 2;
/// The exit code of `elector run` when the node stopped by itself.
pub const NODE_FAILED: u8 = 3;
/// The exit code of `elector run` when the guardian ended before it was told to.
pub const GUARDIAN_FAILED: u8 = 4;

/// The first argument of a guardian.
const GUARDIAN: &str = "__guard";
/// The first argument of the process that becomes COMMAND.
const SHIM: &str = "__exec";

/// What this process does if it was started to guard a command, or to become one: call it before
/// anything else, with no other thread running. `None` if it was started for anything else.
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
