//! The code that runs in the heir. The heir shares all memory of its process, and the thread-local
//! storage of the thread that started it. So this code makes system calls without libc. It does not
//! allocate, lock or panic, and does not use thread-local storage.

use std::{
    ffi::{c_int, c_void},
    os::fd::RawFd,
    ptr,
    sync::atomic::{AtomicU32, Ordering},
};

use super::{raw::call, watch};

/// The arguments of the heir, and the state of its start. They are never freed, because the heir
/// reads them as long as it runs.
pub(super) struct HeirArgs {
    /// The pidfd of the process. It becomes readable when all threads of the process have ended and
    /// their files are closed.
    pub(super) process: RawFd,
    /// The heir's end of the channel, on which connections and their messages arrive. The other end
    /// is closed a little before the process has ended, and also when the process becomes another
    /// program.
    pub(super) channel: RawFd,
    /// [`STARTING`], [`CONFINED`], or the failed step: its index in [`STEPS`] in the low 8 bits,
    /// and above them the error number of the system call.
    pub(super) state: AtomicU32,
}

pub(super) const STARTING: u32 = 0;
pub(super) const CONFINED: u32 = 1;

/// The error texts of the steps by which the heir gives up all rights that it does not need. The
/// first two indices have no step, because the values 0 and 1 of the state mean [`STARTING`] and
/// [`CONFINED`].
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

/// The offsets, in bytes of `seccomp_data`, of the two halves of the fifth argument of a system
/// call. For `sendto` this argument is the address of the receiver, which must be null: so the heir
/// can write only on connected sockets.
const ADDRESS: [u32; 2] = [48, 52];

const LOAD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
const EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
const RETURN: u32 = libc::BPF_RET | libc::BPF_K;

/// The system call filter of the heir. The heir may only wait, receive and close connections, write
/// on a connected socket, and exit. Any other call fails with `EPERM`. The filter does not kill the
/// heir for such a call, because the core dump of the heir would contain the memory of the process.
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
    // SAFETY: this is the pointer from `start`. Its value is leaked, and only the atomic in it is
    // written.
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

/// Gives up all rights that the heir does not need.
///
/// # Errors
/// Returns the index of the failed step in [`STEPS`], and its error number.
fn confine(args: &HeirArgs) -> Result<(), (u32, u32)> {
    // Signals to the process group or to the session of the terminal are not meant for the heir.
    // Neither of these two calls can fail: the heir leads no group, and the name is short.
    let _ = system(libc::SYS_setsid, [0; 5]);
    let _ = prctl(libc::PR_SET_NAME, c"elector-heir".as_ptr() as usize);
    let at = |step: u32| move |error: u32| (step, error);
    close_all_but(args).map_err(at(2))?;
    prctl(libc::PR_SET_NO_NEW_PRIVS, 1).map_err(at(3))?;
    drop_capabilities().map_err(at(4))?;
    // The kernel sends this signal to the heir when its process ends. The signal wakes an heir that
    // was stopped, so that it notices the end of its process too.
    let wake = libc::SIGCONT.cast_unsigned() as usize;
    prctl(libc::PR_SET_PDEATHSIG, wake).map_err(at(5))?;
    restrict().map_err(at(6))
}

fn system(number: libc::c_long, arguments: [usize; 5]) -> Result<(), u32> {
    // SAFETY: every system call of this module affects only the heir's own credentials, session and
    // files. It reads only memory that outlives the call.
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

/// Closes all files except the pidfd and the channel. Otherwise the heir would keep connections
/// open that were open when it started, and a peer would not see them end.
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

/// Drops all capabilities of the heir. The process loses none: each task has its own credentials.
fn drop_capabilities() -> Result<(), u32> {
    let header = [0x2008_0522_u32, 0]; // _LINUX_CAPABILITY_VERSION_3; 0: the calling thread.
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
