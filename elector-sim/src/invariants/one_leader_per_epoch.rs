use std::collections::BTreeMap;

use elector_core::{Epoch, NodeId, View};

/// At most one leader per epoch, over the whole history: every tenure that was ever led, or that
/// any node ever held for led, is kept.
#[derive(Debug)]
pub struct OneLeaderPerEpoch {
    enforced: bool,
    claims: BTreeMap<Epoch, NodeId>,
    most: BTreeMap<Epoch, Vec<NodeId>>,
}

impl OneLeaderPerEpoch {
    /// The name in reports.
    pub const NAME: &'static str = "one-leader-per-epoch";

    /// Enforced for `Quorum`; for `BestEffort` it only counts.
    #[must_use]
    pub fn new(enforced: bool) -> Self {
        Self {
            enforced,
            claims: BTreeMap::new(),
            most: BTreeMap::new(),
        }
    }

    /// `node` published `view`.
    pub fn viewed(&mut self, node: NodeId, view: View) -> Option<String> {
        let leader = view.leader?;
        if leader == node {
            let leaders = self.most.entry(view.epoch).or_default();
            if !leaders.contains(&node) {
                leaders.push(node);
            }
        }
        let known = *self.claims.entry(view.epoch).or_insert(leader);
        (self.enforced && known != leader).then(|| {
            format!(
                "epoch {} is led by {known}, and node {node} holds {leader} for its leader",
                view.epoch
            )
        })
    }

    /// The most nodes that believed themselves leader of one epoch.
    #[must_use]
    pub fn most_leaders(&self) -> usize {
        self.most.values().map(Vec::len).max().unwrap_or(0)
    }

    /// How many epochs had a leader.
    #[must_use]
    pub fn epochs_led(&self) -> usize {
        self.most.len()
    }
}
