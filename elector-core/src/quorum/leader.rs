//! The leader's part: which peers acknowledge the leader, whether these peers are a quorum, and to
//! which of them the leader transfers its leadership.

use super::{LeaderState, Phase, QuorumElection, QuorumNode};
use crate::{Acks, Command, Delay, Moment, NodeId, NodeSet, Outbox, Refusal};

/// What the algorithm must do for a command that the node accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Accepted {
    /// Campaign: try to be elected now.
    Campaign,
    /// Transfer the leadership to this successor, if there is one. This node has stepped down
    /// *first*. The voters elect the successor although they owe
    /// [silence](QuorumNode::owes_silence) to this node, and this silence protects the lease of
    /// this node. So this node must not hold a lease any more. If the successor is not elected, any
    /// node may enter a later epoch, this node included.
    SteppedDown(Option<NodeId>),
}

impl<A: QuorumElection> QuorumNode<A> {
    /// Makes this node the leader. With leases, also starts the timer of the time for which the
    /// leader may be without the acknowledgements of a quorum.
    pub fn lead(&mut self, out: &mut Outbox<A>) {
        self.settle();
        self.stop(out);
        self.elected = Some(self.me());
        self.phase = Phase::Leader(LeaderState {
            acks: Acks::new(&self.rules.members),
            answered: NodeSet::new(),
        });
        if A::has_lease(&self.rules.config) && self.rules.members.majority() > 1 {
            out.set_timer(A::QUORUM, self.rules.timing().vigil());
        }
    }

    /// Stops leading. The node stays in the same epoch. Does nothing if this node does not lead.
    pub fn step_down(&mut self, out: &mut Outbox<A>) {
        if self.leads() {
            out.cancel_timer(A::HEARTBEAT);
            if A::has_lease(&self.rules.config) {
                out.cancel_timer(A::QUORUM);
            }
            self.phase = Phase::Follower { leader: None };
            self.keep_vigil(out);
        }
    }

    /// Begins a round of heartbeats in this step: the leader acknowledges the round itself, and
    /// sets the timer for the next round. Returns `false` if this node does not lead.
    pub fn begin_round(&mut self, out: &mut Outbox<A>) -> bool {
        let Phase::Leader(state) = &mut self.phase else {
            return false; // Stale: the node does not lead any more.
        };
        let members = &self.rules.members;
        state.acks.record(members, members.me(), out.now());
        let heartbeat = Delay::exactly(self.rules.timing().heartbeat);
        out.set_timer(A::HEARTBEAT, heartbeat);
        true
    }

    /// Handles an acknowledgement by `from` of the round of heartbeats that was sent at `sent` in
    /// the current epoch. The node collects the peers that acknowledge. Each time that these peers
    /// and the leader make a quorum, the node forgets the peers and restarts the timer of the time
    /// for which the leader may be without a quorum.
    pub fn on_ack(&mut self, from: NodeId, sent: Moment, out: &mut Outbox<A>) {
        let Phase::Leader(state) = &mut self.phase else {
            return; // Stale: this tenure has ended.
        };
        if !state.acks.record(&self.rules.members, from, sent) {
            return; // It acknowledges no round of this tenure, or its sender is no peer.
        }
        // The leader itself counts in the quorum, so the quorum needs one peer fewer.
        let missing = self.rules.members.majority() - 1;
        let is_checked = A::has_lease(&self.rules.config);
        if is_checked && state.answered.insert(from) && state.answered.len() >= missing {
            state.answered.clear();
            out.set_timer(A::QUORUM, self.rules.timing().vigil());
        }
    }

    /// Returns [`ElectionAlgorithm::lease`](crate::ElectionAlgorithm::lease). There is no lease in
    /// a configuration in which followers owe no [silence](Self::owes_silence) to their leader: a
    /// follower that has acknowledged the leader may then support another node at once.
    #[must_use]
    pub fn lease(&self) -> Option<Moment> {
        match &self.phase {
            Phase::Leader(state) if A::has_lease(&self.rules.config) => {
                state.acks.quorum(&self.rules.members)
            }
            Phase::Leader(_) | Phase::Follower { .. } | Phase::Candidate(_) => None,
        }
    }

    /// Refuses the command, or returns what the algorithm must do for it.
    pub fn on_command(&mut self, command: &Command, out: &mut Outbox<A>) -> Option<Accepted> {
        let accepted = match *command {
            Command::Campaign => self.campaign(),
            Command::Resign => self.resign(),
            Command::TransferTo(peer) => self.transfer(peer, out.now()),
            Command::ChangeMembers(_) => Err(Refusal::MembersAreFixed),
            Command::Propose(_) => Err(Refusal::NoLog),
        };
        match accepted {
            Ok(Accepted::SteppedDown(_)) => self.step_down(out),
            Ok(Accepted::Campaign) => {}
            Err(refusal) => out.refuse(refusal),
        }
        accepted.ok()
    }

    fn campaign(&mut self) -> Result<Accepted, Refusal> {
        if self.leads() {
            return Err(Refusal::LeadsAlready);
        }
        if self.never_leads() {
            return Err(Refusal::NeverLeads);
        }
        if A::has_lease(&self.rules.config) && self.has_fresh_leader() {
            // A node that owes silence to a leader may support no candidate, including itself.
            return Err(Refusal::LeaderIsFresh);
        }
        self.clear_resigned();
        Ok(Accepted::Campaign)
    }

    fn resign(&mut self) -> Result<Accepted, Refusal> {
        let Phase::Leader(state) = &self.phase else {
            return Err(Refusal::NotTheLeader);
        };
        let members = &self.rules.members;
        let successor = state.acks.successor(members, members.me(), &self.suspects);
        self.has_resigned = true;
        Ok(Accepted::SteppedDown(successor))
    }

    fn transfer(&self, peer: NodeId, now: Moment) -> Result<Accepted, Refusal> {
        let Phase::Leader(state) = &self.phase else {
            return Err(Refusal::NotTheLeader);
        };
        let (members, span) = (&self.rules.members, self.rules.timing().election_min);
        Refusal::check_target(members, peer)?;
        if self.suspects.contains(peer) {
            Err(Refusal::TargetIsSuspected)
        } else if state.acks.is_late(members, peer, now, span) {
            Err(Refusal::TargetIsSilent)
        } else {
            Ok(Accepted::SteppedDown(Some(peer)))
        }
    }
}
