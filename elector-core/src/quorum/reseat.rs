//! Replaces the members of an algorithm while a node runs.

use alloc::sync::Arc;

use super::{Phase, QuorumElection, QuorumNode, Rules};
use crate::{ElectionAlgorithm, Epoch, Membership, Outbox, Quorum};

/// An algorithm whose members can change while a node runs.
///
/// An algorithm alone does not decide which members it has. A wrapper around the algorithm decides
/// it: the wrapper makes the nodes agree on the members, and ensures that each majority of the old
/// members has a node in common with each majority of the new members.
pub trait Reseat: ElectionAlgorithm<Guarantee = Quorum> {
    /// Replaces the members. The elections of all epochs up to and including `closed` have ended:
    /// from now on the node supports no candidate in these epochs, and counts no answers to
    /// requests of these epochs. The node enters the epoch `closed` if its own epoch is lower.
    ///
    /// A leader of the epoch `closed` still leads, and keeps the acknowledgements of nodes that are
    /// still members. A follower of this leader still follows. If the node owed a leader silence
    /// (it supports no other node), it still does. Any candidacy ends, because the answers so far
    /// came from the old members.
    fn reseat(&mut self, members: Membership, closed: Epoch, out: &mut Outbox<Self>);
}

impl<A: QuorumElection> QuorumNode<A> {
    /// Replaces the rules, which contain the members. Before this call, the node must have entered
    /// the epoch `closed` of [`Reseat::reseat`].
    pub fn reseat(&mut self, rules: Rules<A>, out: &mut Outbox<A>) {
        let members = &rules.members;
        let retained = self.suspects.iter().filter(|&node| members.has_peer(node));
        self.suspects = retained.collect();
        self.attempts.reset();
        match &mut self.phase {
            Phase::Leader(state) => {
                state.acks = state.acks.reseat(&self.rules.members, members);
                state.answered.clear();
                if A::has_lease(&rules.config) && members.majority() > 1 {
                    out.set_timer(A::QUORUM, rules.timing().vigil());
                } else {
                    out.cancel_timer(A::QUORUM);
                }
            }
            Phase::Candidate(_) => self.phase = Phase::Follower { leader: None },
            Phase::Follower { .. } => {}
        }
        self.rules = Arc::new(rules);
    }
}
