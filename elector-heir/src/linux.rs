//! The one place of this project with unsafe code: `clone(2)` has no safe form.
//!
//! Why it is sound: the heir is to Rust what a thread of another library is. It runs [`wait`] alone,
//! on a stack of its own that is never freed, and [`wait`] reads one value that is never written
//! again, allocates nothing, takes no lock, and cannot panic. What is special is that it shares the
//! thread-local storage of the thread that called `clone`: so nothing in it may touch that. rustix
//! makes system calls without `errno` (its own backend, on the architectures below), and the one
//! call through libc writes `errno` only if it fails, which was ruled out before.
#![expect(unsafe_code, reason = "clone(2) has no safe form; see above")]

use std::{
    ffi::{c_int, c_void},
    io,
    mem::MaybeUninit,
    os::fd::{AsRawFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd},
    ptr,
    sync::{Mutex, PoisonError},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    pipe::{PipeFlags, pipe_with},
    process::{PidfdFlags, getpid, pidfd_open, setsid},
    thread::set_name,
};

use super::HeirError;

/// The heir and whose it is: after a `fork` the child has this memory, too, and no heir.
static APPOINTED: Mutex<Option<Appointed>> = Mutex::new(None);

struct Appointed {
    by: i32,
    heir: u32,
}

/// Far more than `wait` needs, also without optimisation; only what is touched costs memory.
const STACK: usize = 64 * 1024;

/// How long the heir waits when its process has ended. To give back memory takes a processor, and
/// does not let go of it; on a machine of few, on which a peer has to elect now, it would be in the
/// way.
const RESPITE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 20_000_000,
};

/// What the heir waits for: either becomes readable, or breaks, with the end of its process.
struct Ends {
    /// Ready when all threads of the process have ended, their files closed.
    process: RawFd,
    /// The other end is closed then, and also when the process becomes another program.
    line: RawFd,
}

pub(super) fn appoint() -> Result<u32, HeirError> {
    let mut appointed = APPOINTED.lock().unwrap_or_else(PoisonError::into_inner);
    let me = getpid();
    let by = me.as_raw_nonzero().get();
    if let Some(appointed) = appointed.as_ref().filter(|appointed| appointed.by == by) {
        return Ok(appointed.heir);
    }
    can_close_ranges().map_err(because("files cannot be closed by range"))?;
    let process = pidfd_open(me, PidfdFlags::empty());
    let process = process.map_err(because("this process cannot be watched"))?;
    let pipe = pipe_with(PipeFlags::CLOEXEC);
    let (line, kept) = pipe.map_err(because("there is no pipe"))?;
    let heir = start(&process, &line).map_err(because("the heir cannot be started"))?;
    // Open for as long as the process lives and is this program.
    let _ = kept.into_raw_fd();
    *appointed = Some(Appointed { by, heir });
    Ok(heir)
}

fn because<E: Into<io::Error>>(what: &'static str) -> impl FnOnce(E) -> HeirError {
    move |source| HeirError::System {
        what,
        source: source.into(),
    }
}

fn start(process: &OwnedFd, line: &OwnedFd) -> io::Result<u32> {
    // Both live as long as this memory: the heir may run for a moment after this process.
    let stack: &'static mut [MaybeUninit<u128>] = Box::leak(Box::new_uninit_slice(STACK / 16));
    let ends: &'static Ends = Box::leak(Box::new(Ends {
        process: process.as_raw_fd(),
        line: line.as_raw_fd(),
    }));
    let top = stack.as_mut_ptr_range().end;
    let masked = Masked::all()?;
    // SAFETY: the stack is leaked, 16-byte aligned, and nobody else's; `wait` is fit to share this
    // thread's storage (above); its argument is leaked and only read. No CLONE_SETTLS, no
    // CLONE_THREAD, and the last bits 0: no signal to the parent.
    let heir = unsafe {
        libc::clone(
            wait,
            top.cast::<c_void>(),
            libc::CLONE_VM,
            ptr::from_ref(ends).cast_mut().cast::<c_void>(),
        )
    };
    let heir = u32::try_from(heir).map_err(|_| io::Error::last_os_error());
    drop(masked);
    heir
}

/// All signals of this thread blocked, until it is dropped; the heir has the mask of the moment it
/// is started at. A handler that ran in it would meet the storage of another thread.
struct Masked(libc::sigset_t);

impl Masked {
    fn all() -> io::Result<Self> {
        let (mut all, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
        // SAFETY: both point to room for a set, and `sigfillset` fills its own.
        let failed = unsafe {
            libc::sigfillset(all.as_mut_ptr());
            libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr())
        };
        if failed != 0 {
            return Err(io::Error::from_raw_os_error(failed));
        }
        // SAFETY: `pthread_sigmask` has succeeded, and so has filled it.
        Ok(Self(unsafe { before.assume_init() }))
    }
}

impl Drop for Masked {
    fn drop(&mut self) {
        // SAFETY: the set is one that `pthread_sigmask` gave.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, ptr::null_mut()) };
    }
}

/// All that the heir does. It shares all memory, and the storage of the thread that started it.
extern "C" fn wait(ends: *mut c_void) -> c_int {
    // SAFETY: it is what `start` gave: leaked, and only read.
    let ends = unsafe { &*ends.cast::<Ends>() };
    // What is sent to the group or to the terminal's session is not meant for it. Fails never: it
    // leads no group.
    let _ = setsid();
    let _ = set_name(c"elector-heir");
    close_all_but(ends);
    // SAFETY: its own copies of the two, which it has just kept and never closes.
    let [process, line] = [ends.process, ends.line].map(|fd| unsafe { BorrowedFd::borrow_raw(fd) });
    loop {
        let mut waiting = [process, line].map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
        match poll(&mut waiting, None) {
            Err(Errno::INTR | Errno::AGAIN) => {}
            // Also if it cannot wait: it must not outlive its process.
            Ok(_) | Err(_) => break,
        }
    }
    let _ = poll(&mut [], Some(&RESPITE));
    0
}

/// Else a peer would not see the end of a connection that was open when the heir was started.
fn close_all_but(ends: &Ends) {
    let low = ends.process.min(ends.line).cast_unsigned();
    let high = ends.process.max(ends.line).cast_unsigned();
    if let Some(below) = low.checked_sub(1) {
        close_range(0, below);
    }
    if low + 1 < high {
        close_range(low + 1, high - 1);
    }
    close_range(high + 1, u32::MAX);
}

fn close_range(first: u32, last: u32) -> i64 {
    // SAFETY: in the heir, which owns its copies of all descriptors and uses two; and on behalf of
    // `can_close_ranges`, for a number that no descriptor has.
    unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) }
}

/// Whether `close_range(2)` is there. It cannot fail otherwise, for ranges that are ranges.
fn can_close_ranges() -> io::Result<()> {
    if close_range(u32::MAX, u32::MAX) == 0 {
        return Ok(());
    }
    Err(io::Error::last_os_error())
}
