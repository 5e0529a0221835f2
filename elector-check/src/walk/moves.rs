use elector_core::{Command, ElectionAlgorithm};

use crate::{
    action::id,
    walk::{
        adversary::{Adversary, Deed, EAGER, Link, NEVER},
        world::World,
    },
};

/// What the adversary does now and then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// Crashes a node, and mostly restarts it soon.
    Crash,
    /// Crashes the leader, and mostly restarts it soon.
    CrashLeader,
    /// Has the leader hand over; sometimes another node campaigns at the same time.
    Transfer,
    /// Has the leader resign.
    Resign,
    /// Has a node campaign.
    Campaign,
    /// Loses or delays everything on some links for a while.
    Links,
    /// Cuts nodes off from what the leader sends, for about a vigil.
    Silence,
    /// Cuts one node off from the leader until it takes it for gone; then, when it campaigns, does
    /// something to another node that the lease rests on.
    Siege,
    /// Has leadership handed from node to node in quick succession; then one campaigns.
    Relay,
    /// Stops a node as SIGSTOP does, for a while.
    Freeze,
    /// Delivers what is held for a node.
    Release,
    /// Changes the rate of a clock.
    Drift,
    /// Has a node suspect a peer, proves to it that the peer is dead, or lets it hear the peer
    /// again.
    Hint,
}

impl Move {
    pub(crate) const ALL: [Self; 13] = [
        Self::Crash,
        Self::CrashLeader,
        Self::Transfer,
        Self::Resign,
        Self::Campaign,
        Self::Links,
        Self::Silence,
        Self::Siege,
        Self::Relay,
        Self::Freeze,
        Self::Release,
        Self::Drift,
        Self::Hint,
    ];
}

/// How the adversary intervenes.
impl Adversary {
    pub(super) fn intervene<A: ElectionAlgorithm>(&mut self, world: &mut World<A>) {
        let total: u32 = self.profile.weights.iter().sum();
        if total == 0 {
            return;
        }
        let mut draw = self.rng.u32(..total);
        let mut moves = Move::ALL.iter().zip(self.profile.weights);
        let chosen = moves.find(|(_, weight)| {
            let hit = draw < *weight;
            draw = draw.wrapping_sub(*weight);
            hit
        });
        if let Some((&chosen, _)) = chosen {
            self.make(chosen, world);
        }
    }

    fn make<A: ElectionAlgorithm>(&mut self, chosen: Move, world: &mut World<A>) {
        let nodes = world.machines.len();
        let (any, other) = (self.rng.usize(..nodes), self.rng.usize(..nodes));
        let now = world.now;
        match (chosen, world.leader()) {
            (Move::Crash, _) => self.crash_soon(any, now),
            (Move::CrashLeader, Some(leader)) => self.crash_soon(leader, now),
            (Move::Transfer, Some(leader)) if leader != other => {
                let command = Command::TransferTo(id(other));
                self.agenda.push((now, Deed::Command(leader, command)));
                if self.rng.u8(..3) == 0 {
                    let at = now + self.between(self.profile.flight) * 2;
                    let at = self.on_grid(at);
                    self.agenda
                        .push((at, Deed::Command(any, Command::Campaign)));
                }
            }
            (Move::Resign, Some(leader)) => {
                self.agenda
                    .push((now, Deed::Command(leader, Command::Resign)));
            }
            (Move::Campaign, _) => {
                self.agenda
                    .push((now, Deed::Command(any, Command::Campaign)));
            }
            (Move::Links, _) if self.profile.drawn.is_some() => self.change_links(nodes),
            (Move::Links, _) => self.trouble(any, other, now),
            (Move::Silence, Some(leader)) => {
                let span = self.profile.vigil + self.between((0, 2 * self.profile.stagger));
                let only = self.rng.bool().then_some(any);
                for to in (0..nodes).filter(|&to| only.is_none_or(|only| only == to)) {
                    self.mute(leader, to, now + span);
                }
            }
            (Move::Siege, Some(leader)) => self.besiege(leader, nodes, now),
            (Move::Relay, Some(_)) => self.relay(nodes, now),
            (Move::Freeze, _) => {
                let span = self.rng.u64(0..=self.profile.horizon / 3);
                self.frozen[any] = self.on_grid(now + span);
            }
            (Move::Release, _) => self.release(world, any),
            (Move::Drift, _) if self.profile.drift > 0 => {
                let drift = self.profile.drift;
                let permille = self.rng.u64(1000 - drift..=1000 + drift);
                self.agenda.push((now, Deed::Clock(any, permille)));
            }
            (Move::Hint, _) if any != other => self.agenda.push((now, Deed::Hint(any, other))),
            (
                Move::CrashLeader
                | Move::Transfer
                | Move::Resign
                | Move::Silence
                | Move::Siege
                | Move::Relay
                | Move::Drift
                | Move::Hint,
                _,
            ) => {}
        }
    }

    /// Loses what one node sends to another, until some moment.
    fn mute(&mut self, from: usize, to: usize, until: u64) {
        let nodes = self.frozen.len();
        let delay = NEVER;
        self.links[from * nodes + to] = Link { until, delay };
    }

    /// Cuts a node, the rebel, off from the leader until it takes the leader for gone, and has it
    /// campaign just after something has been done to another node, the ally, which the leader's
    /// lease may rest on. Sometimes leadership is handed over first, so that messages of an earlier
    /// tenure are under way.
    fn besiege(&mut self, mut leader: usize, nodes: usize, now: u64) {
        let mut others: Vec<usize> = (0..nodes).filter(|&node| node != leader).collect();
        self.rng.shuffle(&mut others);
        let (Some(mut rebel), ally) = (others.first().copied(), others.get(1).copied()) else {
            return;
        };
        if self.rng.bool() {
            let heir = ally.unwrap_or(rebel);
            self.agenda.push((now, Deed::HandOver(rebel)));
            (leader, rebel) = (rebel, if self.rng.bool() { leader } else { heir });
        }
        let ally = ally.filter(|&ally| ally != rebel).unwrap_or(leader);
        let last_heard = now + self.between((0, self.profile.flight.1 * 2));
        let span = self.profile.vigil + self.between((0, self.profile.stagger));
        let at = last_heard + span;
        self.mute(leader, rebel, at + self.profile.vigil);
        if self.rng.u8(..3) == 0 {
            // The ally hears nothing either, but for what reaches it at the last moment.
            let until = at - self.between((0, self.profile.vigil / 4));
            self.mute(leader, ally, until);
        }
        match self.rng.u8(..5) {
            0 => {}
            1 => self.agenda.push((at, Deed::Release(ally))),
            trick => {
                let back = at + self.between(self.profile.flight);
                self.agenda.push((at, Deed::Crash(ally)));
                self.agenda.push((back, Deed::Restart(ally)));
                if trick > 2 {
                    self.agenda.push((back + 1, Deed::Release(ally)));
                }
            }
        }
        if self.rng.bool() {
            let after = at + self.between((0, self.profile.flight.1 * 4)) + 2;
            let campaign = Deed::Command(rebel, Command::Campaign);
            self.agenda.push((after, campaign));
        }
    }

    /// Has leadership handed on a few times before followers have settled, and a node campaign.
    fn relay(&mut self, nodes: usize, now: u64) {
        let mut at = now;
        for _ in 0..self.rng.u8(2..=4) {
            let to = self.rng.usize(..nodes);
            self.agenda.push((at, Deed::HandOver(to)));
            at += self.profile.flight.1 + self.between((1, self.profile.flight.1 * 6 + 2));
        }
        let campaign = Deed::Command(self.rng.usize(..nodes), Command::Campaign);
        self.agenda.push((at, campaign));
    }

    /// Draws anew how likely the messages of one link are to be next.
    pub(super) fn change_links(&mut self, nodes: usize) {
        let link = self.rng.usize(..nodes * nodes);
        self.eager[link] = [0, 1, 4, EAGER, EAGER, 4 * EAGER][self.rng.usize(..6)];
    }

    /// Loses or delays what goes over some links, for a while.
    fn trouble(&mut self, from: usize, to: usize, now: u64) {
        let nodes = self.frozen.len();
        let until = now + self.rng.u64(0..=self.profile.horizon / 2);
        let delay = if self.rng.bool() {
            NEVER
        } else {
            self.rng.u64(0..=self.profile.late_by)
        };
        let link = Link { until, delay };
        self.links[from * nodes + to] = link;
        if self.rng.bool() {
            self.links[to * nodes + from] = link;
        }
    }

    /// Crashes a node, now or while its last words are on their way, and mostly restarts it soon:
    /// while those who heard them still count on it.
    pub(super) fn crash_soon(&mut self, node: usize, now: u64) {
        let at = now + self.between((0, self.profile.flight.1 / 2));
        let at = self.on_grid(at);
        self.agenda.push((at, Deed::Crash(node)));
        let down = match self.rng.u8(..4) {
            0 => self.between((0, self.profile.horizon / 3)),
            _ => self.between((0, self.profile.flight.1)),
        };
        let back = self.on_grid(at + down.max(1));
        self.agenda.push((back, Deed::Restart(node)));
    }
}
