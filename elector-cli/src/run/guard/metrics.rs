use elector_net::http::prometheus_client::metrics::{counter::Counter, gauge::Gauge};

/// What a node counts of the command that it runs, since the node was started. A clone counts the
/// same.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Metrics {
    /// How often it was started, or would have been if it could.
    pub starts: Counter,
    /// How often it had to be ended by SIGKILL.
    pub kills: Counter,
    /// How often it ended by itself with another code than 0, or could not be started.
    pub failures: Counter,
    /// How often it was started again within one tenure.
    pub restarts: Counter,
    /// How often it was dead only after the end of its lease.
    pub late_ends: Counter,
    /// 1 while it runs, else 0.
    pub running: Gauge,
}
