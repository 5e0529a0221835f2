//! When a node that does not lead campaigns, and to which leader it owes silence.
//!
//! The election timeout has two stages: a vigil of exactly `election_min`, then a random stagger. A
//! node may support another candidate once its own vigil has ended.

use super::{Phase, QuorumElection, QuorumNode};
use crate::{Delay, NodeId, Outbox};

/// The silence after a sign of life of a leader: until it ends, a node supports no other leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Silence<R> {
    /// Unknown after a restart: the node may have acknowledged any leader before it.
    leader: Option<NodeId>,
    /// The last request that was refused because of this silence. It is considered again when the
    /// silence ends, so the first node that sees the leader gone need not ask twice.
    asked: Option<R>,
    /// The host suspects that the leader is gone.
    suspected: bool,
}

impl<R> Silence<R> {
    pub(super) const fn owed_to(leader: Option<NodeId>) -> Self {
        Self {
            leader,
            asked: None,
            suspected: false,
        }
    }
}

/// What the algorithm must do after an event of the election timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Due<R> {
    /// Nothing.
    Nothing,
    /// Ask the others for support, and count the node's own only when its silence has ended. Voters
    /// keep the question until their silence has ended, too.
    AskAhead,
    /// Campaign. The timer may still run.
    Campaign,
    /// The silence is over, and the node has asked ahead: count its own support. Then consider the
    /// request that was set aside. The timer may still run.
    Resume(Option<R>),
    /// Consider the request that was set aside.
    Answer(R),
}

impl<A: QuorumElection> QuorumNode<A> {
    /// Returns `true` if the node has heard a leader less than `election_min` ago, or may have done
    /// so before a restart.
    #[must_use]
    pub fn owes_silence(&self) -> bool {
        self.silence.is_some()
    }

    /// Returns `true` if no timer of the election timeout runs.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.timer.running().is_none()
    }

    /// The node is heard again. A leader that returns may be in another life, which leads nothing:
    /// only its next heartbeat ends the suspicion of it as the leader.
    pub fn clear_suspicion(&mut self, peer: NodeId) {
        if !self.suspects.is_empty() {
            self.suspects.remove(peer);
        }
    }

    /// The node does not let its turn pass any more.
    pub fn clear_resigned(&mut self) {
        self.resigned = false;
    }

    /// Keeps a request that is refused because of the silence, until that ends.
    pub fn set_aside(&mut self, request: A::Request) {
        if let Some(silence) = &mut self.silence {
            silence.asked = Some(request);
        }
    }

    /// The leader has stepped down: the vigil goes on, and no silence is owed in it.
    pub fn release(&mut self) {
        self.silence = None;
    }

    /// Sets this timer in place of the one that runs. No silence is owed any more.
    pub fn wait(&mut self, timer: A::Timer, delay: Delay, out: &mut Outbox<A>) {
        self.silence = None;
        self.timer.set(timer, delay, out);
    }

    /// Starts the election timeout from its beginning. No silence is owed any more.
    pub fn keep_vigil(&mut self, out: &mut Outbox<A>) {
        self.wait(A::VIGIL, self.rules.timing().vigil(), out);
    }

    /// Stops the timer that runs. No silence is owed any more.
    pub fn stop(&mut self, out: &mut Outbox<A>) {
        self.silence = None;
        self.timer.stop(out);
    }

    /// The leader of the present epoch was heard: silence is owed to it for a vigil from now on.
    pub fn follow(&mut self, leader: NodeId, out: &mut Outbox<A>) {
        self.phase = Phase::Follower {
            leader: Some(leader),
        };
        self.elected = Some(leader);
        self.settle();
        self.keep_vigil(out);
        self.silence = Some(Silence::owed_to(Some(leader)));
    }

    /// The search for a leader has ended.
    pub(super) fn settle(&mut self) {
        self.attempts.reset();
        self.resigned = false;
    }

    /// The node has started: sets the timer of the vigil that every node keeps first.
    pub fn on_started(&self, out: &mut Outbox<A>) {
        // Otherwise this is not the first input.
        if self.timer.running() == Some(A::VIGIL) {
            out.set_timer(A::VIGIL, self.rules.timing().vigil());
        }
    }

    /// The vigil is over. The leader, if there was one, is not fresh any more, and the request that
    /// was set aside is due.
    fn on_vigil_timer(&mut self, out: &mut Outbox<A>) -> Due<A::Request> {
        if !self.timer.elapsed(A::VIGIL) {
            return Due::Nothing; // Stale.
        }
        let silence = self.silence.take();
        let asked = silence.and_then(|silence| silence.asked);
        let suspected = silence.filter(|silence| silence.suspected);
        if let Some(leader) = suspected.and_then(|silence| silence.leader) {
            return self.take_turn(leader, asked, out);
        }
        let stagger = self.rules.stagger(self.attempts.count());
        self.wait(A::STAGGER, stagger, out);
        asked.map_or(Due::Nothing, Due::Answer)
    }

    /// The vigil is over, or the wait before a campaign: the stagger, or another that `timer` ends.
    pub fn on_wait_timer(&mut self, timer: A::Timer, out: &mut Outbox<A>) -> Due<A::Request> {
        if timer == A::VIGIL {
            return self.on_vigil_timer(out);
        }
        if self.timer.running() != Some(timer) {
            return Due::Nothing; // Stale.
        }
        if self.attempts.pause() {
            let pause = self.rules.timing().pause(self.attempts.count());
            self.wait(A::PAUSE, pause, out);
            return Due::Nothing;
        }
        self.timer.elapsed(timer);
        if self.resigned {
            self.resigned = false;
            self.keep_vigil(out);
            return Due::Nothing;
        }
        Due::Campaign
    }

    /// The host suspects that `peer` is gone. If that is the leader, the node whose turn is first
    /// asks ahead. Nothing else changes before the silence has ended, as the leader may live and
    /// hold a lease: no voter answers before, and the node does not count its own support. Without
    /// leases no silence is owed, and a suspicion is as good as a proof.
    pub fn on_suspected(&mut self, peer: NodeId, out: &mut Outbox<A>) -> Due<A::Request> {
        let has_lease = A::has_lease(&self.rules.config);
        match &mut self.silence {
            Some(silence) if has_lease && silence.leader == Some(peer) => {
                silence.suspected = true;
                let asked = silence.asked;
                self.suspects.insert(peer);
                if !self.campaigns() && self.rank(peer, asked) == 0 {
                    return Due::AskAhead;
                }
                Due::Nothing
            }
            // No silence is owed to this peer.
            Some(_) | None => self.on_marked_down(peer, out),
        }
    }

    /// The host has a proof that `peer` has died, or has heard nothing of it for longer than a
    /// lease. If that is the leader, this node owes it no silence any more, and campaigns when its
    /// turn comes. The others are asked as in any election.
    pub fn on_marked_down(&mut self, peer: NodeId, out: &mut Outbox<A>) -> Due<A::Request> {
        let members = &self.rules.members;
        if peer == members.me() || !members.contains(peer) {
            return Due::Nothing; // A stranger has no say, and no place among the suspects.
        }
        self.suspects.insert(peer);
        let asked = match &self.silence {
            Some(silence) if silence.leader == Some(peer) => silence.asked,
            None if self.waits_for(peer) => None,
            Some(_) | None => return Due::Nothing,
        };
        self.take_turn(peer, asked, out)
    }

    /// Returns `true` if this node follows `peer`, and waits for its next sign of life.
    fn waits_for(&self, peer: NodeId) -> bool {
        let follows = matches!(self.phase, Phase::Follower { leader } if leader == Some(peer));
        let running = self.timer.running();
        follows && (running == Some(A::VIGIL) || running == Some(A::STAGGER))
    }

    /// How many nodes go before this one when `leader` is gone. A node that has asked already is
    /// ahead of all others.
    fn rank(&self, leader: NodeId, asked: Option<A::Request>) -> u32 {
        let ahead = u32::from(asked.is_some());
        let rank = self.rules.rank(leader, &self.suspects);
        rank.saturating_add(ahead)
    }

    /// `leader` is believed to be gone, and no silence is owed to it any more: the node campaigns,
    /// now or when its turn comes, and answers the request that was set aside.
    fn take_turn(
        &mut self,
        leader: NodeId,
        asked: Option<A::Request>,
        out: &mut Outbox<A>,
    ) -> Due<A::Request> {
        if self.campaigns() {
            return Due::Resume(asked);
        }
        let rank = self.rank(leader, asked);
        if rank == 0 {
            return Due::Campaign;
        }
        self.wait(A::STAGGER, self.rules.turn(rank), out);
        asked.map_or(Due::Nothing, Due::Answer)
    }
}
