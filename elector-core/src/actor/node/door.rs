use std::sync::atomic::Ordering;

use super::Node;
use crate::{ElectionAlgorithm, Message as _, NodeId};

/// What is not let through to the algorithm.
impl<A: ElectionAlgorithm> Node<A> {
    /// Returns `false` if a message names an epoch that cannot be: it is counted, and now and then
    /// logged. Delivered, it would use up all epochs that there are.
    pub(super) fn accepts(&self, from: NodeId, message: &A::Message) -> bool {
        let Some(heard) = message.epoch() else {
            return true;
        };
        let own = self.process.driver().view().epoch;
        if own.accepts(heard) {
            return true;
        }
        let count = self.shared.absurd.fetch_add(1, Ordering::Relaxed) + 1;
        if count.is_power_of_two() {
            let node = self.process.driver().members().me();
            tracing::error!(
                node = node.0, peer = %from, message = message.kind(), epoch = heard.0,
                own = own.0, count,
                "a message with an absurd epoch was dropped: its sender is broken, or is no peer"
            );
        }
        false
    }
}
