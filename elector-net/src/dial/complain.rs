use elector_core::ElectionAlgorithm;

use super::{Dialer, error::DialError};
use crate::wire::refusal::Refusal;

impl<A: ElectionAlgorithm> Dialer<A> {
    /// Counts and logs why there is no connection, if that is for an operator to know.
    pub(super) fn complain(&self, error: &DialError) {
        let (node, peer, address) = (self.station.me(), self.link.node, &self.link.address);
        match error {
            DialError::Refused(refusal) => {
                self.station.links.count(refusal);
                if self.link.is_news(refusal) {
                    tracing::error!(
                        node = node.0, %peer, %address, reason = %refusal,
                        "this peer refuses this node: of this node it says"
                    );
                }
            }
            DialError::Unacceptable(refusal) => {
                self.station.links.count(refusal);
                if self.link.is_news(refusal) {
                    tracing::error!(
                        node = node.0, %peer, %address, reason = %refusal,
                        "this node does not speak to what answers there: of it this node says"
                    );
                }
            }
            DialError::Tls(told) => {
                self.station.links.count(&Refusal::Tls);
                if self.link.is_news(&Refusal::Tls) {
                    tracing::error!(
                        node = node.0, %peer, %address, error = %told,
                        "no TLS with this peer"
                    );
                }
            }
            DialError::Mute => {
                self.station.links.count(&Refusal::Silent);
                if self.link.is_news(&Refusal::Silent) {
                    tracing::warn!(node = node.0, %peer, %address, %error, "no connection");
                }
            }
            DialError::NoNode => {
                self.station.links.count(&Refusal::Garbage);
                if self.link.is_news(&Refusal::Garbage) {
                    tracing::error!(node = node.0, %peer, %address, %error, "no connection");
                }
            }
            _ => tracing::debug!(node = node.0, %peer, %address, %error, "no connection"),
        }
    }
}
