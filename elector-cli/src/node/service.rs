use elector_core::{ElectionAlgorithm, actor::NodeHandle};
use elector_net::{
    Monitor, RecordHandle,
    http::{
        self,
        prometheus_client::metrics::{counter::Counter, gauge::Gauge},
    },
};

use super::plan::Plan;

/// A metric: its name, what it counts, and the count.
pub(crate) type Counted = (&'static str, &'static str, Count);

/// What has been counted.
#[derive(Clone, Debug)]
pub(crate) enum Count {
    /// From the start of the process.
    All(Counter),
    /// At present.
    Now(Gauge),
}

/// The node over HTTP, with what this process counts beside it.
pub(crate) fn service<A: ElectionAlgorithm>(
    plan: &Plan<A>,
    elector: &NodeHandle,
    monitor: &Monitor,
    record: &RecordHandle,
    counts: Vec<Counted>,
) -> http::Service {
    let mut options = http::Options::new(plan.name.as_str())
        .monitor(monitor)
        .record(record)
        .metrics(move |registry| {
            for (name, help, count) in counts {
                match count {
                    Count::All(counter) => registry.register(name, help, counter),
                    Count::Now(gauge) => registry.register(name, help, gauge),
                }
            }
        });
    let own = plan.peers.iter().find(|peer| peer.id == plan.members.me());
    if let Some(address) = own.and_then(|peer| peer.address.clone()) {
        options = options.address(address);
    }
    // A host name of this machine may lead to loopback: then the service is asked for under it.
    let host = plan.http.as_deref().and_then(|http| http.rsplit_once(':'));
    if let Some((host, _)) = host {
        options = options.host(host);
    }
    if let Some(token) = &plan.token {
        options = options.token(token.clone());
    }
    http::Service::new(elector, options)
}
