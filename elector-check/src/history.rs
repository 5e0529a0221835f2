use std::collections::BTreeMap;

use elector_core::{Epoch, NodeId, Pledge, View};

use crate::breach::Breach;

/// What was seen from outside since the beginning. No node knows it; crashes do not touch it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct History {
    // Every tenure that a node held for led, its own or another's, in ascending order.
    tenures: Vec<(Epoch, NodeId)>,
    // The newest pledge of each node in each epoch.
    pledges: BTreeMap<(NodeId, Epoch), Pledge>,
}

impl History {
    /// Whether `view` tells of a tenure that nobody told of before.
    pub(crate) fn is_news(&self, view: View) -> bool {
        let tenure = view.leader.map(|leader| (view.epoch, leader));
        tenure.is_some_and(|tenure| self.tenures.binary_search(&tenure).is_err())
    }

    /// A node showed `view`. The breach is one only under a quorum guarantee.
    pub(crate) fn viewed(&mut self, view: View) -> Option<Breach> {
        let tenure @ (epoch, second) = (view.epoch, view.leader?);
        let place = self.tenures.binary_search(&tenure).err()?;
        let other = self.tenures.iter().find(|known| known.0 == epoch).copied();
        self.tenures.insert(place, tenure);
        other.map(|(_, first)| Breach::TwoLeaders {
            epoch,
            first,
            second,
        })
    }

    /// `node` sent a message that pledges it: never down in rank within an epoch, and for one
    /// candidate at a rank.
    pub(crate) fn pledged(&mut self, node: NodeId, after: Pledge) -> Option<Breach> {
        let before = self.pledges.insert((node, after.epoch), after)?;
        let broken = after.rank < before.rank
            || after.rank == before.rank && after.candidate != before.candidate;
        broken.then_some(Breach::PledgedTwice {
            node,
            before,
            after,
        })
    }

    /// How many epochs had a leader.
    pub(crate) fn epochs_led(&self) -> usize {
        let changes = self
            .tenures
            .windows(2)
            .filter(|pair| pair[0].0 != pair[1].0);
        changes.count() + usize::from(!self.tenures.is_empty())
    }

    /// Whether an epoch had two leaders.
    pub(crate) fn has_shared_epoch(&self) -> bool {
        self.epochs_led() < self.tenures.len()
    }
}
