//! Decides when a node that does not lead campaigns, and to which leader it owes silence. A node
//! that owes silence to a leader supports no other node.
//!
//! The election timeout has two parts: a vigil of exactly `election_min`, then a stagger of random
//! length. A node may support another candidate once its own vigil has ended.

use super::{Phase, QuorumElection, QuorumNode};
use crate::{Delay, NodeId, Outbox};

/// The silence that a node owes after a sign of life of a leader: until the silence ends, the node
/// supports no other leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Silence<R> {
    /// The leader that the silence is owed to. `None` after a restart: the node may have
    /// acknowledged any leader before the restart.
    leader: Option<NodeId>,
    /// The last request for support that this node rejected because of this silence. The node
    /// considers the request again when the silence ends, so the first node that sees the leader
    /// fail need not ask twice.
    asked: Option<R>,
    /// Whether the host suspects that the leader has failed.
    is_suspected: bool,
}

impl<R> Silence<R> {
    pub(super) const fn owed_to(leader: Option<NodeId>) -> Self {
        Self {
            leader,
            asked: None,
            is_suspected: false,
        }
    }
}

/// What the algorithm must do after an event of the election timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Due<R> {
    /// Do nothing.
    Nothing,
    /// Ask the other nodes for support now, although this node still owes
    /// [silence](QuorumNode::owes_silence) to the last leader. Count the node's own support only
    /// when its silence has ended. Each voter keeps the request for support until its own silence
    /// has ended, and answers then.
    AskAhead,
    /// Campaign: try to be elected now. The timer of the election timeout may still run.
    Campaign,
    /// The [silence](QuorumNode::owes_silence) that this node owed has ended, and the node has
    /// already asked for support (see [`AskAhead`](Self::AskAhead)): count the node's own support.
    /// Then consider this request of a peer, if there is one: the node has kept it during the
    /// silence. The timer of the election timeout may still run.
    Resume(Option<R>),
    /// The [silence](QuorumNode::owes_silence) that this node owed has ended: consider this request
    /// of a peer for support, which the node has kept during the silence.
    Answer(R),
}

impl<A: QuorumElection> QuorumNode<A> {
    /// Returns `true` if this node owes a leader silence, which means that it supports no other
    /// node: it received a sign of life of the leader less than `election_min` ago, or may have
    /// received one before a restart.
    #[must_use]
    pub fn owes_silence(&self) -> bool {
        self.silence.is_some()
    }

    /// Returns `true` if no timer of the election timeout runs.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.timer.running().is_none()
    }

    /// Removes `peer` from the suspects, because the node receives messages from it again. If the
    /// peer is the leader that this node owes [silence](Self::owes_silence) to, the node still
    /// treats the leader as suspected until the next heartbeat of the leader. The reason is that
    /// the peer may have returned in another life (a new process), which does not lead.
    pub fn clear_suspicion(&mut self, peer: NodeId) {
        if !self.suspects.is_empty() {
            self.suspects.remove(peer);
        }
    }

    /// Lets the node campaign at the end of its next wait, although it has resigned as the leader.
    /// Without this call, the node would skip one campaign.
    pub fn clear_resigned(&mut self) {
        self.has_resigned = false;
    }

    /// Lets the node skip one campaign, because it has resigned as the leader. The algorithm calls
    /// this method if it has transferred the leadership in place of a resignation.
    pub fn set_resigned(&mut self) {
        self.has_resigned = true;
    }

    /// Keeps this request of a peer for support, which the node rejects because of the
    /// [silence](Self::owes_silence) that it owes to a leader. The node considers the request again
    /// when the silence ends.
    pub fn set_aside(&mut self, request: A::Request) {
        if let Some(silence) = &mut self.silence {
            silence.asked = Some(request);
        }
    }

    /// Ends the [silence](Self::owes_silence) that the node owes, because the leader has stepped
    /// down. The timer of the vigil (the first part of the election timeout) continues to run.
    pub fn release(&mut self) {
        self.silence = None;
    }

    /// Sets `timer`, and cancels the timer of the election timeout that runs now. The node owes no
    /// [silence](Self::owes_silence) any more.
    pub fn wait(&mut self, timer: A::Timer, delay: Delay, out: &mut Outbox<A>) {
        self.silence = None;
        self.timer.set(timer, delay, out);
    }

    /// Starts the election timeout from its beginning, which is the vigil of `election_min`. The
    /// node owes no [silence](Self::owes_silence) any more.
    pub fn keep_vigil(&mut self, out: &mut Outbox<A>) {
        self.wait(A::VIGIL, self.rules.timing().vigil(), out);
    }

    /// Stops the timer of the election timeout. The node owes no [silence](Self::owes_silence) any
    /// more.
    pub fn stop(&mut self, out: &mut Outbox<A>) {
        self.silence = None;
        self.timer.stop(out);
    }

    /// Records a sign of life of the leader of the current epoch: from now on, the node owes this
    /// leader [silence](Self::owes_silence) for one vigil, which is `election_min`.
    pub fn follow(&mut self, leader: NodeId, out: &mut Outbox<A>) {
        self.phase = Phase::Follower {
            leader: Some(leader),
        };
        self.elected = Some(leader);
        self.settle();
        self.keep_vigil(out);
        self.silence = Some(Silence::owed_to(Some(leader)));
    }

    /// Forgets the failed elections, and that this node has resigned, because there is a leader.
    pub(super) fn settle(&mut self) {
        self.attempts.reset();
        self.has_resigned = false;
    }

    /// Handles the start of the node: sets the timer of the vigil (the first part of the election
    /// timeout), with which every node begins.
    pub fn on_started(&self, out: &mut Outbox<A>) {
        // If another timer runs, or no timer runs, this is not the first input of the node.
        if self.timer.running() == Some(A::VIGIL) {
            out.set_timer(A::VIGIL, self.rules.timing().vigil());
        }
    }

    /// Handles the end of the vigil, the first part of the election timeout. The node owes no
    /// [silence](Self::owes_silence) to the leader any more, and the request that it kept during
    /// the silence is due.
    fn on_vigil_timer(&mut self, out: &mut Outbox<A>) -> Due<A::Request> {
        if !self.timer.elapsed(A::VIGIL) {
            return Due::Nothing; // Stale.
        }
        let silence = self.silence.take();
        let asked = silence.and_then(|silence| silence.asked);
        let suspected = silence.filter(|silence| silence.is_suspected);
        if let Some(leader) = suspected.and_then(|silence| silence.leader) {
            return self.take_turn(leader, asked, out);
        }
        let stagger = self.rules.stagger(self.attempts.count());
        self.wait(A::STAGGER, stagger, out);
        asked.map_or(Due::Nothing, Due::Answer)
    }

    /// Handles the end of the wait that `timer` measures: the first part of the election timeout
    /// (vigil), its random part (stagger), or another wait before a campaign.
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
        if self.has_resigned || self.never_leads() {
            self.has_resigned = false;
            self.keep_vigil(out);
            return Due::Nothing;
        }
        Due::Campaign
    }

    /// Handles a suspicion of `peer`, which may be wrong. If the peer is the leader, the node that
    /// has the first turn to campaign asks the other nodes for support ahead ([`Due::AskAhead`]).
    /// Nothing else changes before the [silence](Self::owes_silence) has ended that this node owes
    /// to the leader, because the leader may be alive and hold a lease. Each voter answers only
    /// after its own silence has ended, and the node counts its own support only after its own
    /// silence has ended. Without leases no silence is owed, and a suspicion has the same effect as
    /// a proof of death.
    pub fn on_suspected(&mut self, peer: NodeId, out: &mut Outbox<A>) -> Due<A::Request> {
        let has_lease = A::has_lease(&self.rules.config);
        match &mut self.silence {
            Some(silence) if has_lease && silence.leader == Some(peer) => {
                silence.is_suspected = true;
                let asked = silence.asked;
                self.suspects.insert(peer);
                let is_first = !self.campaigns() && self.rank(peer, asked) == 0;
                match is_first && !self.never_leads() {
                    true => Due::AskAhead,
                    false => Due::Nothing,
                }
            }
            // The node owes this peer no silence (it may support another node).
            Some(_) | None => self.on_marked_down(peer, out),
        }
    }

    /// Handles a proof that `peer` has died, or a report that nothing was received from it for
    /// longer than a lease. If the peer is the leader, this node owes it no
    /// [silence](Self::owes_silence) any more, and campaigns when its turn comes
    /// ([`Rules::turn`](super::Rules::turn)). When the node campaigns, it asks the other nodes for
    /// their support as in any election.
    pub fn on_marked_down(&mut self, peer: NodeId, out: &mut Outbox<A>) -> Due<A::Request> {
        if !self.rules.members.has_peer(peer) {
            return Due::Nothing; // Not a peer: it cannot be a suspect.
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

    /// Returns how many nodes campaign before this node when `leader` fails. `asked` is a request
    /// for support of another node, if this node has kept one: the node that has sent it campaigns
    /// before all others.
    fn rank(&self, leader: NodeId, asked: Option<A::Request>) -> u32 {
        let ahead = u32::from(asked.is_some());
        let rank = self.rules.rank(leader, &self.suspects);
        rank.saturating_add(ahead)
    }

    /// Decides what this node does after `leader` has failed, when this node owes it no
    /// [silence](Self::owes_silence) any more. The node campaigns, now or when its turn comes
    /// ([`Rules::turn`](super::Rules::turn)). It also considers `asked`, the request of a peer that
    /// it has kept during the silence.
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
        if rank == 0 && !self.never_leads() {
            return Due::Campaign;
        }
        self.wait(A::STAGGER, self.rules.turn(rank), out);
        asked.map_or(Due::Nothing, Due::Answer)
    }
}
