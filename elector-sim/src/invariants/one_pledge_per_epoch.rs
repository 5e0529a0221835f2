use std::collections::BTreeMap;

use elector_core::{Epoch, NodeId, Pledge};

/// One vote or promise per node and epoch, across restarts: pledges never go down in rank, and two
/// of one rank name one candidate. (Raft §5.2; Paxos Made Simple §2.2, P1a.)
#[derive(Debug, Default)]
pub struct OnePledgePerEpoch {
    pledged: BTreeMap<(NodeId, Epoch), Pledge>,
}

impl OnePledgePerEpoch {
    /// The name in reports.
    pub const NAME: &'static str = "one-pledge-per-epoch";

    /// `node` sent a message that pledges it.
    pub fn pledged(&mut self, node: NodeId, pledge: Pledge) -> Option<String> {
        let before = *self.pledged.entry((node, pledge.epoch)).or_insert(pledge);
        let bound = before.then(pledge);
        let kept = bound.unwrap_or(pledge);
        self.pledged.insert((node, pledge.epoch), kept);
        bound.is_none().then(|| {
            let epoch = pledge.epoch;
            format!("node {node} pledged itself in epoch {epoch} to {pledge}, after {before}")
        })
    }
}
