use elector_core::ElectionAlgorithm;

use super::{Dialer, error::DialError};
use crate::outage::{Direction, Reason};

impl<A: ElectionAlgorithm> Dialer<A> {
    /// Counts why there is no connection, and keeps it as the reason of the outage.
    pub(super) fn complain(&self, error: &DialError) {
        let (node, peer, address) = (self.station.me(), self.link.node, &self.link.address);
        tracing::debug!(node = node.0, %peer, %address, %error, "no connection");
        if let Some(refusal) = error.refusal() {
            self.station.links.count(refusal);
        }
        let text = match error {
            DialError::Refused(_) => format!("node {peer} rejects this node: {error}"),
            DialError::Unacceptable(_) => format!("this node rejects node {peer}: {error}"),
            DialError::Tls(_) => format!("no TLS with node {peer}: {error}"),
            _ => error.to_string(),
        };
        self.link
            .fail(Direction::Out, Reason::new(error.kind(), text));
    }
}
