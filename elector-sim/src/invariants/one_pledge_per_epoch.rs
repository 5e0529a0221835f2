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
        let broken = pledge.rank < before.rank
            || (pledge.rank == before.rank && pledge.candidate != before.candidate);
        self.pledged.insert((node, pledge.epoch), pledge);
        broken.then(|| {
            format!(
                "node {node} pledged itself in epoch {} to {} at rank {:?}, after {} at rank {:?}",
                pledge.epoch, pledge.candidate, pledge.rank, before.candidate, before.rank
            )
        })
    }
}
