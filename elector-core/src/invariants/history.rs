use alloc::{collections::BTreeMap, vec::Vec};

use super::InvariantViolation as Violation;
use crate::{
    Epoch, GuaranteeKind, NodeId, Pledge, Tenure, View,
    log::{LogHistory, LogIndex, ReplicatedLog},
};

/// What a checker outside of the cluster has seen since the beginning of a run. No node knows this
/// history, and crashes of nodes do not change it.
///
/// Each method that records an event also returns the violations that this event causes. Equal
/// histories are equal values, so that a model checker can compare them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct History {
    guarantee: GuaranteeKind,
    /// For each node, the newest epoch in any of its views.
    shown: BTreeMap<NodeId, Epoch>,
    /// Every tenure in a view of any node, in ascending order. A view can name the node's own
    /// tenure or the tenure of another node.
    tenures: Vec<Tenure>,
    /// The pledge (a vote, for example) that binds each node in each epoch.
    pledges: BTreeMap<(NodeId, Epoch), Pledge>,
    /// The candidate that pledges (promises and acceptances) have named for each ballot (the number
    /// of a proposal of Paxos) of each epoch.
    ballots: BTreeMap<(Epoch, (u64, u64)), NodeId>,
    /// The newest epoch that each node has led. The map stays empty under `BestEffort`, where a
    /// node may lead an epoch again.
    led: BTreeMap<NodeId, Led>,
    /// The committed entries, if the algorithm replicates a log.
    log: LogHistory,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Led {
    epoch: Epoch,
    is_leading: bool,
}

impl History {
    /// Creates an empty history. The guarantee decides what is a violation.
    #[must_use]
    pub const fn new(guarantee: GuaranteeKind) -> Self {
        Self {
            guarantee,
            shown: BTreeMap::new(),
            tenures: Vec::new(),
            pledges: BTreeMap::new(),
            ballots: BTreeMap::new(),
            led: BTreeMap::new(),
            log: LogHistory::new(),
        }
    }

    /// Records that `node` published `view`, or was restored with this view. Returns the violations
    /// that the view causes.
    pub fn viewed(&mut self, node: NodeId, view: View) -> impl Iterator<Item = Violation> + use<> {
        let from = self.shown.entry(node).or_default();
        let back = Self::epoch_went_back(node, *from, view.epoch);
        *from = view.epoch.max(*from);
        back.into_iter().chain(self.claimed(node, view))
    }

    /// Returns a violation if the view of `node` has the epoch `to` after the newer epoch `from`.
    #[must_use]
    pub fn epoch_went_back(node: NodeId, from: Epoch, to: Epoch) -> Option<Violation> {
        (to < from).then_some(Violation::EpochWentBack { node, from, to })
    }

    /// Does the same as [`viewed`](Self::viewed), but does not check whether the epoch of the node
    /// went back. This method is for a host that keeps the newest epoch of each node itself.
    pub fn claimed(&mut self, node: NodeId, view: View) -> impl Iterator<Item = Violation> + use<> {
        let shared = view.tenure().and_then(|tenure| self.shares_epoch(tenure));
        let again = match view.leads() {
            true => self.leads(node, view.epoch),
            false => {
                self.leads_no_more(node);
                None
            }
        };
        shared.into_iter().chain(again)
    }

    fn shares_epoch(&mut self, tenure: Tenure) -> Option<Violation> {
        let place = self.tenures.binary_search(&tenure).err()?;
        let epoch = tenure.epoch;
        let begins = self.tenures.partition_point(|known| known.epoch < epoch);
        let known = self.tenures.get(begins).copied();
        self.tenures.insert(place, tenure);
        let known = known.filter(|known| known.epoch == epoch)?;
        (self.guarantee == GuaranteeKind::Quorum).then_some(Violation::TwoLeaders {
            epoch,
            first: known.leader,
            second: tenure.leader,
        })
    }

    fn leads(&mut self, node: NodeId, epoch: Epoch) -> Option<Violation> {
        if self.guarantee != GuaranteeKind::Quorum {
            return None;
        }
        let led = self.led.entry(node).or_insert(Led {
            epoch,
            is_leading: true,
        });
        let again = epoch < led.epoch || epoch == led.epoch && !led.is_leading;
        *led = Led {
            epoch: epoch.max(led.epoch),
            is_leading: true,
        };
        again.then_some(Violation::LedTwice { node, epoch })
    }

    /// Records that the process of `node` has ended. The tenure of `node`, if there was one, has
    /// ended.
    pub fn ended(&mut self, node: NodeId) {
        self.leads_no_more(node);
        self.log.ended(node);
    }

    fn leads_no_more(&mut self, node: NodeId) {
        if let Some(led) = self.led.get_mut(&node) {
            led.is_leading = false;
        }
    }

    /// Records that the disk of `node` was replaced by an empty one, and that the cluster
    /// distinguishes the two disks by their ids. From now on the node counts as another node with
    /// the same id: its earlier views, its earlier pledges (votes, for example) and the epochs that
    /// it led do not bind it.
    pub fn replaced(&mut self, node: NodeId) {
        self.shown.remove(&node);
        self.led.remove(&node);
        self.pledges.retain(|&(pledged, _), _| pledged != node);
    }

    /// Records that `node` sent a message with the pledge `after`. Returns the violations that the
    /// pledge causes.
    pub fn pledged(
        &mut self,
        node: NodeId,
        after: Pledge,
    ) -> impl Iterator<Item = Violation> + use<> {
        let before = *self.pledges.entry((node, after.epoch)).or_insert(after);
        let bound = before.then(after);
        self.pledges
            .insert((node, after.epoch), bound.unwrap_or(after));
        let twice = bound.is_none().then_some(Violation::PledgedTwice {
            node,
            before,
            after,
        });
        twice.into_iter().chain(self.names(after))
    }

    fn names(&mut self, pledge: Pledge) -> Option<Violation> {
        let second = pledge.candidate.filter(|_| pledge.has_ballot())?;
        let (epoch, rank) = (pledge.epoch, pledge.rank);
        let first = *self.ballots.entry((epoch, rank)).or_insert(second);
        (first != second).then_some(Violation::TwoValues {
            epoch,
            rank,
            first,
            second,
        })
    }

    /// Returns a violation if there are several `holders`, the nodes that hold a lease now. This
    /// method records nothing, so it returns the same violation as long as the same nodes hold a
    /// lease.
    pub fn leased(&self, holders: impl IntoIterator<Item = NodeId>) -> Option<Violation> {
        if self.guarantee != GuaranteeKind::Quorum {
            return None;
        }
        let mut holders = holders.into_iter();
        let (first, second) = (holders.next()?, holders.next()?);
        Some(Violation::TwoLeases { first, second })
    }

    /// Records that `node` takes the entries of its log up to `index` for committed. Returns the
    /// violation that this causes.
    pub fn committed(
        &mut self,
        node: NodeId,
        index: LogIndex,
        log: &dyn ReplicatedLog,
    ) -> Option<Violation> {
        self.log.committed(node, index, log)
    }

    /// Returns the committed entries of the log.
    #[must_use]
    pub const fn log(&self) -> &LogHistory {
        &self.log
    }

    /// Returns how many epochs had a leader.
    #[must_use]
    pub fn epochs_led(&self) -> usize {
        let epochs = self.tenures.chunk_by(|one, next| one.epoch == next.epoch);
        epochs.count()
    }

    /// Returns `true` if any epoch had two leaders.
    #[must_use]
    pub fn has_shared_epoch(&self) -> bool {
        self.epochs_led() < self.tenures.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const N1: NodeId = NodeId(1);
    const N2: NodeId = NodeId(2);

    fn names_of(violation: impl Iterator<Item = Violation>) -> Vec<&'static str> {
        violation
            .map(|violation| violation.invariant().name())
            .collect()
    }

    fn of(guarantee: GuaranteeKind) -> History {
        History::new(guarantee)
    }

    // A tenure ends when the node publishes a view in which it does not lead, or when the node
    // crashes. A leader that publishes the same view again still has the same tenure. Only a node
    // that leads an epoch again after the end of its tenure must be reported.
    #[test]
    fn a_tenure_that_ended_is_not_led_again() {
        let lead = |epoch| View::leading(Epoch(epoch), N1);
        let mut history = of(GuaranteeKind::Quorum);
        let mut free = of(GuaranteeKind::BestEffort);
        let mut sees = |view| {
            assert_eq!(free.viewed(N1, view).next(), None, "best effort");
            names_of(history.viewed(N1, view))
        };
        assert_eq!(sees(lead(1)), [""; 0]);
        assert_eq!(sees(lead(1)), [""; 0], "the node still leads");
        assert_eq!(sees(View::following(Epoch(1), None)), [""; 0]);
        assert_eq!(sees(lead(1)), ["no-tenure-twice"]);
        assert_eq!(sees(lead(2)), [""; 0]);
        history.ended(N1);
        let again = names_of(history.viewed(N1, lead(2)));
        assert_eq!(again, ["no-tenure-twice"], "after a crash");
    }

    // The view of a follower counts as much as the view of a leader. A second leader of an epoch is
    // reported only the first time that it is seen.
    #[test]
    fn a_second_leader_of_an_epoch_is_reported() {
        let mut history = of(GuaranteeKind::Quorum);
        let mut free = of(GuaranteeKind::BestEffort);
        let mut sees = |node, view| {
            assert_eq!(free.viewed(node, view).next(), None, "best effort");
            names_of(history.viewed(node, view))
        };
        assert_eq!(sees(N2, View::following(Epoch(3), Some(N2))), [""; 0]);
        assert_eq!(sees(N1, View::leading(Epoch(2), N1)), [""; 0]);
        let second = View::leading(Epoch(3), N1);
        assert_eq!(sees(N1, second), ["one-leader-per-epoch"]);
        assert_eq!(sees(N1, second), [""; 0]);
        assert!(history.has_shared_epoch() && free.has_shared_epoch());
        assert_eq!((history.epochs_led(), free.epochs_led()), (2, 2));
    }

    // A restart must not take a node's epoch back, under either guarantee.
    #[test]
    fn an_epoch_that_goes_back_is_reported() {
        for guarantee in [GuaranteeKind::Quorum, GuaranteeKind::BestEffort] {
            let mut history = of(guarantee);
            let shows = |epoch| View::campaigning(Epoch(epoch));
            assert_eq!(history.viewed(N1, shows(2)).next(), None);
            assert_eq!(history.viewed(N2, shows(1)).next(), None, "another node");
            let broken = names_of(history.viewed(N1, shows(1)));
            assert_eq!(broken, ["epoch-monotonic"]);
        }
    }

    // Nodes may support several candidates of one epoch, in several ballots or without ballots.
    // Only a second value of one ballot is wrong.
    #[test]
    fn a_second_value_of_one_ballot_is_reported() {
        let mut history = of(GuaranteeKind::Quorum);
        let mut seen = |node, rank, candidate: Option<u64>| {
            let pledge = Pledge {
                epoch: Epoch(1),
                rank,
                candidate: candidate.map(NodeId),
            };
            names_of(history.pledged(NodeId(node), pledge))
        };
        assert_eq!(seen(1, (1, 1), Some(1)), [""; 0]);
        assert_eq!(seen(2, (1, 1), None), [""; 0], "a promise names no value");
        assert_eq!(seen(2, (1, 2), Some(2)), [""; 0], "another ballot");
        assert_eq!(seen(4, (0, 0), Some(1)), [""; 0]);
        assert_eq!(seen(5, (0, 0), Some(2)), [""; 0], "votes have no ballots");
        assert_eq!(seen(3, (1, 1), Some(3)), ["one-value-per-ballot"]);
        assert_eq!(seen(5, (0, 0), Some(1)), ["one-pledge-per-epoch"]);
    }

    // A node with a new disk counts as another node. What other nodes pledged, and which epochs had
    // a leader, still counts.
    #[test]
    fn a_replaced_disk_ends_what_bound_its_node() {
        let pledge = |candidate| Pledge {
            epoch: Epoch(2),
            rank: (0, 0),
            candidate: Some(NodeId(candidate)),
        };
        let mut history = of(GuaranteeKind::Quorum);
        assert_eq!(history.pledged(N1, pledge(1)).next(), None);
        assert_eq!(history.pledged(N2, pledge(1)).next(), None);
        assert_eq!(history.viewed(N1, View::leading(Epoch(2), N1)).next(), None);
        history.ended(N1);
        history.replaced(N1);
        assert_eq!(history.viewed(N1, View::campaigning(Epoch(1))).next(), None);
        assert_eq!(history.pledged(N1, pledge(2)).next(), None);
        let other = names_of(history.pledged(N2, pledge(2)));
        assert_eq!(other, ["one-pledge-per-epoch"]);
        let second = names_of(history.viewed(N2, View::leading(Epoch(2), N2)));
        assert_eq!(second, ["one-leader-per-epoch"], "the epoch had a leader");
    }

    // Two lease holders are a violation, but only under `Quorum`.
    #[test]
    fn a_second_lease_is_reported() {
        let history = of(GuaranteeKind::Quorum);
        assert_eq!(history.leased([N1]), None);
        let violation = history.leased([N1, N2]);
        assert_eq!(
            violation.map(Violation::invariant),
            Some(crate::invariants::Invariant::ExclusiveLease)
        );
        assert_eq!(of(GuaranteeKind::BestEffort).leased([N1, N2]), None);
    }
}
