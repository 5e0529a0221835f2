use std::{
    fmt,
    time::{Duration, SystemTime},
};

use procfs::process::{Process as Proc, Stat};
use prometheus_client::{
    collector::Collector,
    encoding::DescriptorEncoder,
    metrics::{counter::ConstCounter, gauge::ConstGauge},
    registry::Unit,
};
use rustix::{
    process::{Resource, getrlimit},
    time::{ClockId, clock_gettime},
};

use super::metrics::Page;

/// What the kernel says of this process, under the names that the clients of Prometheus have agreed
/// on. Read at every scrape.
#[derive(Debug)]
pub(super) struct Process {
    /// In seconds since 1970; it must not change when the clock is set.
    started: Option<f64>,
}

impl Process {
    pub(super) fn new() -> Self {
        let stat = Proc::myself().and_then(|this| this.stat());
        Self {
            started: stat.ok().and_then(|stat| started(&stat)),
        }
    }
}

impl Collector for Process {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        // Where there is no /proc, nothing is told.
        let Ok(this) = Proc::myself() else {
            return Ok(());
        };
        let mut page = Page(encoder);
        if let Ok(stat) = this.stat() {
            counted(&stat, &mut page)?;
        }
        if let Some(started) = self.started {
            page.seconds(
                "process_start_time",
                "When the process was started, since 1970",
                started,
            )?;
        }
        if let Ok(open) = this.fd_count() {
            // Not the one by which they are counted.
            let open = open.saturating_sub(1) as u64;
            page.gauge("process_open_fds", "Open file descriptors", open)?;
        }
        if let Some(most) = getrlimit(Resource::Nofile).current {
            let help = "The most file descriptors that may be open";
            page.gauge("process_max_fds", help, most)?;
        }
        Ok(())
    }
}

fn counted(stat: &Stat, page: &mut Page<'_>) -> Result<(), fmt::Error> {
    let used = seconds(stat.utime.saturating_add(stat.stime)).as_secs_f64();
    page.write(
        "process_cpu",
        "Processor time used, by the program and by the kernel for it",
        Some(&Unit::Seconds),
        &ConstCounter::new(used),
    )?;
    let resident = stat.rss.saturating_mul(procfs::page_size());
    page.write(
        "process_resident_memory",
        "Memory in use that is not swapped out",
        Some(&Unit::Bytes),
        &ConstGauge::new(resident),
    )?;
    page.gauge("process_threads", "Threads", stat.num_threads)
}

/// By the clock of the boot: under systemd's `ProcSubset=pid` there is no `/proc/stat`, which has
/// the time of the boot.
fn started(stat: &Stat) -> Option<f64> {
    let up = Duration::try_from(clock_gettime(ClockId::Boottime)).ok()?;
    let age = up.checked_sub(seconds(stat.starttime))?;
    let started = SystemTime::now().checked_sub(age)?;
    let since = started.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(since.as_secs_f64())
}

/// Ticks of the kernel's accounts.
fn seconds(ticks: u64) -> Duration {
    Duration::from_secs_f64(ticks as f64 / procfs::ticks_per_second() as f64)
}
