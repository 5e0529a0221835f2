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

use super::metrics::MetricEncoder;

/// Metrics of this process, which come from the kernel and have the names that all Prometheus
/// clients use. They are read at every request for metrics.
#[derive(Debug)]
pub(super) struct Process {
    /// The start time of the process in seconds since 1970. It is computed once, so that it does
    /// not change when the clock is set.
    started: Option<f64>,
}

impl Process {
    pub(super) fn new() -> Self {
        let stat = Proc::myself().and_then(|this| this.stat());
        Self {
            started: stat.ok().and_then(|stat| start_time(&stat)),
        }
    }
}

impl Collector for Process {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        // Without /proc there are no metrics of the process.
        let Ok(this) = Proc::myself() else {
            return Ok(());
        };
        let mut metrics = MetricEncoder(encoder);
        if let Ok(stat) = this.stat() {
            encode_stat(&stat, &mut metrics)?;
        }
        if let Some(started) = self.started {
            metrics.seconds(
                "process_start_time",
                "Start time of the process, since 1970",
                started,
            )?;
        }
        if let Ok(open) = this.fd_count() {
            // `fd_count` itself opens a descriptor while it counts. That descriptor is subtracted.
            let open = open.saturating_sub(1) as u64;
            metrics.gauge("process_open_fds", "Open file descriptors", open)?;
        }
        if let Some(most) = getrlimit(Resource::Nofile).current {
            let help = "Maximum number of open file descriptors";
            metrics.gauge("process_max_fds", help, most)?;
        }
        Ok(())
    }
}

fn encode_stat(stat: &Stat, metrics: &mut MetricEncoder<'_>) -> Result<(), fmt::Error> {
    let used = seconds(stat.utime.saturating_add(stat.stime)).as_secs_f64();
    metrics.write(
        "process_cpu",
        "Processor time used, by the program and by the kernel for it",
        Some(&Unit::Seconds),
        &ConstCounter::new(used),
    )?;
    let resident = stat.rss.saturating_mul(procfs::page_size());
    metrics.write(
        "process_resident_memory",
        "Resident memory",
        Some(&Unit::Bytes),
        &ConstGauge::new(resident),
    )?;
    metrics.gauge("process_threads", "Number of threads", stat.num_threads)
}

/// Returns the start time in seconds since 1970. It is computed from the boot clock, because
/// systemd's `ProcSubset=pid` hides `/proc/stat`, which has the time of the boot.
fn start_time(stat: &Stat) -> Option<f64> {
    let up = Duration::try_from(clock_gettime(ClockId::Boottime)).ok()?;
    let age = up.checked_sub(seconds(stat.starttime))?;
    let started = SystemTime::now().checked_sub(age)?;
    let since = started.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(since.as_secs_f64())
}

/// Converts clock ticks of the kernel to a duration.
fn seconds(ticks: u64) -> Duration {
    Duration::from_secs_f64(ticks as f64 / procfs::ticks_per_second() as f64)
}
