use std::{sync::atomic::Ordering, vec::Vec};

use super::Node;
use crate::{ElectionAlgorithm, MembersReport, NodeId, RosterId, actor::status::EventKind};

/// Remembers whether the node must publish its members again: to the transport and to the readers
/// of events.
#[derive(Debug, Default)]
pub(in crate::actor) struct MembersWatch {
    /// The id of the roster (the list of the nodes that vote) that was published last.
    published: Option<RosterId>,
    /// Whether the durable state, which contains the members, has changed since the node last
    /// published its members.
    may_have_changed: bool,
}

/// Publishes the members of a cluster whose members can change.
impl<A: ElectionAlgorithm> Node<A> {
    pub(super) fn members_may_have_changed(&mut self) {
        self.members.may_have_changed = A::CHANGES_MEMBERS;
    }

    pub(super) fn members_report(&self) -> Option<MembersReport> {
        let algorithm = self.process.driver().algorithm();
        algorithm.members_report(self.now)
    }

    /// Returns the other voters, first those with higher ids than this node, then those with lower
    /// ids, each in ascending order.
    pub(super) fn peers_in_turn(&self) -> Vec<NodeId> {
        let members = self.process.driver().members();
        let Some(report) = self.members_report() else {
            return [members.above(), members.below()].concat();
        };
        let voters = report.voters().into_iter();
        let (above, below): (Vec<_>, Vec<_>) = voters
            .filter(|&node| node != members.me())
            .partition(|&node| node > members.me());
        [above, below].concat()
    }

    /// If the roster (the list of the nodes that vote) has changed, notifies the transport and the
    /// readers of events of the new roster.
    pub(super) fn publish_members(&mut self) {
        let is_first = A::CHANGES_MEMBERS && self.members.published.is_none();
        if !is_first && !self.members.may_have_changed {
            return;
        }
        self.members.may_have_changed = false;
        // The report is made only if the roster has changed, because it takes time. Most changes of
        // the durable state are votes, and a report for each vote would delay the election.
        let algorithm = self.process.driver().algorithm();
        self.shared
            .votes
            .store(algorithm.votes(), Ordering::Relaxed);
        let Some(roster) = algorithm.roster_id() else {
            return; // The members are fixed.
        };
        if self.members.published.replace(roster) == Some(roster) {
            return;
        }
        if let (Some(report), Some(links)) = (self.members_report(), &mut self.links) {
            links.members_changed(&report);
        }
        if !is_first {
            self.shared.events.emit(EventKind::MembersChanged(roster));
        }
    }
}
