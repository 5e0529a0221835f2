use std::sync::{Arc, atomic::AtomicU64};

use super::Node;
use crate::{
    ElectionAlgorithm, Epoch, Guarantee, GuaranteeKind,
    actor::{
        leadership_state::{LeadershipState, NO_LEASE},
        status::EventKind,
    },
};

/// Grants, prolongs and ends leadership.
impl<A: ElectionAlgorithm> Node<A> {
    /// Begins, prolongs and ends the leadership, as the algorithm and its lease require.
    pub(super) fn update_leadership(&mut self) {
        if !self.process.leads() || self.hung_work.is_some() || self.withdrawn.is_some() {
            if self.leadership.is_some() {
                self.end_leadership();
            }
            return;
        }
        let deadline = match A::Guarantee::KIND {
            GuaranteeKind::BestEffort => NO_LEASE,
            GuaranteeKind::Quorum => match self.process.lease() {
                Some(stamp) => stamp.saturating_add(self.lease),
                None => return,
            },
        };
        if let Some(leadership) = &self.leadership {
            if leadership.epoch() == self.process.published().epoch {
                leadership.prolong(self.now, deadline);
                // `is_live` must be called first. The work may give the leadership back on another
                // thread between the two calls. In the opposite order, both calls would then return
                // `false`, and the leadership would look lost.
                if leadership.is_live() || leadership.is_given_back() {
                    return;
                }
            }
            self.end_leadership();
        }
        if self.now < deadline {
            let epoch = self.process.published().epoch;
            let leadership = Arc::new(LeadershipState::new(epoch, deadline, self.grants(epoch)));
            self.leadership = Some(Arc::clone(&leadership));
            self.shared.grant(Some(leadership));
            self.shared.events.emit(EventKind::Granted(epoch));
        }
    }

    /// Returns the counter of the grants of this epoch. A leadership that ends and begins again
    /// within an epoch must not get the token of the previous leadership.
    fn grants(&mut self, epoch: Epoch) -> Arc<AtomicU64> {
        if self.grants.0 != epoch {
            self.grants = (epoch, Arc::default());
        }
        Arc::clone(&self.grants.1)
    }

    pub(super) fn end_leadership(&mut self) {
        if let Some(leadership) = self.leadership.take() {
            leadership.lose();
            self.shared.grant(None);
            self.shared.events.emit(EventKind::Lost(leadership.epoch()));
        }
    }

    pub(super) fn is_current(&self, leadership: &Arc<LeadershipState>) -> bool {
        let current = self.leadership.as_ref();
        current.is_some_and(|current| Arc::ptr_eq(current, leadership))
    }

    /// Ends this leadership and grants another one, if this leadership is still current. Its work
    /// has ended, so the node would otherwise lead without work.
    pub(super) fn grant_again(&mut self, leadership: &Arc<LeadershipState>) {
        if self.is_current(leadership) {
            self.end_leadership();
            self.update_leadership();
        }
    }
}
