//! System calls without libc. Its wrappers write `errno`, which is storage of a thread, and the
//! heir has that of the thread that started it.

use std::{arch::asm, io};

/// One system call; what it does not need is zero. Returns what the kernel does: an error number,
/// negated, between -4095 and -1.
///
/// # Safety
/// As for the system call of this number with these arguments.
#[cfg(target_arch = "x86_64")]
pub(super) unsafe fn call(number: libc::c_long, arguments: [usize; 5]) -> isize {
    let [a, b, c, d, e] = arguments;
    let result: isize;
    // SAFETY: the calling convention of the kernel: `syscall` overwrites rcx and r11, and what the
    // call reads and writes is up to the caller.
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

/// One system call; what it does not need is zero. Returns what the kernel does: an error number,
/// negated, between -4095 and -1.
///
/// # Safety
/// As for the system call of this number with these arguments.
#[cfg(target_arch = "aarch64")]
pub(super) unsafe fn call(number: libc::c_long, arguments: [usize; 5]) -> isize {
    let [a, b, c, d, e] = arguments;
    let result: isize;
    // SAFETY: the calling convention of the kernel, and what the call reads and writes is up to the
    // caller.
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

/// All signals of this thread blocked, until it is dropped, 32 and 33 too, which libc keeps for
/// itself and leaves out of its own sets. The heir has the mask of the moment it is started at: a
/// handler that ran in it would meet the storage of another thread.
pub(super) struct Masked {
    before: u64,
}

impl Masked {
    pub(super) fn all() -> io::Result<Self> {
        let (all, mut before) = (u64::MAX, 0_u64);
        set_mask(&all, Some(&mut before))?;
        Ok(Self { before })
    }
}

impl Drop for Masked {
    fn drop(&mut self) {
        // It cannot fail: the same call with another set has succeeded.
        let _ = set_mask(&self.before, None);
    }
}

fn set_mask(mask: &u64, before: Option<&mut u64>) -> io::Result<()> {
    let before = before.map_or(0, |before| std::ptr::from_mut(before) as usize);
    let mask = std::ptr::from_ref(mask) as usize;
    let how = libc::SIG_SETMASK.cast_unsigned() as usize;
    // SAFETY: the kernel's sets of signals have 64 bits; it reads one, and writes one if told
    // where.
    let result = unsafe { call(libc::SYS_rt_sigprocmask, [how, mask, before, 8, 0]) };
    if result == 0 {
        return Ok(());
    }
    let number = i32::try_from(-result).unwrap_or(libc::EINVAL);
    Err(io::Error::from_raw_os_error(number))
}
