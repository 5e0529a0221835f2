use elector_core::ElectionAlgorithm;

use super::{Dialer, error::DialError};
use crate::outage::{Direction, Reason};

impl<A: ElectionAlgorithm> Dialer<A> {
    /// Records the error as the reason of the peer's outage, which is the time in which the peer is
    /// unreachable. If the error counts as a rejection, also counts it for the node's metrics.
    pub(super) fn record_failure(&self, error: &DialError) {
        let (node, peer) = (self.context.me(), self.link.node);
        let address = self.context.addresses.of(peer).unwrap_or_default();
        tracing::debug!(node = node.0, %peer, %address, %error, "connection to peer failed");
        if let Some(rejection) = error.rejection() {
            self.context.links.count(rejection);
        }
        let text = match error {
            DialError::Rejected(_) => format!("node {peer} rejects this node: {error}"),
            DialError::Rejecting(_) => format!("this node rejects node {peer}: {error}"),
            DialError::Tls(_) => format!("no TLS with node {peer}: {error}"),
            _ => error.to_string(),
        };
        self.link
            .record_failure(Direction::Out, Reason::new(error.kind(), text));
    }
}
