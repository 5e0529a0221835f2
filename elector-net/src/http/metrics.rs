use std::{fmt, sync::Arc};

use prometheus_client::{
    collector::Collector,
    encoding::{
        DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, EncodeMetric, prometheus_text,
        text,
    },
    metrics::{
        counter::{ConstCounter, Counter},
        gauge::{ConstGauge, Gauge},
        info::Info,
    },
    registry::{Registry, Unit},
};

use super::node::ServedNode;

/// The metrics of the HTTP service itself, apart from those of the node.
#[derive(Clone, Debug, Default)]
pub(super) struct ServiceMetrics {
    pub(super) connections: Gauge,
    pub(super) readers: Gauge,
    pub(super) dropped: Counter,
    pub(super) unauthorized: Counter,
}

impl ServiceMetrics {
    fn register(&self, registry: &mut Registry) {
        registry.register(
            "elector_http_connections",
            "Open HTTP connections",
            self.connections.clone(),
        );
        registry.register(
            "elector_http_event_readers",
            "Readers of events",
            self.readers.clone(),
        );
        registry.register(
            "elector_http_connections_dropped",
            "HTTP connections closed or rejected because the limit was reached",
            self.dropped.clone(),
        );
        registry.register(
            "elector_http_unauthorized",
            "Commands rejected because of a wrong or missing token",
            self.unauthorized.clone(),
        );
    }
}

/// Creates the registry of a node. The metrics of the node and of the process are read at every
/// request for metrics. The metrics of the service are counted when something happens.
pub(super) fn registry(node: &Arc<ServedNode>, usage: &ServiceMetrics) -> Registry {
    let mut registry = Registry::default();
    registry.register(
        "elector",
        "The node",
        Info::new(vec![
            ("algorithm", node.handle.algorithm().to_owned()),
            ("version", super::VERSION.to_owned()),
            ("cluster", node.cluster.clone()),
            ("node", node.me().to_string()),
        ]),
    );
    registry.register_collector(Box::new(NodeMetrics(Arc::clone(node))));
    #[cfg(target_os = "linux")]
    registry.register_collector(Box::new(super::process::Process::new()));
    usage.register(&mut registry);
    registry
}

/// Returns all metrics as `OpenMetrics` text.
pub(super) fn open_metrics(registry: &Registry) -> Result<String, fmt::Error> {
    let mut out = String::new();
    text::encode(&mut out, registry)?;
    Ok(out)
}

/// Returns all metrics as Prometheus text.
pub(super) fn prometheus(registry: &Registry) -> Result<String, fmt::Error> {
    let mut out = String::new();
    prometheus_text::encode(&mut out, registry)?;
    Ok(out)
}

/// Reads the state of a node at every request for metrics, so that the metrics are current.
#[derive(Debug)]
struct NodeMetrics(Arc<ServedNode>);

impl Collector for NodeMetrics {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut metrics = MetricEncoder(encoder);
        let current = self.0.current();
        metrics.gauge(
            "elector_is_leader",
            "Whether the node holds a leadership now: 1 or 0",
            u64::from(current.holds),
        )?;
        metrics.gauge(
            "elector_has_leader",
            "Whether the node knows of a leader: 1 or 0",
            u64::from(current.status.leader.is_some()),
        )?;
        metrics.gauge(
            "elector_votes",
            "Whether the node votes: 1 or 0",
            u64::from(self.0.handle.votes()),
        )?;
        metrics.gauge(
            "elector_epoch",
            "The newest epoch that the node takes part in",
            current.status.epoch.0,
        )?;
        metrics.seconds(
            "elector_lease_remaining",
            "How long the node may act as leader if it receives nothing more; 0 without a lease",
            current.lease.map_or(0.0, |lease| lease.as_secs_f64()),
        )?;
        metrics.counter(
            "elector_leader_changes",
            "Tenures that the node has seen, including the first",
            self.0.tenures(),
        )?;
        metrics.counter(
            "elector_work_failures",
            "Failures of the work of the leader on this node",
            current.status.work.failures,
        )?;
        metrics.gauge(
            "elector_work_withdrawn",
            "Whether the node takes no leadership, because its work failed too often: 1 or 0",
            u64::from(current.status.work.is_withdrawn),
        )?;
        self.traffic(&mut metrics)
    }
}

impl NodeMetrics {
    fn traffic(&self, metrics: &mut MetricEncoder<'_>) -> Result<(), fmt::Error> {
        let traffic = self.0.handle.traffic();
        metrics.counter(
            "elector_inputs_handled",
            "Inputs that the algorithm has handled: messages, timers, evidence and commands",
            traffic.handled,
        )?;
        metrics.counter(
            "elector_messages_sent",
            "Messages that the transport accepted",
            traffic.sent,
        )?;
        metrics.counter(
            "elector_messages_undelivered",
            "Messages that were dropped before they left the node",
            traffic.undelivered,
        )?;
        metrics.counter(
            "elector_messages_refused",
            "Messages that the node rejected because too many were waiting, or its disk hangs",
            traffic.refused,
        )?;
        metrics.counter(
            "elector_messages_absurd",
            "Messages that the node dropped because their epoch was impossible",
            traffic.absurd,
        )
    }
}

/// Encodes metrics for the answer to a request for metrics.
pub(super) struct MetricEncoder<'a>(pub(super) DescriptorEncoder<'a>);

impl MetricEncoder<'_> {
    pub(super) fn gauge(
        &mut self,
        name: &str,
        help: &str,
        value: impl EncodeGaugeValue,
    ) -> Result<(), fmt::Error> {
        self.write(name, help, None, &ConstGauge::new(value))
    }

    pub(super) fn seconds(&mut self, name: &str, help: &str, value: f64) -> Result<(), fmt::Error> {
        self.write(name, help, Some(&Unit::Seconds), &ConstGauge::new(value))
    }

    fn counter(
        &mut self,
        name: &str,
        help: &str,
        value: impl EncodeCounterValue,
    ) -> Result<(), fmt::Error> {
        self.write(name, help, None, &ConstCounter::new(value))
    }

    pub(super) fn write(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        metric: &impl EncodeMetric,
    ) -> Result<(), fmt::Error> {
        // The registry adds a full stop to the help of its own metrics, but not to that of a
        // collector.
        let help = format!("{help}.");
        let kind = metric.metric_type();
        metric.encode(self.0.encode_descriptor(name, &help, unit, kind)?)
    }
}
