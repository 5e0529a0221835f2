use std::{
    fmt,
    time::{Duration, SystemTime},
};

use elector_core::NodeId;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
    registry::Unit,
};

use super::{
    metrics::MetricEncoder,
    options::Peers,
    report::{PeerStatus, millis},
};
use crate::{Monitor, PeerReport};

/// The metrics of a node's connections to its peers. They are read at every request for metrics.
#[derive(Debug)]
pub(super) struct PeerMetrics(pub(super) Monitor);

impl Collector for PeerMetrics {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut metrics = PeerEncoder {
            encoder: MetricEncoder(encoder),
            peers: shown(&self.0).collect(),
        };
        metrics.of_peers(
            "elector_peer_connected",
            "Whether this node and the peer can exchange messages: 1 or 0.",
            None,
            |peer| Some(ConstGauge::new(u64::from(peer.is_connected()))),
        )?;
        metrics.of_peers(
            "elector_peer_round_trip",
            "Smoothed round-trip time to the peer.",
            Some(&Unit::Seconds),
            |peer| Some(ConstGauge::new(peer.round_trip?.as_secs_f64())),
        )?;
        metrics.of_peers(
            "elector_peer_patience",
            "How long the peer may be silent before it is marked down.",
            Some(&Unit::Seconds),
            |peer| Some(ConstGauge::new(peer.silence_limit.as_secs_f64())),
        )?;
        metrics.of_peers(
            "elector_peer_connections",
            "Connections made to the peer.",
            None,
            |peer| Some(ConstCounter::new(peer.connections)),
        )?;
        metrics.of_peers(
            "elector_peer_suspicions",
            "How often the peer was marked down.",
            None,
            |peer| Some(ConstCounter::new(peer.suspicions)),
        )?;
        metrics.of_peers(
            "elector_peer_death_proofs",
            "Proofs that the process of the peer had ended.",
            None,
            |peer| Some(ConstCounter::new(peer.proofs)),
        )?;
        if let Some(expires) = self.0.certificate_expires() {
            metrics.encoder.seconds(
                "elector_certificate_expires",
                "Seconds until the node's certificate or its CA expires; below 0 after that",
                seconds_until(expires),
            )?;
        }
        let rejected = self.0.rejected();
        let rejected = rejected.into_iter().map(|(reason, count)| {
            let labels = [("reason", reason.to_owned())];
            (labels, ConstCounter::new(count))
        });
        metrics.family(
            "elector_connections_refused",
            "Connections rejected, by this node or by its peers.",
            None,
            rejected,
        )
    }
}

struct PeerEncoder<'a> {
    encoder: MetricEncoder<'a>,
    peers: Vec<PeerReport>,
}

impl PeerEncoder<'_> {
    fn of_peers<M: EncodeMetric>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        measure: impl Fn(&PeerReport) -> Option<M>,
    ) -> Result<(), fmt::Error> {
        let measured = self.peers.iter().filter_map(|peer| {
            let labels = [("peer", peer.node.to_string())];
            Some((labels, measure(peer)?))
        });
        let measured: Vec<_> = measured.collect();
        self.family(name, help, unit, measured)
    }

    fn family<M: EncodeMetric>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        metrics: impl IntoIterator<Item = ([(&'static str, String); 1], M)>,
    ) -> Result<(), fmt::Error> {
        let mut metrics = metrics.into_iter().peekable();
        let Some((_, first)) = metrics.peek() else {
            return Ok(());
        };
        let kind = first.metric_type();
        let mut family = self.encoder.0.encode_descriptor(name, help, unit, kind)?;
        metrics.try_for_each(|(labels, metric)| metric.encode(family.encode_family(&labels)?))
    }
}

/// Returns the seconds until this moment. The result is below 0 if the moment has passed.
fn seconds_until(point: SystemTime) -> f64 {
    match point.duration_since(SystemTime::now()) {
        Ok(left) => left.as_secs_f64(),
        Err(over) => -over.duration().as_secs_f64(),
    }
}

/// Returns the peers that are members, and the other nodes that are connected to this node.
fn shown(monitor: &Monitor) -> impl Iterator<Item = PeerReport> {
    let peers = monitor.peers().into_iter();
    peers.filter(|peer| peer.is_member || peer.can_receive)
}

impl Peers for Monitor {
    fn peers(&self) -> Vec<PeerStatus> {
        let statuses = shown(self).map(|peer| {
            let micros = |rtt: Duration| u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX);
            let mut status = PeerStatus::new(peer.node);
            status.connected = peer.is_connected();
            status.problem = peer.problem;
            status.silent_ms = peer.silent_for.map(millis);
            status.rtt_us = peer.round_trip.map(micros);
            status.address = peer.address;
            status
        });
        statuses.collect()
    }

    fn address_of(&self, node: NodeId) -> Option<String> {
        Self::address_of(self, node)
    }

    fn add_address(&self, node: NodeId, address: &str) -> bool {
        Self::add_address(self, node, address)
    }
}
