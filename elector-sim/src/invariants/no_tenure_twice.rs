use std::collections::{BTreeMap, BTreeSet};

use elector_core::{Epoch, NodeId, View};

/// A node that has ceased to lead an epoch never leads that epoch again, restarts included: its
/// former tenure may have been given away in between, and whatever was fenced by it is closed.
#[derive(Debug)]
pub struct NoTenureTwice {
    enforced: bool,
    leading: BTreeMap<NodeId, Epoch>,
    ended: BTreeSet<(NodeId, Epoch)>,
}

impl NoTenureTwice {
    /// The name in reports.
    pub const NAME: &'static str = "no-tenure-twice";

    /// Enforced for `Quorum` only: a best-effort node may come back to an epoch.
    #[must_use]
    pub fn new(enforced: bool) -> Self {
        Self {
            enforced,
            leading: BTreeMap::new(),
            ended: BTreeSet::new(),
        }
    }

    /// `node` published `view`, or was restored with it.
    pub fn viewed(&mut self, node: NodeId, view: View) -> Option<String> {
        if !self.enforced {
            return None;
        }
        let leads = view.leads().then_some(view.epoch);
        if self.leading.get(&node).copied() == leads {
            return None;
        }
        self.ended(node);
        let epoch = leads?;
        self.leading.insert(node, epoch);
        self.ended
            .contains(&(node, epoch))
            .then(|| format!("node {node} leads epoch {epoch}, which it had ceased to lead"))
    }

    /// The process of `node` ended, and its tenure with it.
    pub fn ended(&mut self, node: NodeId) {
        if let Some(epoch) = self.leading.remove(&node) {
            self.ended.insert((node, epoch));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const N1: NodeId = NodeId(1);

    // A tenure ends by a view and by a crash; a leader that says so again has not ended it.
    #[test]
    fn a_tenure_that_ended_is_not_led_again() {
        let lead = |epoch| View::leading(Epoch(epoch), N1);
        let mut tenures = NoTenureTwice::new(true);
        assert_eq!(tenures.viewed(N1, lead(1)), None);
        assert_eq!(tenures.viewed(N1, lead(1)), None, "it still leads");
        assert_eq!(tenures.viewed(N1, View::following(Epoch(1), None)), None);
        assert!(tenures.viewed(N1, lead(1)).is_some(), "led again");
        assert_eq!(tenures.viewed(N1, lead(2)), None);
        tenures.ended(N1);
        assert!(tenures.viewed(N1, lead(2)).is_some(), "after a crash");
        let mut free = NoTenureTwice::new(false);
        free.viewed(N1, lead(1));
        free.ended(N1);
        assert_eq!(free.viewed(N1, lead(1)), None, "best effort");
    }
}
