use elector_core::{ElectionAlgorithm, actor::NodeHandle};
use elector_net::{Monitor, RecordHandle, http};

use super::{
    metrics::{Metric, MetricValue},
    setup::NodeSetup,
};

/// Returns the HTTP interface of the node, with the metrics of this process.
pub(crate) fn service<A: ElectionAlgorithm>(
    setup: &NodeSetup<A>,
    elector: &NodeHandle,
    monitor: &Monitor,
    record: &RecordHandle,
    metrics: Vec<Metric>,
) -> http::Service {
    let mut options = http::Options::new(setup.name.as_str())
        .monitor(monitor)
        .record(record)
        .metrics(move |registry| {
            for Metric { name, help, value } in metrics {
                match value {
                    MetricValue::Total(counter) => registry.register(name, help, counter),
                    MetricValue::Current(gauge) => registry.register(name, help, gauge),
                }
            }
        });
    if let Some(address) = monitor.advertised() {
        options = options.address(address);
    }
    // The HTTP service accepts only requests whose header `Host` it knows. The host name in
    // `--http` may resolve to a loopback address. Then requests have this name as their `Host`, and
    // must be accepted.
    let host = setup.http.as_deref().and_then(|http| http.rsplit_once(':'));
    if let Some((host, _)) = host {
        options = options.host(host);
    }
    if let Some(token) = &setup.token {
        options = options.token(token.clone());
    }
    http::Service::new(elector, options)
}
