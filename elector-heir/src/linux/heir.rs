//! The code that runs in the heir. The heir shares all memory, and the storage of the thread that
//! started it. So this code makes system calls without libc, and does not allocate, lock, panic or
//! use its thread.

use std::{
    ffi::{c_int, c_void},
    os::fd::RawFd,
    ptr,
    sync::atomic::{AtomicU32, Ordering},
};

use super::{raw::call, watch};

/// The arguments of the heir, and the state of its start. They are never freed: the heir may run
/// for a moment after its process.
pub(super) struct HeirArgs {
    /// Readable when all threads of the process have ended, with their files closed.
    pub(super) process: RawFd,
    /// Connections and their messages arrive here. The other end is closed a little before the
    /// process has ended, and also when the process becomes another program.
    pub(super) channel: RawFd,
    /// [`STARTING`], [`CONFINED`], or the place of a failed step in [`STEPS`] with its error number
    /// from bit 8 on.
    pub(super) state: AtomicU32,
}

pub(super) const STARTING: u32 = 0;
pub(super) const CONFINED: u32 = 1;

/// The errors of the steps by which the heir gives up all rights that it does not need. The index
/// is in the low bits of a failed state.
pub(super) const STEPS: [&str; 7] = [
    "",
    "",
    "the heir cannot close its files",
    "the heir cannot be kept from gaining privileges",
    "the heir cannot drop its capabilities",
    "the heir cannot be notified of the end of its parent",
    "the heir cannot be restricted to the system calls that it needs",
];

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xC000_003E;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xC000_00B7;

const fn statement(code: u32, jt: u8, jf: u8, k: u32) -> libc::sock_filter {
    libc::sock_filter {
        code: code as u16,
        jt,
        jf,
        k,
    }
}

/// Where the filter finds the fifth argument of a call, in two halves: the address of a receiver.
const ADDRESS: [u32; 2] = [48, 52];

const LOAD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
const EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
const RETURN: u32 = libc::BPF_RET | libc::BPF_K;

/// The heir may only wait, receive and close connections, write on a connected socket, and exit.
/// Any other call fails. The heir is not killed for it, because a core dump would be that of the
/// process.
static FILTER: [libc::sock_filter; 15] = [
    statement(LOAD, 0, 0, 4),
    statement(EQUAL, 0, 11, ARCHITECTURE),
    statement(LOAD, 0, 0, 0),
    statement(EQUAL, 10, 0, libc::SYS_ppoll as u32),
    statement(EQUAL, 9, 0, libc::SYS_exit as u32),
    statement(EQUAL, 8, 0, libc::SYS_restart_syscall as u32),
    statement(EQUAL, 7, 0, libc::SYS_recvmsg as u32),
    statement(EQUAL, 6, 0, libc::SYS_close as u32),
    statement(EQUAL, 0, 4, libc::SYS_sendto as u32),
    statement(LOAD, 0, 0, ADDRESS[0]),
    statement(EQUAL, 0, 2, 0),
    statement(LOAD, 0, 0, ADDRESS[1]),
    statement(EQUAL, 1, 0, 0),
    statement(
        RETURN,
        0,
        0,
        libc::SECCOMP_RET_ERRNO | libc::EPERM.cast_unsigned(),
    ),
    statement(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
];

/// Gives up the rights of the heir, waits for the end of its process, and exits.
pub(super) extern "C" fn run(args: *mut c_void) -> c_int {
    // SAFETY: this is the pointer from `start`: leaked, and only its atomic is shared.
    let args = unsafe { &*args.cast::<HeirArgs>() };
    match confine(args) {
        Ok(()) => args.state.store(CONFINED, Ordering::Release),
        Err((step, error)) => {
            args.state.store(step | error << 8, Ordering::Release);
            return 1;
        }
    }
    watch::watch(args);
    0
}

/// # Errors
/// Returns the place of the failed step in [`STEPS`], and its error number.
fn confine(args: &HeirArgs) -> Result<(), (u32, u32)> {
    // Signals to the group or to the terminal's session are not meant for the heir. Neither call
    // can fail: the heir leads no group, and the name is short.
    let _ = system(libc::SYS_setsid, [0; 5]);
    let _ = prctl(libc::PR_SET_NAME, c"elector-heir".as_ptr() as usize);
    let at = |step: u32| move |error: u32| (step, error);
    close_all_but(args).map_err(at(2))?;
    prctl(libc::PR_SET_NO_NEW_PRIVS, 1).map_err(at(3))?;
    drop_capabilities().map_err(at(4))?;
    // A stopped heir must also notice the end of its process.
    let wake = libc::SIGCONT.cast_unsigned() as usize;
    prctl(libc::PR_SET_PDEATHSIG, wake).map_err(at(5))?;
    restrict().map_err(at(6))
}

fn system(number: libc::c_long, arguments: [usize; 5]) -> Result<(), u32> {
    // SAFETY: every call of this module affects only the heir: its own credentials and session, and
    // memory that outlives the call.
    let result = unsafe { call(number, arguments) };
    if result < 0 {
        return Err(result.unsigned_abs() as u32);
    }
    Ok(())
}

fn prctl(option: c_int, value: usize) -> Result<(), u32> {
    system(
        libc::SYS_prctl,
        [option.cast_unsigned() as usize, value, 0, 0, 0],
    )
}

/// Otherwise a peer would not see the end of a connection that was open when the heir started.
fn close_all_but(args: &HeirArgs) -> Result<(), u32> {
    let low = args.process.min(args.channel).cast_unsigned();
    let high = args.process.max(args.channel).cast_unsigned();
    if low > 0 {
        close_range(0, low.wrapping_sub(1))?;
    }
    if low.wrapping_add(1) < high {
        close_range(low.wrapping_add(1), high.wrapping_sub(1))?;
    }
    close_range(high.wrapping_add(1), u32::MAX)
}

fn close_range(first: u32, last: u32) -> Result<(), u32> {
    system(
        libc::SYS_close_range,
        [first as usize, last as usize, 0, 0, 0],
    )
}

/// Drops all capabilities. The process loses nothing: each task has its own credentials.
fn drop_capabilities() -> Result<(), u32> {
    let header = [0x2008_0522_u32, 0]; // _LINUX_CAPABILITY_VERSION_3; itself.
    let none = [0_u32; 6];
    let pointers = [header.as_ptr() as usize, none.as_ptr() as usize, 0, 0, 0];
    system(libc::SYS_capset, pointers)
}

fn restrict() -> Result<(), u32> {
    let program = libc::sock_fprog {
        len: FILTER.len() as u16,
        filter: FILTER.as_ptr().cast_mut(),
    };
    let mode = libc::SECCOMP_SET_MODE_FILTER as usize;
    let program = ptr::from_ref(&program) as usize;
    system(libc::SYS_seccomp, [mode, 0, program, 0, 0])
}
