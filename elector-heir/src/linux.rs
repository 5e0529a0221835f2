//! The one place of this project with unsafe code: `clone(2)` has no safe form.
//!
//! Why it is sound: the heir is to Rust what a thread of another library is. It runs
//! [`heir::run`] alone, on a stack of its own that is never freed, and that reads values that are
//! never written again, writes one atomic, allocates nothing, takes no lock, and cannot panic. What
//! is special is that it shares the thread-local storage of the thread that called `clone`: so it
//! makes system calls by itself ([`raw`]), and no function of libc runs in it.
//!
//! Its stack is memory that the process can write, so the heir can be made to run anything. So it
//! keeps no right that the process might give up: see [`heir::STEPS`].
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
    heir::{CONFINED, Errand, STARTING, STEPS},
    raw::Masked,
};
use super::HeirError;

/// The heir and whose it is: after a `fork` the child has this memory, too, and no heir.
static APPOINTED: Mutex<Option<Appointed>> = Mutex::new(None);

struct Appointed {
    by: i32,
    heir: u32,
}

/// How many bytes may be entrusted with one connection.
pub(super) const WORDS: usize = 64;

/// The end of the line that is kept open, or -1.
static KEPT: AtomicI32 = AtomicI32::new(-1);

/// Far more than the heir needs, also without optimisation; only what is touched costs memory.
const STACK: usize = 64 * 1024;

/// No page is larger on the architectures that this is built for.
const GUARD: usize = 64 * 1024;

/// How long the heir may take to give up its rights. It takes some 50 µs.
const LIMIT: Duration = Duration::from_secs(10);

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
    let process = process.map_err(because("this process cannot be watched"))?;
    // Messages of it arrive whole.
    let pair = socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    );
    let (line, kept) = pair.map_err(because("there is no line to it"))?;
    let heir = start(&process, &line)?;
    close_in_children().map_err(because("forked children cannot be kept from the line"))?;
    // Open for as long as the process lives and is this program.
    KEPT.store(kept.into_raw_fd(), Ordering::Release);
    *appointed = Some(Appointed { by, heir });
    Ok(heir)
}

pub(super) fn entrust(words: &[u8], connection: BorrowedFd<'_>) -> io::Result<()> {
    if words.is_empty() || words.len() > WORDS {
        let what = "the words are empty, or too long";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    // Held, so that the line is that of this process.
    let appointed = APPOINTED.lock().unwrap_or_else(PoisonError::into_inner);
    let me = getpid().as_raw_nonzero().get();
    let kept = KEPT.load(Ordering::Acquire);
    if kept < 0
        || appointed
            .as_ref()
            .is_none_or(|appointed| appointed.by != me)
    {
        return Err(io::Error::new(io::ErrorKind::NotFound, "there is no heir"));
    }
    // SAFETY: it is closed in forked children only, each of its own copy.
    let line = unsafe { BorrowedFd::borrow_raw(kept) };
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let connections = [connection];
    // There is room for just that.
    control.push(SendAncillaryMessage::ScmRights(&connections));
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    sendmsg(line, &[IoSlice::new(words)], &mut control, flags)?;
    Ok(())
}

/// What this process might drop later, in words.
fn privilege() -> Result<Option<&'static str>, HeirError> {
    let held = capabilities(None).map_err(because("the capabilities cannot be read"))?;
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

fn because<E: Into<io::Error>>(what: &'static str) -> impl FnOnce(E) -> HeirError {
    move |source| HeirError::System {
        what,
        source: source.into(),
    }
}

/// A child that is forked and goes on without `exec` would keep the line open after this process
/// has become another program, and with it the heir and all memory.
fn close_in_children() -> io::Result<()> {
    extern "C" fn in_child() {
        let kept = KEPT.swap(-1, Ordering::AcqRel);
        if kept >= 0 {
            // SAFETY: the child owns its copy of this descriptor, and nothing else knows of it.
            unsafe { libc::close(kept) };
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

fn start(process: &OwnedFd, line: &OwnedFd) -> Result<u32, HeirError> {
    let cannot = because("the heir cannot be started");
    let errand: &'static Errand = Box::leak(Box::new(Errand {
        process: process.as_raw_fd(),
        line: line.as_raw_fd(),
        state: AtomicU32::new(STARTING),
    }));
    let started = stack().and_then(|top| {
        let masked = Masked::all()?;
        // SAFETY: the stack is mapped for this and never unmapped; `run` is fit to share this
        // thread's storage (above); its argument is leaked, and shared by its atomic only. No
        // CLONE_SETTLS, no CLONE_THREAD, and the last bits 0: no signal to the parent.
        let heir = unsafe {
            libc::clone(
                heir::run,
                top,
                libc::CLONE_VM,
                ptr::from_ref(errand).cast_mut().cast::<c_void>(),
            )
        };
        let heir = u32::try_from(heir).map_err(|_| io::Error::last_os_error());
        drop(masked);
        heir
    });
    let heir = started.map_err(cannot)?;
    confined(errand)?;
    Ok(heir)
}

/// The top of a new stack, below which is a guard page: an overflow must not reach other memory.
fn stack() -> io::Result<*mut c_void> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK | libc::MAP_NORESERVE;
    let length = GUARD + STACK;
    // SAFETY: a new mapping, at a place of the kernel's choice.
    let base = unsafe { libc::mmap(ptr::null_mut(), length, libc::PROT_NONE, flags, -1, 0) };
    if base == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the upper part of the mapping, whose length and parts are multiples of a page.
    let failed = unsafe {
        let low = base.byte_add(GUARD);
        libc::mprotect(low, STACK, libc::PROT_READ | libc::PROT_WRITE)
    };
    if failed != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: one past the end of the mapping.
    Ok(unsafe { base.byte_add(length) })
}

/// Waits until the heir has given up its rights. One that cannot has ended.
fn confined(errand: &Errand) -> Result<(), HeirError> {
    let began = Instant::now();
    loop {
        match errand.state.load(Ordering::Acquire) {
            CONFINED => return Ok(()),
            STARTING if began.elapsed() < LIMIT => thread::sleep(Duration::from_micros(20)),
            STARTING => return Err(because("the heir does not start")(io::ErrorKind::TimedOut)),
            failed => {
                let step = STEPS.get((failed & 0xff) as usize).copied();
                let error = (failed >> 8).cast_signed();
                let error = io::Error::from_raw_os_error(error);
                return Err(because(step.unwrap_or_default())(error));
            }
        }
    }
}
