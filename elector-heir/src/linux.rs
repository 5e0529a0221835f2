//! The only unsafe code in the libraries and programs of this project: `clone(2)` has no safe form.
//!
//! Why this code is sound: for Rust, the heir is like a thread of another library. The heir runs
//! only [`heir::run`], on a stack of its own that is never freed. `run` reads values that no code
//! writes after its start, writes one atomic, allocates nothing, takes no lock, and cannot panic.
//! One thing is different from a thread: the heir shares the thread-local storage of the thread
//! that called `clone`. So the heir makes system calls directly ([`raw`]), and runs no function of
//! libc.
//!
//! The process can write the heir's stack, and with it make the heir run anything. Therefore the
//! heir keeps no right that the process might give up: see [`heir::STEPS`].
#![expect(unsafe_code, reason = "clone(2) has no safe form; see above")]

mod heir;
mod raw;
mod watch;

use std::{
    ffi::c_void,
    io::{self, IoSlice},
    mem::MaybeUninit,
    os::fd::{AsRawFd, BorrowedFd, IntoRawFd, OwnedFd},
    ptr,
    sync::{
        Mutex, Once, PoisonError,
        atomic::{AtomicI32, AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::{
    net::{
        AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags,
        SocketType, sendmsg, socketpair,
    },
    process::{PidfdFlags, getegid, geteuid, getgid, getpid, getuid, pidfd_open},
    thread::capabilities,
};

use self::{
    heir::{CONFINED, HeirArgs, STARTING, STEPS},
    raw::BlockedSignals,
};
use super::HeirError;

/// The current heir, and the process that has started it. After a `fork` the child has a copy of
/// this value, but no heir of its own: then `by` is not the id of the child.
static APPOINTED: Mutex<Option<Appointed>> = Mutex::new(None);

struct Appointed {
    by: i32,
    heir: u32,
}

/// The maximum length of a message, in bytes.
pub(super) const MAX_MESSAGE_LEN: usize = 64;

/// The file descriptor of this process's end of the channel to the heir, or -1 without an heir. The
/// descriptor stays open until the process ends or becomes another program.
static CHANNEL: AtomicI32 = AtomicI32::new(-1);

/// The size of the heir's stack, in bytes. The stack is far larger than the heir needs, also
/// without optimization. Only used pages cost memory.
const STACK_SIZE: usize = 64 * 1024;

/// The size of the guard below the heir's stack, in bytes. The guard is memory that cannot be
/// accessed. It must be at least one page. The supported architectures have pages of up to 64 KiB.
const GUARD_SIZE: usize = 64 * 1024;

/// How long the heir may take to give up its rights. Normally the heir takes about 50 µs.
const START_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) fn appoint(privileged: bool) -> Result<u32, HeirError> {
    let mut appointed = APPOINTED.lock().unwrap_or_else(PoisonError::into_inner);
    let me = getpid();
    let by = me.as_raw_nonzero().get();
    if let Some(appointed) = appointed.as_ref().filter(|appointed| appointed.by == by) {
        return Ok(appointed.heir);
    }
    if !privileged && let Some(what) = privilege()? {
        return Err(HeirError::Privileged(what));
    }
    let process = pidfd_open(me, PidfdFlags::empty());
    let process = process.map_err(context("cannot watch this process"))?;
    // A `SEQPACKET` socket delivers each message as a whole.
    let pair = socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    );
    let (heir_end, own_end) = pair.map_err(context("cannot open a channel to the heir"))?;
    let heir = start(&process, &heir_end)?;
    close_in_children().map_err(context("cannot close the channel in forked children"))?;
    // The descriptor stays open as long as the process lives and runs this program.
    CHANNEL.store(own_end.into_raw_fd(), Ordering::Release);
    *appointed = Some(Appointed { by, heir });
    Ok(heir)
}

pub(super) fn entrust(message: &[u8], connection: BorrowedFd<'_>) -> io::Result<()> {
    if message.is_empty() || message.len() > MAX_MESSAGE_LEN {
        let what = "the message must have 1 to 64 bytes";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    // While this function holds the lock, no other thread can appoint an heir and replace the
    // channel.
    let appointed = APPOINTED.lock().unwrap_or_else(PoisonError::into_inner);
    let me = getpid().as_raw_nonzero().get();
    let channel = CHANNEL.load(Ordering::Acquire);
    if channel < 0
        || appointed
            .as_ref()
            .is_none_or(|appointed| appointed.by != me)
    {
        return Err(io::Error::new(io::ErrorKind::NotFound, "there is no heir"));
    }
    // SAFETY: the channel is closed only in forked children, each of which closes its own copy.
    let channel = unsafe { BorrowedFd::borrow_raw(channel) };
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let connections = [connection];
    // The buffer has room for exactly this one descriptor, so `push` cannot fail.
    control.push(SendAncillaryMessage::ScmRights(&connections));
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    sendmsg(channel, &[IoSlice::new(message)], &mut control, flags)?;
    Ok(())
}

/// Returns a text that names a privilege which this process might drop later, or `None` if there is
/// none.
fn privilege() -> Result<Option<&'static str>, HeirError> {
    let held = capabilities(None).map_err(context("cannot read the capabilities"))?;
    Ok(if geteuid().is_root() {
        Some("it runs as root")
    } else if getuid() != geteuid() || getgid() != getegid() {
        Some("its real and effective user or group differ")
    } else if !held.permitted.is_empty() || !held.inheritable.is_empty() {
        Some("it has capabilities")
    } else {
        None
    })
}

fn context<E: Into<io::Error>>(what: &'static str) -> impl FnOnce(E) -> HeirError {
    move |source| HeirError::System {
        what,
        source: source.into(),
    }
}

/// Makes each forked child close its copy of the channel. A child that continues without `exec`
/// would otherwise keep the channel open after this process has become another program. Then the
/// heir would not exit, and the kernel could not free the memory.
fn close_in_children() -> io::Result<()> {
    extern "C" fn in_child() {
        let channel = CHANNEL.swap(-1, Ordering::AcqRel);
        if channel >= 0 {
            // SAFETY: the child owns its copy of this descriptor, and nothing else uses it.
            unsafe { libc::close(channel) };
        }
    }
    static ONCE: Once = Once::new();
    let mut failed = 0;
    // SAFETY: `in_child` does only what is allowed between `fork` and `exec`.
    ONCE.call_once(|| failed = unsafe { libc::pthread_atfork(None, None, Some(in_child)) });
    if failed == 0 {
        return Ok(());
    }
    Err(io::Error::from_raw_os_error(failed))
}

fn start(process: &OwnedFd, channel: &OwnedFd) -> Result<u32, HeirError> {
    let cannot = context("cannot start the heir");
    let args: &'static HeirArgs = Box::leak(Box::new(HeirArgs {
        process: process.as_raw_fd(),
        channel: channel.as_raw_fd(),
        state: AtomicU32::new(STARTING),
    }));
    let started = stack().and_then(|top| {
        let blocked = BlockedSignals::all()?;
        // SAFETY: the stack is mapped for the heir and never unmapped. `run` may share the
        // thread-local storage of this thread (see the top of this file). Its argument is leaked,
        // and only the atomic in it is written. The flags contain no CLONE_SETTLS and no
        // CLONE_THREAD, and their low bits are 0: the parent gets no signal.
        let heir = unsafe {
            libc::clone(
                heir::run,
                top,
                libc::CLONE_VM,
                ptr::from_ref(args).cast_mut().cast::<c_void>(),
            )
        };
        let heir = u32::try_from(heir).map_err(|_| io::Error::last_os_error());
        drop(blocked);
        heir
    });
    let heir = started.map_err(cannot)?;
    wait_until_confined(args)?;
    Ok(heir)
}

/// Maps a new stack and returns its top. Below the stack is a guard page, because an overflow of
/// the stack must not reach other memory.
fn stack() -> io::Result<*mut c_void> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK | libc::MAP_NORESERVE;
    let length = GUARD_SIZE + STACK_SIZE;
    // SAFETY: this creates a new mapping, at a place that the kernel chooses.
    let base = unsafe { libc::mmap(ptr::null_mut(), length, libc::PROT_NONE, flags, -1, 0) };
    if base == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: this changes the upper part of the mapping. All lengths are multiples of a page.
    let failed = unsafe {
        let low = base.byte_add(GUARD_SIZE);
        libc::mprotect(low, STACK_SIZE, libc::PROT_READ | libc::PROT_WRITE)
    };
    if failed != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the pointer is one past the end of the mapping.
    Ok(unsafe { base.byte_add(length) })
}

/// Waits until the heir has given up its rights. An heir that cannot give them up exits, and this
/// function returns the reason.
fn wait_until_confined(args: &HeirArgs) -> Result<(), HeirError> {
    let began = Instant::now();
    loop {
        match args.state.load(Ordering::Acquire) {
            CONFINED => return Ok(()),
            STARTING if began.elapsed() < START_TIMEOUT => thread::sleep(Duration::from_micros(20)),
            STARTING => return Err(context("the heir does not start")(io::ErrorKind::TimedOut)),
            failed => {
                let step = STEPS.get((failed & 0xff) as usize).copied();
                let error = (failed >> 8).cast_signed();
                let error = io::Error::from_raw_os_error(error);
                return Err(context(step.unwrap_or_default())(error));
            }
        }
    }
}
