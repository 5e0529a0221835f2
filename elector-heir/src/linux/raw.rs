//! System calls without libc. The wrappers of libc write `errno`, which is in thread-local storage.
//! The heir uses the thread-local storage of the thread that started it.

use std::{arch::asm, io};

/// Makes one system call; unused arguments are zero. Returns the kernel's result: a negated error
/// number between -4095 and -1 on failure.
///
/// # Safety
/// The same rules hold as for the system call of this number with these arguments.
#[cfg(target_arch = "x86_64")]
pub(super) unsafe fn call(number: libc::c_long, arguments: [usize; 5]) -> isize {
    let [a, b, c, d, e] = arguments;
    let result: isize;
    // SAFETY: this is the kernel's calling convention: `syscall` overwrites rcx and r11. The caller
    // ensures that the system call may read and write the memory that its arguments point to.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e,
            lateout("rcx") _, lateout("r11") _,
            options(nostack),
        );
    }
    result
}

/// Makes one system call; unused arguments are zero. Returns the kernel's result: a negated error
/// number between -4095 and -1 on failure.
///
/// # Safety
/// The same rules hold as for the system call of this number with these arguments.
#[cfg(target_arch = "aarch64")]
pub(super) unsafe fn call(number: libc::c_long, arguments: [usize; 5]) -> isize {
    let [a, b, c, d, e] = arguments;
    let result: isize;
    // SAFETY: this is the kernel's calling convention. The caller ensures that the system call may
    // read and write the memory that its arguments point to.
    unsafe {
        asm!(
            "svc 0",
            in("x8") number,
            inlateout("x0") a => result,
            in("x1") b, in("x2") c, in("x3") d, in("x4") e,
            options(nostack),
        );
    }
    result
}

/// Blocks all signals of the current thread until this value is dropped. This includes the signals
/// 32 and 33, which libc uses internally and which the signal sets of libc never contain. The heir
/// starts with the same mask, so no signal handler runs in the heir. A handler there would use the
/// thread-local storage of the thread that has started the heir.
pub(super) struct BlockedSignals {
    before: u64,
}

impl BlockedSignals {
    pub(super) fn all() -> io::Result<Self> {
        let (all, mut before) = (u64::MAX, 0_u64);
        set_mask(&all, Some(&mut before))?;
        Ok(Self { before })
    }
}

impl Drop for BlockedSignals {
    fn drop(&mut self) {
        // The call cannot fail: the same call with another set has succeeded.
        let _ = set_mask(&self.before, None);
    }
}

fn set_mask(mask: &u64, before: Option<&mut u64>) -> io::Result<()> {
    let before = before.map_or(0, |before| std::ptr::from_mut(before) as usize);
    let mask = std::ptr::from_ref(mask) as usize;
    let how = libc::SIG_SETMASK.cast_unsigned() as usize;
    // SAFETY: the kernel's signal sets have 64 bits. The call reads the set `mask`, and writes the
    // old set to `before` if that is not null.
    let result = unsafe { call(libc::SYS_rt_sigprocmask, [how, mask, before, 8, 0]) };
    if result == 0 {
        return Ok(());
    }
    let number = i32::try_from(-result).unwrap_or(libc::EINVAL);
    Err(io::Error::from_raw_os_error(number))
}
