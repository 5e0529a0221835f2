use elector_net::http::prometheus_client::metrics::{counter::Counter, gauge::Gauge};

/// A metric of this process.
#[derive(Clone, Debug)]
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) value: MetricValue,
}

/// The value of a metric.
#[derive(Clone, Debug)]
pub(crate) enum MetricValue {
    /// The number of events since the start of the process.
    Total(Counter),
    /// A value that can rise and fall, as it is now.
    Current(Gauge),
}
