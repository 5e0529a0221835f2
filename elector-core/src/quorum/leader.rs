//! The leader's side: which peers acknowledge it, whether they are a quorum, and to which of them
//! it hands over.

use super::{LeaderState, Phase, QuorumElection, QuorumNode};
use crate::{Acks, Command, Delay, Moment, NodeId, NodeSet, Outbox, Refusal};

/// What the algorithm must do for a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Accepted {
    /// Campaign.
    Campaign,
    /// Call upon the heir, if there is one. This node has stepped down *first*: the election of the
    /// heir overrides the silence that protects the lease of this node, so there must be no lease
    /// left. If the heir is not elected, any node may be in a later epoch, this one too.
    SteppedDown {
        /// The peer that is to lead next.
        heir: Option<NodeId>,
    },
}

impl<A: QuorumElection> QuorumNode<A> {
    /// This node was elected. Starts the time that it may be without a quorum.
    pub fn lead(&mut self, out: &mut Outbox<A>) {
        self.settle();
        self.stop(out);
        self.elected = Some(self.me());
        self.phase = Phase::Leader(LeaderState {
            acks: Acks::new(&self.rules.members),
            heard: NodeSet::new(),
        });
        if A::has_lease(&self.rules.config) && self.rules.members.majority() > 1 {
            out.set_timer(A::QUORUM, self.rules.timing().vigil());
        }
    }

    /// Stops leading, in the same epoch. Does nothing if this node does not lead.
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

    /// The leader sends a round in this step: it acknowledges that itself, and sets the timer for
    /// the next one. Returns `false` if this node does not lead.
    pub fn begin_round(&mut self, out: &mut Outbox<A>) -> bool {
        let Phase::Leader(state) = &mut self.phase else {
            return false; // Stale.
        };
        let members = &self.rules.members;
        state.acks.record(members, members.me(), out.now());
        let heartbeat = Delay::exactly(self.rules.timing().heartbeat);
        out.set_timer(A::HEARTBEAT, heartbeat);
        true
    }

    /// A peer acknowledges the round that was sent at `sent` in the present epoch. Each time that
    /// the peers heard from make a quorum, the time that the leader may be without one begins anew.
    pub fn on_ack(&mut self, from: NodeId, sent: Moment, out: &mut Outbox<A>) {
        let Phase::Leader(state) = &mut self.phase else {
            return; // Stale: this tenure has ended.
        };
        if !state.acks.record(&self.rules.members, from, sent) {
            return; // Stale: it answers a round of an earlier tenure.
        }
        // The leader itself is one of the quorum.
        let missing = self.rules.members.majority() - 1;
        let is_checked = A::has_lease(&self.rules.config);
        if is_checked && state.heard.insert(from) && state.heard.len() >= missing {
            state.heard.clear();
            out.set_timer(A::QUORUM, self.rules.timing().vigil());
        }
    }

    /// See [`ElectionAlgorithm::lease`](crate::ElectionAlgorithm::lease). Where followers owe no
    /// silence, no round proves anything.
    #[must_use]
    pub fn lease(&self) -> Option<Moment> {
        match &self.phase {
            Phase::Leader(state) if A::has_lease(&self.rules.config) => {
                state.acks.quorum(&self.rules.members)
            }
            Phase::Leader(_) | Phase::Follower { .. } | Phase::Candidate(_) => None,
        }
    }

    /// Refuses the command, or returns what is to be done for it.
    pub fn on_command(&mut self, command: Command, out: &mut Outbox<A>) -> Option<Accepted> {
        let accepted = match command {
            Command::Campaign => self.campaign(),
            Command::Resign => self.resign(),
            Command::TransferTo(peer) => self.transfer(peer, out.now()),
        };
        match accepted {
            Ok(Accepted::SteppedDown { .. }) => self.step_down(out),
            Ok(Accepted::Campaign) => {}
            Err(refusal) => out.refuse(refusal),
        }
        accepted.ok()
    }

    fn campaign(&mut self) -> Result<Accepted, Refusal> {
        if self.leads() {
            return Err(Refusal::LeadsAlready);
        }
        if A::has_lease(&self.rules.config) && self.has_fresh_leader() {
            // The node's own support is owed silence like that of any other.
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
        let heir = state.acks.heir(members, members.me(), &self.suspects);
        self.resigned = true;
        Ok(Accepted::SteppedDown { heir })
    }

    fn transfer(&self, peer: NodeId, now: Moment) -> Result<Accepted, Refusal> {
        let Phase::Leader(state) = &self.phase else {
            return Err(Refusal::NotTheLeader);
        };
        let (members, span) = (&self.rules.members, self.rules.timing().election_min);
        Refusal::check_target(members, peer)?;
        if self.suspects.contains(peer) {
            Err(Refusal::TargetIsSuspected)
        } else if state.acks.is_overdue(members, peer, now, span) {
            Err(Refusal::TargetIsSilent)
        } else {
            Ok(Accepted::SteppedDown { heir: Some(peer) })
        }
    }
}
