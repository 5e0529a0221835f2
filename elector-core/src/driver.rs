use alloc::{boxed::Box, vec::Vec};
use core::mem;

use crate::{
    ContractViolation, ElectionAlgorithm, Guarantee, GuaranteeKind, Input, Membership, Moment,
    NodeId, Outbox, Outgoing, Refusal, Tenure, TimerChange, View, log::LogIndex,
};

/// Drives one algorithm through one life of a node, from the start of its process to its end. The
/// driver computes what each step changed. At every step it also checks the part of the contract of
/// [`ElectionAlgorithm`] that a single node can check.
#[derive(Clone, Debug)]
pub struct Driver<A: ElectionAlgorithm> {
    algorithm: A,
    members: Membership,
    outbox: Outbox<A>,
    saved: A::Durable,
    published: View,
    committed: LogIndex,
    /// The newest tenure, which is a pair of epoch and leader, that the node has known.
    tenure: Option<Tenure>,
    number: u64,
    last_persist: u64,
    spare: Option<Box<Step<A>>>,
}

/// What one step of an algorithm changed and requested. The host carries out these requests in the
/// order of the fields.
///
/// A step is passed on in a `Box`, because it is moved several times. [`Driver::recycle`] takes
/// back a step that was carried out, and uses its buffers again.
#[derive(Clone, Debug)]
pub struct Step<A: ElectionAlgorithm> {
    /// The number of the step, counted from 1 in this life (process) of the node.
    pub number: u64,
    /// The number of the newest step that changed the durable state, up to and including this step;
    /// 0 if no step has changed it. The messages, the view and the committed index of this step may
    /// become visible once the write of that newest step is durable. [`Gate`](crate::Gate)
    /// enforces this.
    pub needs: u64,
    /// The new durable state, if it changed. It must be written to disk.
    pub persist: Option<A::Durable>,
    /// Timers to set and to cancel. The host sets and cancels them without waiting for the disk.
    pub timers: Vec<TimerChange<A::Timer>>,
    /// Messages to send.
    pub sends: Vec<Outgoing<A::Message>>,
    /// The index of the last committed entry of the log, if it changed.
    pub committed: Option<LogIndex>,
    /// The new view, if it changed.
    pub view: Option<View>,
    /// The reason for the refusal, if the algorithm refused the command of this step.
    pub refusal: Option<Refusal>,
}

impl<A: ElectionAlgorithm> Default for Step<A> {
    fn default() -> Self {
        Self {
            number: 0,
            needs: 0,
            persist: None,
            timers: Vec::new(),
            sends: Vec::new(),
            committed: None,
            view: None,
            refusal: None,
        }
    }
}

impl<A: ElectionAlgorithm> Driver<A> {
    /// Creates the driver of a node that starts with this durable state. [`Input::Started`] must be
    /// the first input that the driver receives. Before this call,
    /// [`Configuration::validate`](crate::Configuration::validate) must have returned `Ok` for the
    /// configuration.
    #[must_use]
    pub fn restore(config: &A::Config, members: Membership, durable: A::Durable) -> Self {
        let algorithm = A::restore(config, members.clone(), durable);
        let published = algorithm.view();
        Self {
            saved: algorithm.durable().clone(),
            outbox: Outbox::new(members.clone(), Moment::ZERO),
            tenure: published.tenure(),
            number: 0,
            last_persist: 0,
            spare: None,
            committed: LogIndex::ZERO,
            published,
            members,
            algorithm,
        }
    }

    /// Passes one input to the algorithm, with the host's clock reading. The driver drops an input
    /// that comes from the node itself or is about it. If the members are fixed, the driver also
    /// drops an input that comes from a node that is not a member, or is about such a node. A
    /// dropped input changes nothing.
    ///
    /// # Errors
    /// If the algorithm broke its contract. The driver must not be used after that.
    pub fn step(
        &mut self,
        input: Input<A::Message, A::Timer>,
        now: Moment,
    ) -> Result<Box<Step<A>>, Box<ContractViolation>> {
        self.outbox.begin(now);
        let peer = input.peer();
        if peer.is_none_or(|peer| self.is_peer(peer)) {
            self.algorithm.step(input, &mut self.outbox);
        }
        if cfg!(debug_assertions) {
            let checked = self.algorithm.check();
            checked.map_err(ContractViolation::Invariant)?;
        }
        ContractViolation::check_sends(&self.outbox.sends, |node| self.is_peer(node))?;
        let view = self.changed_view()?;
        let persist = self.changed_durable();
        self.number += 1;
        if persist.is_some() {
            self.last_persist = self.number;
        }
        let mut step = self.spare.take().unwrap_or_default();
        self.outbox.swap(&mut step.sends, &mut step.timers);
        (step.number, step.needs) = (self.number, self.last_persist);
        (step.persist, step.view, step.refusal) = (persist, view, self.outbox.refusal.take());
        step.committed = self.changed_committed();
        Ok(step)
    }

    /// Gives the driver a step that was carried out, so that the driver can use the buffers of the
    /// step again. This call is optional and saves allocations.
    pub fn recycle(&mut self, step: Box<Step<A>>) {
        self.spare = Some(step);
    }

    /// Returns the view after the last step. The host may not have published this view yet.
    #[must_use]
    pub fn view(&self) -> View {
        self.published
    }

    /// Returns [`ElectionAlgorithm::lease`]. Like the [`view`](Self::view), the lease may be ahead
    /// of the disk: the durable state that it depends on may not be written yet. A host may rely on
    /// the lease only while the view that the host has *published*, through the
    /// [`Gate`](crate::Gate), leads the same epoch.
    #[must_use]
    pub fn lease(&self) -> Option<Moment> {
        self.algorithm.lease()
    }

    /// Returns the members, seen from this node.
    #[must_use]
    pub fn members(&self) -> &Membership {
        &self.members
    }

    /// Returns the algorithm in its current state.
    #[must_use]
    pub fn algorithm(&self) -> &A {
        &self.algorithm
    }

    /// Returns `true` if `node` is another node that is a member, or may become a member because
    /// the members of this algorithm can change.
    fn is_peer(&self, node: NodeId) -> bool {
        node != self.members.me() && (A::CHANGES_MEMBERS || self.members.contains(node))
    }

    fn changed_durable(&mut self) -> Option<A::Durable> {
        let durable = self.algorithm.durable();
        if *durable == self.saved {
            return None;
        }
        self.saved.clone_from(durable);
        Some(self.saved.clone())
    }

    fn changed_committed(&mut self) -> Option<LogIndex> {
        let committed = self.algorithm.log()?.committed();
        let before = mem::replace(&mut self.committed, committed);
        (committed != before).then_some(committed)
    }

    fn changed_view(&mut self) -> Result<Option<View>, ContractViolation> {
        let (old, new) = (self.published, self.algorithm.view());
        // Nothing has checked the view that the node had when it was restored. So the first step
        // checks the view even if the step did not change it.
        if new == old && self.number > 0 {
            return Ok(None);
        }
        if new.epoch < old.epoch {
            return Err(ContractViolation::EpochWentBack {
                from: old.epoch,
                to: new.epoch,
            });
        }
        let me = self.members.me();
        ContractViolation::check_view(new, me, |node| node == me || self.is_peer(node))?;
        if let Some(tenure) = new.tenure() {
            self.check_tenure(tenure)?;
            self.tenure = Some(tenure);
        }
        self.published = new;
        Ok((new != old).then_some(new))
    }

    fn check_tenure(&self, Tenure { epoch, leader: to }: Tenure) -> Result<(), ContractViolation> {
        match self.tenure.filter(|known| known.epoch == epoch) {
            Some(Tenure { leader: from, .. })
                if A::Guarantee::KIND == GuaranteeKind::Quorum && from != to =>
            {
                Err(ContractViolation::LeaderChanged { epoch, from, to })
            }
            _ => Ok(()),
        }
    }
}
