use std::collections::BTreeMap;

use elector_core::{Epoch, NodeId, Pledge, View};

use crate::breach::Breach;

/// What was seen from outside since the beginning. No node knows it; crashes do not touch it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct History {
    // Every tenure that a node held for led, its own or another's, in ascending order.
    tenures: Vec<(Epoch, NodeId)>,
    // What each node is bound to in each epoch.
    pledges: BTreeMap<(NodeId, Epoch), Pledge>,
    // The candidate of each ballot.
    ballots: BTreeMap<(Epoch, (u64, u64)), NodeId>,
    // The newest epoch that each node has led, and whether it leads it still.
    led: BTreeMap<NodeId, (Epoch, bool)>,
}

impl History {
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

    /// `node` leads `epoch` now, or not any more. The breach is one only under a quorum guarantee:
    /// a tenure that has ended does not begin again.
    pub(crate) fn leads(&mut self, node: NodeId, epoch: Epoch, leads: bool) -> Option<Breach> {
        match (self.led.get_mut(&node), leads) {
            (Some(led), false) => led.1 = false,
            (Some(led), true) => {
                let again = epoch < led.0 || epoch == led.0 && !led.1;
                *led = (epoch.max(led.0), true);
                return again.then_some(Breach::LedTwice { node, epoch });
            }
            (None, true) => _ = self.led.insert(node, (epoch, true)),
            (None, false) => {}
        }
        None
    }

    /// `node` sent a message that pledges it: see [`Pledge`] for what it must keep to then.
    pub(crate) fn pledged(&mut self, node: NodeId, after: Pledge) -> Option<Breach> {
        let before = *self.pledges.entry((node, after.epoch)).or_insert(after);
        let Some(bound) = before.then(after) else {
            return Some(Breach::PledgedTwice {
                node,
                before,
                after,
            });
        };
        self.pledges.insert((node, after.epoch), bound);
        let second = after.candidate.filter(|_| after.has_ballot())?;
        let (epoch, rank) = (after.epoch, after.rank);
        let first = *self.ballots.entry((epoch, rank)).or_insert(second);
        (first != second).then_some(Breach::TwoValues {
            epoch,
            rank,
            first,
            second,
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
