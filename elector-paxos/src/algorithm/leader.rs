//! The leader: the value that was decided.

use elector_core::{
    Delay, Epoch, Moment, NodeId, Outbox,
    quorum::{CheckQuorum, LeaderState, Phase},
};

use crate::{Paxos, PaxosMessage, PaxosTimer, state::News};

impl Paxos {
    /// Begins the tenure. If this step sends `Learn` to all, that is the first round, as it is
    /// acknowledged like one. Otherwise no peer has been asked to acknowledge this leader yet, and
    /// the first heartbeats go out at once: the lease waits for them.
    pub(super) fn lead(&mut self, news: News, out: &mut Outbox<Self>) {
        self.timeout.lead(out);
        self.handover = None;
        let mut state = LeaderState::begin(CheckQuorum::On, &self.rules, out);
        match news {
            News::Sent => state.send_round(&self.rules, out),
            News::NotSent => out.set_timer(PaxosTimer::Heartbeat, Delay::ZERO),
        }
        self.phase = Phase::Leader(state);
    }

    pub(super) fn send_round(&mut self, out: &mut Outbox<Self>) {
        let (epoch, sent) = (self.epoch(), out.now());
        let Phase::Leader(state) = &mut self.phase else {
            return; // Stale.
        };
        state.send_round(&self.rules, out);
        out.broadcast(&PaxosMessage::Heartbeat { epoch, sent });
    }

    pub(super) fn on_heartbeat_ack(
        &mut self,
        from: NodeId,
        epoch: Epoch,
        sent: Moment,
        out: &mut Outbox<Self>,
    ) {
        if epoch > self.epoch() {
            return self.enter(epoch, out);
        }
        if epoch < self.epoch() {
            return; // Stale: of an earlier tenure.
        }
        if let Phase::Leader(state) = &mut self.phase {
            state.acknowledged(from, sent, &self.rules, out);
        } // Else it is stale: this tenure has ended.
    }

    /// A leader that no majority answers steps down at the same epoch, and never leads that epoch
    /// again (I5).
    pub(super) fn on_quorum_timer(&mut self, out: &mut Outbox<Self>) {
        self.step_down(out);
    }
}
