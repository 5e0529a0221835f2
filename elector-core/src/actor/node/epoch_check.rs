use std::sync::atomic::Ordering;

use super::Node;
use crate::{ElectionAlgorithm, Message as _, NodeId};

/// Filters messages before they reach the algorithm.
impl<A: ElectionAlgorithm> Node<A> {
    /// Returns `false` if the epoch of a message is so high that no cluster reaches it: see
    /// [`Epoch::accepts`](crate::Epoch::accepts). The node counts such messages, and logs some of
    /// them. If the algorithm received such a message, it could adopt the epoch, and too few epochs
    /// would be left for later elections.
    pub(super) fn accepts(&self, from: NodeId, message: &A::Message) -> bool {
        let Some(received) = message.epoch() else {
            return true;
        };
        let own = self.process.driver().view().epoch;
        if own.accepts(received) {
            return true;
        }
        let count = self.shared.absurd.fetch_add(1, Ordering::Relaxed) + 1;
        if count.is_power_of_two() {
            let node = self.process.driver().members().me();
            tracing::error!(
                node = node.0, peer = %from, message = message.kind(), epoch = received.0,
                own = own.0, count,
                "message with absurd epoch dropped: the sender is faulty or is not a peer"
            );
        }
        false
    }
}
