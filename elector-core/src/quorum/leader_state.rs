use super::{ElectionTimers, Rules};
use crate::{
    Acks, Delay, ElectionAlgorithm, Membership, Moment, NodeId, NodeSet, Outbox, Refusal, Settings,
};

/// The leader's side: which peers acknowledge it, and whether they are a quorum.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LeaderState {
    acks: Acks,
    // The peers heard from since the last time that they made a quorum; `None` if the quorum is
    // not checked.
    heard: Option<NodeSet>,
}

/// Whether a leader steps down that no majority acknowledges, and followers keep silence for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckQuorum {
    /// It does, and has leases.
    On,
    /// It does not, and has no leases.
    Off,
}

impl LeaderState {
    /// A tenure begins. Starts the time that the leader may be without a quorum.
    #[must_use]
    pub fn begin<A>(check: CheckQuorum, rules: &Rules<A::Config>, out: &mut Outbox<A>) -> Self
    where
        A: ElectionAlgorithm<Timer: ElectionTimers>,
    {
        let heard = (check == CheckQuorum::On).then(NodeSet::new);
        if heard.is_some() && rules.members.majority() > 1 {
            out.set_timer(A::Timer::QUORUM, rules.timing().vigil());
        }
        Self {
            acks: Acks::new(&rules.members),
            heard,
        }
    }

    /// The tenure ends. Cancels the timers of the leader.
    pub fn end<A>(&self, out: &mut Outbox<A>)
    where
        A: ElectionAlgorithm<Timer: ElectionTimers>,
    {
        out.cancel_timer(A::Timer::HEARTBEAT);
        if self.heard.is_some() {
            out.cancel_timer(A::Timer::QUORUM);
        }
    }

    /// The leader sends a round in this step, and acknowledges it itself. Sets the timer for the
    /// next one.
    pub fn send_round<A>(&mut self, rules: &Rules<A::Config>, out: &mut Outbox<A>)
    where
        A: ElectionAlgorithm<Timer: ElectionTimers>,
    {
        self.acks.record(&rules.members, rules.me(), out.now());
        let heartbeat = Delay::exactly(rules.timing().heartbeat);
        out.set_timer(A::Timer::HEARTBEAT, heartbeat);
    }

    /// A peer acknowledges the round that was sent at `sent`. Each time that the peers heard from
    /// make a quorum, the time that the leader may be without one begins anew.
    pub fn acknowledged<A>(
        &mut self,
        from: NodeId,
        sent: Moment,
        rules: &Rules<A::Config>,
        out: &mut Outbox<A>,
    ) where
        A: ElectionAlgorithm<Timer: ElectionTimers>,
    {
        if !self.acks.record(&rules.members, from, sent) {
            return; // Stale: it answers a round of an earlier tenure.
        }
        // The leader itself is one of the quorum.
        let missing = rules.members.majority() - 1;
        if let Some(heard) = &mut self.heard
            && heard.insert(from)
            && heard.len() >= missing
        {
            heard.clear();
            out.set_timer(A::Timer::QUORUM, rules.timing().vigil());
        }
    }

    /// The send time of the newest round that a majority has acknowledged. `None` if the quorum is
    /// not checked: followers owe no silence then, so no round proves anything.
    #[must_use]
    pub fn lease(&self, members: &Membership) -> Option<Moment> {
        self.heard.as_ref()?;
        self.acks.quorum(members)
    }

    /// The peer to which the leader hands over when it resigns. See [`Acks::heir`].
    #[must_use]
    pub fn heir(&self, members: &Membership, suspects: &NodeSet) -> Option<NodeId> {
        self.acks.heir(members, members.me(), suspects)
    }

    /// Checks that the leader may hand over to `peer` at the time `now`.
    ///
    /// # Errors
    /// If that node is no peer, is suspected, or has not answered for `election_min`.
    pub fn check_heir<C: Settings>(
        &self,
        peer: NodeId,
        rules: &Rules<C>,
        suspects: &NodeSet,
        now: Moment,
    ) -> Result<(), Refusal> {
        let (members, span) = (&rules.members, rules.timing().election_min);
        if peer == rules.me() {
            Err(Refusal::HeirLeadsAlready)
        } else if !members.contains(peer) {
            Err(Refusal::HeirIsNoMember)
        } else if suspects.contains(peer) {
            Err(Refusal::HeirIsSuspected)
        } else if self.acks.misses(members, peer, now, span) {
            Err(Refusal::HeirIsSilent)
        } else {
            Ok(())
        }
    }
}
