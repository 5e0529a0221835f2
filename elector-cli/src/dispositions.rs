use std::fs;

use rustix::process::Signal;

/// The signals that were ignored when this process was started, for example by `nohup` or by a
/// shell that starts a command in the background. This process and the processes that it starts
/// must keep ignoring these signals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ignored(u64);

impl Ignored {
    /// Reads the ignored signals of this process. Call this function before the process installs
    /// signal handlers, because a signal with a handler does not count as ignored any more. The set
    /// is empty if `/proc` cannot be read.
    pub(crate) fn at_start() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        Self::in_status(&status)
    }

    /// Reads the mask of ignored signals from the text of `/proc/PID/status`
    /// (`proc_pid_status(5)`).
    fn in_status(status: &str) -> Self {
        let mask = status
            .lines()
            .find_map(|line| line.strip_prefix("SigIgn:"))
            .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        Self(mask.unwrap_or(0))
    }

    /// Returns `true` if this signal must stay ignored. SIGTERM never stays ignored: SIGTERM shuts
    /// a node down, and a node stops its command with SIGTERM.
    pub(crate) fn keeps(self, signal: Signal) -> bool {
        let bit = signal.as_raw().checked_sub(1);
        let bit = bit.and_then(|bit| 1_u64.checked_shl(bit.try_into().ok()?));
        signal != Signal::TERM && bit.is_some_and(|bit| self.0 & bit != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_of_ignored_signals_is_read() {
        let status = "Name:\tx\nSigBlk:\tffffffffffffffff\nSigIgn:\t0000000000005007\nSigCgt:\t0\n";
        let ignored = Ignored::in_status(status);
        for (signal, kept) in [
            (Signal::HUP, true),
            (Signal::INT, true),
            (Signal::QUIT, true),
            (Signal::PIPE, true),
            (Signal::USR1, false),
            // SIGTERM is in the mask, but never stays ignored.
            (Signal::TERM, false),
        ] {
            assert_eq!(ignored.keeps(signal), kept, "{signal:?}");
        }
        for noise in ["", "SigIgn:", "SigIgn:\tx"] {
            assert_eq!(Ignored::in_status(noise), Ignored::default(), "{noise}");
        }
    }
}
