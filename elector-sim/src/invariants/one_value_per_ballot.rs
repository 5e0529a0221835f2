use std::collections::BTreeMap;

use elector_core::{Epoch, NodeId, Pledge};

/// In one epoch a ballot names one candidate, on all nodes: what a proposer asks for in a ballot,
/// and what acceptors accept in it, is the same value. (Paxos Made Simple, section 2.2, P2c: a
/// proposal has one number and one value.) A pledge without a ballot is not looked at.
#[derive(Debug, Default)]
pub struct OneValuePerBallot {
    values: BTreeMap<(Epoch, (u64, u64)), NodeId>,
}

impl OneValuePerBallot {
    /// The name in reports.
    pub const NAME: &'static str = "one-value-per-ballot";

    /// `node` sent a message that pledges it.
    pub fn pledged(&mut self, node: NodeId, pledge: Pledge) -> Option<String> {
        let candidate = pledge.candidate.filter(|_| pledge.has_ballot())?;
        let (epoch, rank) = (pledge.epoch, pledge.rank);
        let named = *self.values.entry((epoch, rank)).or_insert(candidate);
        (named != candidate).then(|| {
            format!(
                "node {node} pledged itself in epoch {epoch} to {candidate} at rank {rank:?}, \
                 which names {named}"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pledge(rank: (u64, u64), candidate: Option<u64>) -> Pledge {
        Pledge {
            epoch: Epoch(1),
            rank,
            candidate: candidate.map(NodeId),
        }
    }

    // Nodes may follow several candidates of one epoch, in several ballots or without ballots:
    // only a second value of one ballot is wrong.
    #[test]
    fn a_second_value_of_one_ballot_is_reported() {
        let mut ballots = OneValuePerBallot::default();
        let mut seen = |node, pledge| ballots.pledged(NodeId(node), pledge).is_some();
        assert!(!seen(1, pledge((1, 1), Some(1))));
        assert!(!seen(2, pledge((1, 1), None)), "a promise names no value");
        assert!(!seen(2, pledge((1, 2), Some(2))), "another ballot");
        assert!(!seen(1, pledge((0, 0), Some(1))));
        assert!(!seen(2, pledge((0, 0), Some(2))), "votes are no ballots");
        assert!(seen(3, pledge((1, 1), Some(3))));
    }
}
