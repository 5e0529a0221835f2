use std::{fs, time::Duration};

use rustix::{param::page_size, process::Pid};

use crate::run::children;

/// How long the kernel needs to free one MiB of a process that was killed, in nanoseconds. The
/// measured values were 60 to 80 ms per GiB, and this is the highest. The process is dead only when
/// its memory is freed.
const NANOS_PER_MIB: u64 = 80_000_000 / 1024;

/// The maximum number of processes of one command that are measured. If a command has more
/// processes, they are probably not large.
const MAX_PROCESSES: usize = 1024;

/// A command with so much memory that it may still be alive after the end of its lease.
#[derive(Debug)]
pub(in crate::run) struct MemoryRisk {
    pub(in crate::run) resident_mib: u64,
    /// The time that the kernel needs to free the memory of the command.
    pub(in crate::run) needed: Duration,
    /// The time from SIGKILL to the end of the lease.
    pub(in crate::run) margin: Duration,
}

impl MemoryRisk {
    /// Measures the memory of the command whose first process is `first`. Returns `None` if the
    /// kernel can free the memory within `margin`.
    pub(super) fn of(first: Pid, margin: Duration) -> Option<Self> {
        let resident_mib = resident_mib(first);
        let needed = time_to_free(resident_mib);
        (needed > margin).then_some(Self {
            resident_mib,
            needed,
            margin,
        })
    }
}

/// Returns the private memory of a process and its descendants, in MiB: the resident pages except
/// those of files and of shared memory. A page that processes share after a fork, because none has
/// written to it, counts for each of them.
fn resident_mib(first: Pid) -> u64 {
    let mut pages: u64 = 0;
    let mut processes = vec![first];
    let mut measured = 0;
    while let Some(pid) = processes.pop() {
        measured += 1;
        if measured > MAX_PROCESSES {
            break;
        }
        pages = pages.saturating_add(private_pages(pid).unwrap_or(0));
        processes.extend(children::of(pid));
    }
    let bytes = pages.saturating_mul(page_size() as u64);
    bytes / (1024 * 1024)
}

/// Returns the time that the kernel needs to free this much memory.
fn time_to_free(mib: u64) -> Duration {
    Duration::from_nanos(mib.saturating_mul(NANOS_PER_MIB))
}

/// Returns the number of private pages of a process, see `proc_pid_statm(5)`. Returns `None` if the
/// process has ended.
fn private_pages(pid: Pid) -> Option<u64> {
    let statm = fs::read_to_string(format!("/proc/{}/statm", pid.as_raw_pid())).ok()?;
    let mut fields = statm.split_ascii_whitespace().skip(1);
    let mut next = || fields.next()?.parse::<u64>().ok();
    let (resident, shared) = (next()?, next()?);
    Some(resident.saturating_sub(shared))
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    // The first process of a command is often a shell, which starts the process with the large
    // memory.
    #[test]
    fn the_memory_of_descendants_counts() {
        // `tail` keeps the whole input in memory, because the input is one line that does not end.
        let pipeline = "head -c 40000000 /dev/zero | tail -n 1 | sleep 1000";
        let mut shell = Command::new("setsid");
        shell.args(["sh", "-c", pipeline]).stdout(Stdio::null());
        let mut shell = shell.spawn().unwrap();
        let first = Pid::from_child(&shell);
        let start = std::time::Instant::now();
        while resident_mib(first) < 38 {
            assert!(start.elapsed().as_secs() < 60, "{}", resident_mib(first));
            std::thread::sleep(Duration::from_millis(5));
        }
        let group = rustix::process::kill_process_group(first, rustix::process::Signal::KILL);
        group.unwrap();
        shell.wait().unwrap();
        assert_eq!(resident_mib(first), 0);
        assert_eq!(time_to_free(1024), Duration::from_millis(80));
    }
}
