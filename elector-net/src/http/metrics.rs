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

use super::watched::Watched;

/// What the service itself is used for.
#[derive(Clone, Debug, Default)]
pub(super) struct Usage {
    pub(super) connections: Gauge,
    pub(super) readers: Gauge,
    pub(super) dropped: Counter,
    pub(super) unauthorized: Counter,
}

impl Usage {
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
            "HTTP connections closed to make room, or refused for want of it",
            self.dropped.clone(),
        );
        registry.register(
            "elector_http_unauthorized",
            "Commands refused for their token",
            self.unauthorized.clone(),
        );
    }
}

/// The registry of one node: its own metrics and those of the process, read whenever somebody asks,
/// and those that the application adds.
pub(super) fn registry(watched: &Arc<Watched>, usage: &Usage) -> Registry {
    let mut registry = Registry::default();
    registry.register(
        "elector",
        "The node",
        Info::new(vec![
            ("algorithm", watched.node.algorithm().to_owned()),
            ("version", super::VERSION.to_owned()),
            ("cluster", watched.cluster.clone()),
            ("node", watched.me().to_string()),
        ]),
    );
    registry.register_collector(Box::new(Reading(Arc::clone(watched))));
    #[cfg(target_os = "linux")]
    registry.register_collector(Box::new(super::process::Process::new()));
    usage.register(&mut registry);
    registry
}

/// All metrics as `OpenMetrics` text, or as Prometheus text for those who do not ask for it.
pub(super) fn exposition(registry: &Registry, open: bool) -> Result<String, fmt::Error> {
    let mut out = String::new();
    if open {
        text::encode(&mut out, registry)?;
    } else {
        prometheus_text::encode(&mut out, registry)?;
    }
    Ok(out)
}

/// Reads a node at every scrape, so that a metric is never older than its scrape.
#[derive(Debug)]
struct Reading(Arc<Watched>);

impl Collector for Reading {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut page = Page(encoder);
        let present = self.0.present();
        page.gauge(
            "elector_is_leader",
            "Whether the node holds a leadership now: 1 or 0",
            u64::from(present.holds),
        )?;
        page.gauge(
            "elector_has_leader",
            "Whether the node knows of a leader: 1 or 0",
            u64::from(present.status.leader.is_some()),
        )?;
        page.gauge(
            "elector_epoch",
            "The newest epoch the node takes part in",
            present.status.epoch.0,
        )?;
        page.seconds(
            "elector_lease_remaining",
            "How long the node may still act as the leader if it hears nothing more; 0 without a lease",
            present.lease.map_or(0.0, |lease| lease.as_secs_f64()),
        )?;
        page.counter(
            "elector_leader_changes",
            "Tenures the node came to know of, the first among them",
            self.0.tenures(),
        )?;
        page.counter(
            "elector_work_failures",
            "Failures of the work of the leader on this node",
            present.status.work.failures,
        )?;
        page.gauge(
            "elector_work_withdrawn",
            "Whether the node takes no leadership, because its work failed too often: 1 or 0",
            u64::from(present.status.work.is_withdrawn),
        )?;
        self.traffic(&mut page)
    }
}

impl Reading {
    fn traffic(&self, page: &mut Page<'_>) -> Result<(), fmt::Error> {
        let traffic = self.0.node.traffic();
        page.counter(
            "elector_inputs_handled",
            "Inputs the algorithm has handled: messages, timers, hints and commands",
            traffic.handled,
        )?;
        page.counter(
            "elector_messages_sent",
            "Messages handed to the transport",
            traffic.sent,
        )?;
        page.counter(
            "elector_messages_undelivered",
            "Messages the transport knows to be lost",
            traffic.undelivered,
        )?;
        page.counter(
            "elector_messages_refused",
            "Messages the node refused, for too many waited",
            traffic.refused,
        )?;
        page.counter(
            "elector_messages_absurd",
            "Messages the node dropped for an epoch that cannot be",
            traffic.absurd,
        )
    }
}

/// What is written at a scrape.
pub(super) struct Page<'a>(pub(super) DescriptorEncoder<'a>);

impl Page<'_> {
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
        // The registry ends the help of its own metrics with a full stop; a collector's is as it
        // is.
        let help = format!("{help}.");
        let kind = metric.metric_type();
        metric.encode(self.0.encode_descriptor(name, &help, unit, kind)?)
    }
}
