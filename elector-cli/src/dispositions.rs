use std::fs;

use rustix::process::Signal;

/// The signals that a process was started to ignore, as `nohup` has it, or a shell that starts a
/// command in the background. They are to stay ignored, in this process and in those that it
/// starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ignored(u64);

impl Ignored {
    /// Those of this process: to be read before handlers are installed. None if `/proc` does not
    /// say.
    pub(crate) fn at_start() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        Self::in_status(&status)
    }

    /// From `/proc/PID/status` (`proc_pid_status(5)`).
    fn in_status(status: &str) -> Self {
        let mask = status
            .lines()
            .find_map(|line| line.strip_prefix("SigIgn:"))
            .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        Self(mask.unwrap_or(0))
    }

    /// Whether this signal must stay ignored. SIGTERM never does: it is how a node is told to end,
    /// and how it tells its command.
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
    fn the_mask_is_read() {
        let status = "Name:\tx\nSigBlk:\tffffffffffffffff\nSigIgn:\t0000000000005007\nSigCgt:\t0\n";
        let ignored = Ignored::in_status(status);
        for (signal, kept) in [
            (Signal::HUP, true),
            (Signal::INT, true),
            (Signal::QUIT, true),
            (Signal::PIPE, true),
            (Signal::USR1, false),
            // It is in the mask.
            (Signal::TERM, false),
        ] {
            assert_eq!(ignored.keeps(signal), kept, "{signal:?}");
        }
        for noise in ["", "SigIgn:", "SigIgn:\tx"] {
            assert_eq!(Ignored::in_status(noise), Ignored::default(), "{noise}");
        }
    }
}
