use std::{fs, time::Duration};

use rustix::{param::page_size, process::Pid};

/// How long the kernel takes, at the most as measured, to free this much memory of a process that
/// was killed: 60 to 80 ms per GiB. The process is dead only when that is done.
const NANOS_PER_MIB: u64 = 80_000_000 / 1024;

/// How many processes are looked at. A command with more has none that are large.
const MOST: usize = 1024;

/// A command that may be dead only after the end of its lease.
#[derive(Debug)]
pub(in crate::run) struct TooLarge {
    pub(in crate::run) resident_mib: u64,
    /// How long it takes to free that.
    pub(in crate::run) needed: Duration,
    /// How long there is.
    pub(in crate::run) margin: Duration,
}

impl TooLarge {
    /// If a command is so large that this margin is too little. This is its first process.
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

/// The memory that a process and its descendants have for themselves, in MiB: what is resident, but
/// for files and what they share on purpose. Pages that a fork has not copied yet count for each.
fn resident_mib(first: Pid) -> u64 {
    let mut pages: u64 = 0;
    let mut processes = vec![first.as_raw_nonzero().get()];
    let mut looked_at = 0;
    while let Some(pid) = processes.pop() {
        looked_at += 1;
        if looked_at > MOST {
            break;
        }
        pages = pages.saturating_add(private_pages(pid).unwrap_or(0));
        processes.extend(children(pid));
    }
    let bytes = pages.saturating_mul(page_size() as u64);
    bytes / (1024 * 1024)
}

/// How long it takes to free so much.
fn time_to_free(mib: u64) -> Duration {
    Duration::from_nanos(mib.saturating_mul(NANOS_PER_MIB))
}

/// `None` for a process that has ended. See `proc_pid_statm(5)`.
fn private_pages(pid: i32) -> Option<u64> {
    let statm = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let mut fields = statm.split_ascii_whitespace().skip(1);
    let mut next = || fields.next()?.parse::<u64>().ok();
    let (resident, shared) = (next()?, next()?);
    Some(resident.saturating_sub(shared))
}

fn children(pid: i32) -> Vec<i32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task"));
    let threads = threads.into_iter().flatten().flatten();
    let lists =
        threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| {
            let pids = list.split_ascii_whitespace().map(str::parse);
            pids.filter_map(Result::ok).collect::<Vec<_>>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    // The large process is seldom the first one: a shell starts it.
    #[test]
    fn the_memory_of_descendants_counts() {
        // `tail` keeps a line that does not end.
        let keeps = "head -c 40000000 /dev/zero | tail -n 1 | sleep 1000";
        let mut shell = Command::new("setsid");
        shell.args(["sh", "-c", keeps]).stdout(Stdio::null());
        let mut shell = shell.spawn().unwrap();
        let first = Pid::from_child(&shell);
        let began = std::time::Instant::now();
        while resident_mib(first) < 38 {
            assert!(began.elapsed().as_secs() < 60, "{}", resident_mib(first));
            std::thread::sleep(Duration::from_millis(5));
        }
        let group = rustix::process::kill_process_group(first, rustix::process::Signal::KILL);
        group.unwrap();
        shell.wait().unwrap();
        assert_eq!(resident_mib(first), 0);
        assert_eq!(time_to_free(1024), Duration::from_millis(80));
    }
}
