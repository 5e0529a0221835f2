use super::{ElectionTimers, Phase, Rules};
use crate::{
    Attempts, Delay, ElectionAlgorithm, ExclusiveTimer, Membership, NodeId, NodeSet, Outbox,
    Settings,
};

/// When a node that does not lead campaigns, and to which leader it owes silence. `T` are the
/// timers of the algorithm, `R` is a request of a peer for support in an election.
///
/// The election timeout has two stages: a vigil of exactly `election_min`, then a random stagger. A
/// node may support another candidate once its own vigil has ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ElectionTimeout<T, R> {
    /// The elections in a row that no node won, as far as this node took part in them.
    pub attempts: Attempts,
    timer: ExclusiveTimer<T>,
    // Present only while the vigil runs.
    silence: Option<Silence<R>>,
    // The peers that hints say are gone, until they are heard again.
    suspects: NodeSet,
    // This node has resigned, and lets its next turn pass.
    resigned: bool,
}

/// The silence after a sign of life of a leader: until it ends, a node supports no other leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Silence<R> {
    // Unknown after a restart: the node may have acknowledged any leader before it.
    leader: Option<NodeId>,
    // The last request that was refused because of this silence. It is considered again when the
    // silence ends, so the first node that sees the leader gone need not ask twice.
    asked: Option<R>,
    // The host suspects that the leader is gone.
    suspected: bool,
}

impl<R> Silence<R> {
    const fn owed_to(leader: Option<NodeId>) -> Self {
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

impl<T: ElectionTimers, R: Copy> ElectionTimeout<T, R> {
    /// Of a node that owes no silence.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            attempts: Attempts::new(),
            timer: ExclusiveTimer::started(T::VIGIL),
            silence: None,
            suspects: NodeSet::new(),
            resigned: false,
        }
    }

    /// Of a node that is restarted. It may have acknowledged a heartbeat just before its crash, and
    /// the leader may still rely on that.
    #[must_use]
    pub fn restarted() -> Self {
        Self {
            silence: Some(Silence::owed_to(None)),
            ..Self::new()
        }
    }

    /// Returns `true` if the node has heard a leader less than `election_min` ago, or may have done
    /// so before a restart.
    #[must_use]
    pub fn owes_silence(&self) -> bool {
        self.silence.is_some()
    }

    /// Returns `true` if no timer runs.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.timer.running().is_none()
    }

    /// The peers that the host reported gone, until they are heard again.
    #[must_use]
    pub fn suspects(&self) -> &NodeSet {
        &self.suspects
    }

    /// The node is heard again. A leader that returns may be in another life, which leads nothing:
    /// only its next heartbeat ends the suspicion of it as the leader.
    pub fn heard(&mut self, peer: NodeId) {
        if !self.suspects.is_empty() {
            self.suspects.remove(peer);
        }
    }

    /// The node has resigned: it lets its next turn pass.
    pub fn resign(&mut self) {
        self.resigned = true;
    }

    /// The node is asked to campaign: it does not let its turn pass any more.
    pub fn stand_again(&mut self) {
        self.resigned = false;
    }

    /// Keeps a request that is refused because of the silence, until that ends.
    pub fn set_aside(&mut self, request: R) {
        if let Some(silence) = &mut self.silence {
            silence.asked = Some(request);
        }
    }

    /// The leader has stepped down: the vigil goes on, and no silence is owed in it.
    pub fn release(&mut self) {
        self.silence = None;
    }

    /// Sets this timer in place of the one that runs. No silence is owed any more.
    pub fn wait<A>(&mut self, timer: T, delay: Delay, out: &mut Outbox<A>)
    where
        A: ElectionAlgorithm<Timer = T>,
    {
        self.silence = None;
        self.timer.set(timer, delay, out);
    }

    /// Starts the election timeout from its beginning. No silence is owed any more.
    pub fn keep_vigil<A>(&mut self, rules: &Rules<A::Config>, out: &mut Outbox<A>)
    where
        A: ElectionAlgorithm<Timer = T>,
    {
        self.wait(T::VIGIL, rules.timing().vigil(), out);
    }

    /// Stops the timer that runs. No silence is owed any more.
    pub fn stop<A>(&mut self, out: &mut Outbox<A>)
    where
        A: ElectionAlgorithm<Timer = T>,
    {
        self.silence = None;
        self.timer.stop(out);
    }

    /// A leader was heard: silence is owed to it for a vigil from now on.
    pub fn follow<A>(&mut self, leader: NodeId, rules: &Rules<A::Config>, out: &mut Outbox<A>)
    where
        A: ElectionAlgorithm<Timer = T>,
    {
        self.settle();
        self.keep_vigil(rules, out);
        self.silence = Some(Silence::owed_to(Some(leader)));
    }

    /// This node was elected.
    pub fn lead<A>(&mut self, out: &mut Outbox<A>)
    where
        A: ElectionAlgorithm<Timer = T>,
    {
        self.settle();
        self.stop(out);
    }

    /// The search for a leader has ended.
    fn settle(&mut self) {
        self.attempts.settle();
        self.resigned = false;
    }

    /// The node has started: sets the timer of the vigil that every node keeps first.
    pub fn on_started<A>(&self, rules: &Rules<A::Config>, out: &mut Outbox<A>)
    where
        A: ElectionAlgorithm<Timer = T>,
    {
        // Otherwise this is not the first input.
        if self.timer.running() == Some(T::VIGIL) {
            out.set_timer(T::VIGIL, rules.timing().vigil());
        }
    }

    /// The vigil is over. The leader, if there was one, is not fresh any more, and the request that
    /// was set aside is due.
    pub fn on_vigil_timer<A, C>(
        &mut self,
        phase: &Phase<C>,
        rules: &Rules<A::Config>,
        out: &mut Outbox<A>,
    ) -> Due<R>
    where
        A: ElectionAlgorithm<Timer = T>,
    {
        if !self.timer.elapsed(T::VIGIL) {
            return Due::Nothing; // Stale.
        }
        let silence = self.silence.take();
        let asked = silence.and_then(|silence| silence.asked);
        let suspected = silence.filter(|silence| silence.suspected);
        if let Some(leader) = suspected.and_then(|silence| silence.leader) {
            return self.take_turn(leader, asked, phase, rules, out);
        }
        let stagger = rules.stagger(self.attempts.count());
        self.wait(T::STAGGER, stagger, out);
        asked.map_or(Due::Nothing, Due::Answer)
    }

    /// The wait before a campaign is over: the stagger, or another wait that `timer` ends.
    pub fn on_wait_timer<A>(
        &mut self,
        timer: T,
        rules: &Rules<A::Config>,
        out: &mut Outbox<A>,
    ) -> Due<R>
    where
        A: ElectionAlgorithm<Timer = T>,
    {
        if self.timer.running() != Some(timer) {
            return Due::Nothing; // Stale.
        }
        if self.attempts.pause() {
            let pause = rules.timing().pause(self.attempts.count());
            self.wait(T::PAUSE, pause, out);
            return Due::Nothing;
        }
        self.timer.elapsed(timer);
        if self.resigned {
            self.resigned = false;
            self.keep_vigil(rules, out);
            return Due::Nothing;
        }
        Due::Campaign
    }

    /// The host suspects that `peer` is gone. If that is the leader, the node whose turn is first
    /// asks ahead. Nothing else changes before the silence has ended, as the leader may live and
    /// hold a lease: no voter answers before, and the node does not count its own support.
    pub fn on_suspected<A, C>(
        &mut self,
        peer: NodeId,
        phase: &Phase<C>,
        rules: &Rules<A::Config>,
        out: &mut Outbox<A>,
    ) -> Due<R>
    where
        A: ElectionAlgorithm<Timer = T>,
    {
        if !self.suspect(peer, &rules.members) {
            return Due::Nothing;
        }
        let Some(silence) = &mut self.silence else {
            if self.waits_for(peer, phase) {
                return self.take_turn(peer, None, phase, rules, out);
            }
            return Due::Nothing;
        };
        if silence.leader != Some(peer) {
            return Due::Nothing;
        }
        silence.suspected = true;
        let asked = silence.asked;
        if !phase.campaigns() && self.rank(peer, asked, rules) == 0 {
            return Due::AskAhead;
        }
        Due::Nothing
    }

    /// The host has a proof that `peer` has died, or has heard nothing of it for longer than a
    /// lease. If that is the leader, this node owes it no silence any more, and campaigns when its
    /// turn comes. The others are asked as in any election.
    pub fn on_gone<A, C>(
        &mut self,
        peer: NodeId,
        phase: &Phase<C>,
        rules: &Rules<A::Config>,
        out: &mut Outbox<A>,
    ) -> Due<R>
    where
        A: ElectionAlgorithm<Timer = T>,
    {
        if !self.suspect(peer, &rules.members) {
            return Due::Nothing;
        }
        let asked = match &self.silence {
            Some(silence) if silence.leader == Some(peer) => silence.asked,
            None if self.waits_for(peer, phase) => None,
            Some(_) | None => return Due::Nothing,
        };
        self.take_turn(peer, asked, phase, rules, out)
    }

    /// Returns `false` if `peer` is no peer: a stranger has no say, and no place in the set.
    fn suspect(&mut self, peer: NodeId, members: &Membership) -> bool {
        let is_peer = members.contains(peer) && peer != members.me();
        if is_peer {
            self.suspects.insert(peer);
        }
        is_peer
    }

    /// Returns `true` if this node follows `peer`, and waits for its next sign of life.
    fn waits_for<C>(&self, peer: NodeId, phase: &Phase<C>) -> bool {
        let running = self.timer.running();
        phase.follows(peer) && (running == Some(T::VIGIL) || running == Some(T::STAGGER))
    }

    /// How many nodes go before this one when `leader` is gone. A node that has asked already is
    /// ahead of all others.
    fn rank<C: Settings>(&self, leader: NodeId, asked: Option<R>, rules: &Rules<C>) -> u32 {
        let ahead = u32::from(asked.is_some());
        rules.rank(leader, &self.suspects).saturating_add(ahead)
    }

    /// `leader` is believed to be gone, and no silence is owed to it any more: the node campaigns,
    /// now or when its turn comes, and answers the request that was set aside.
    fn take_turn<A, C>(
        &mut self,
        leader: NodeId,
        asked: Option<R>,
        phase: &Phase<C>,
        rules: &Rules<A::Config>,
        out: &mut Outbox<A>,
    ) -> Due<R>
    where
        A: ElectionAlgorithm<Timer = T>,
    {
        if phase.campaigns() {
            return Due::Resume(asked);
        }
        let rank = self.rank(leader, asked, rules);
        if rank == 0 {
            return Due::Campaign;
        }
        self.wait(T::STAGGER, rules.turn(rank), out);
        asked.map_or(Due::Nothing, Due::Answer)
    }
}

impl<T: ElectionTimers, R: Copy> Default for ElectionTimeout<T, R> {
    fn default() -> Self {
        Self::new()
    }
}
