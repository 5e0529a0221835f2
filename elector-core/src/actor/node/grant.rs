use std::sync::{Arc, atomic::AtomicU64};

use super::Node;
use crate::{
    ElectionAlgorithm, Epoch, Guarantee, GuaranteeKind,
    actor::{
        status::EventKind,
        tenure::{NO_LEASE, Tenure},
    },
};

/// When leadership is granted, prolonged and lost.
impl<A: ElectionAlgorithm> Node<A> {
    /// Begins, prolongs and ends tenures, as the algorithm and its lease say.
    pub(super) fn keep_tenure(&mut self) {
        if !self.process.leads() || self.deserted.is_some() || self.withdrawn.is_some() {
            if self.tenure.is_some() {
                self.end_tenure();
            }
            return;
        }
        let deadline = match A::Guarantee::KIND {
            GuaranteeKind::BestEffort => NO_LEASE,
            GuaranteeKind::Quorum => match self.process.lease() {
                Some(stamp) => stamp.nanos().saturating_add(self.lease),
                None => return,
            },
        };
        if let Some(tenure) = &self.tenure {
            if tenure.epoch() == self.process.published().epoch {
                tenure.prolong(self.now, deadline);
                // In this order: the work may end on another thread meanwhile, which is no loss.
                if tenure.is_live() || tenure.is_returning() {
                    return;
                }
            }
            self.end_tenure();
        }
        if self.now < deadline {
            let epoch = self.process.published().epoch;
            let tenure = Arc::new(Tenure::new(epoch, deadline, self.grants(epoch)));
            self.tenure = Some(Arc::clone(&tenure));
            self.shared.grant(Some(tenure));
            self.shared.news.tell(EventKind::Granted(epoch));
        }
    }

    /// What numbers the grants of this epoch. A tenure that ends and begins again within an epoch
    /// must not get the token of the one before.
    fn grants(&mut self, epoch: Epoch) -> Arc<AtomicU64> {
        if self.grants.0 != epoch {
            self.grants = (epoch, Arc::default());
        }
        Arc::clone(&self.grants.1)
    }

    pub(super) fn end_tenure(&mut self) {
        if let Some(tenure) = self.tenure.take() {
            tenure.lose();
            self.shared.grant(None);
            self.shared.news.tell(EventKind::Lost(tenure.epoch()));
        }
    }

    pub(super) fn has(&self, tenure: &Arc<Tenure>) -> bool {
        let current = self.tenure.as_ref();
        current.is_some_and(|current| Arc::ptr_eq(current, tenure))
    }

    /// If this tenure is still the node's, it leads and nobody works for it: it grants another.
    pub(super) fn go_on(&mut self, tenure: &Arc<Tenure>) {
        if self.has(tenure) {
            self.end_tenure();
            self.keep_tenure();
        }
    }
}
