use std::sync::Arc;

use elector_core::{Command, ElectionAlgorithm, log::Request};

use crate::{
    action::id,
    walk::{
        adversary::{Adversary, LinkFault, NEVER, NORMAL_WEIGHT, Planned},
        cluster::Cluster,
    },
};

/// How the adversary can disturb the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// Crashes a node and restarts it, mostly soon after the crash.
    Crash,
    /// Crashes the leader and restarts it, mostly soon after the crash.
    CrashLeader,
    /// Commands the leader to transfer leadership. Sometimes commands a node to campaign shortly
    /// after that.
    Transfer,
    /// Commands the leader to resign.
    Resign,
    /// Commands a node to campaign.
    Campaign,
    /// Loses or delays all messages on one link, or on both links between two nodes, for a while.
    /// In a walk that draws each next event at random, changes the probability weight of one link
    /// instead.
    DisturbLinks,
    /// Loses the messages of the leader to one node or to all nodes, for at least a vigil, which is
    /// the fixed first part of the election timeout (`election_min`).
    MuteLeader,
    /// Loses the messages of the leader to one node at least until the election timeout of that
    /// node ends. At the moment at which that node then campaigns, mostly disturbs another node, on
    /// which the lease of the leader depends.
    Isolate,
    /// Transfers leadership from node to node in quick succession. Then one node campaigns.
    TransferChain,
    /// Pauses a node for a while, as SIGSTOP does.
    Pause,
    /// Delivers some of the messages to a node that the adversary has held back so far.
    Release,
    /// Changes the rate of a clock.
    Drift,
    /// Gives a node a hint about a peer: a suspicion, a proof of death, or the report that messages
    /// of the peer arrive again.
    Hint,
}

impl Move {
    pub(crate) const ALL: [Self; 13] = [
        Self::Crash,
        Self::CrashLeader,
        Self::Transfer,
        Self::Resign,
        Self::Campaign,
        Self::DisturbLinks,
        Self::MuteLeader,
        Self::Isolate,
        Self::TransferChain,
        Self::Pause,
        Self::Release,
        Self::Drift,
        Self::Hint,
    ];
}

/// The methods that plan and begin the disturbances of the cluster.
impl Adversary {
    pub(super) fn disturb<A: ElectionAlgorithm>(&mut self, cluster: &mut Cluster<A>) {
        self.propose(cluster);
        if !self.changes.is_empty()
            && self.rng.u8(..3) == 0
            && let Some(leader) = cluster.leader()
        {
            let change = self.changes[self.rng.usize(..self.changes.len())].clone();
            return self.plan_command(cluster.now, leader, Command::ChangeMembers(change));
        }
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
            self.make_move(chosen, cluster);
        }
    }

    /// Commands each node that leads to append up to two requests to its log, if the algorithm has
    /// a log.
    fn propose<A: ElectionAlgorithm>(&mut self, cluster: &Cluster<A>) {
        for (node, machine) in cluster.machines.iter().enumerate() {
            let life = machine.life.as_ref();
            let algorithm = life.map(|life| life.process.driver().algorithm());
            if !algorithm.is_some_and(|node| node.log().is_some() && node.view().leads()) {
                continue;
            }
            for _ in 0..self.rng.u8(..3) {
                self.requests += 1;
                let request = Request {
                    client: id(node).0,
                    sequence: self.requests,
                    command: Arc::default(),
                };
                self.plan_command(cluster.now, node, Command::Propose(request));
            }
        }
    }

    fn make_move<A: ElectionAlgorithm>(&mut self, chosen: Move, cluster: &mut Cluster<A>) {
        let nodes = cluster.machines.len();
        let (any, other) = (self.rng.usize(..nodes), self.rng.usize(..nodes));
        let now = cluster.now;
        match (chosen, cluster.leader()) {
            (Move::Crash, _) => self.crash_soon(any, now),
            (Move::CrashLeader, Some(leader)) => self.crash_soon(leader, now),
            (Move::Transfer, Some(leader)) if leader != other => {
                self.plan_command(now, leader, Command::TransferTo(id(other)));
                if self.rng.u8(..3) == 0 {
                    let at = now + self.between(self.profile.flight) * 2;
                    let at = self.on_grid(at);
                    self.plan_command(at, any, Command::Campaign);
                }
            }
            (Move::Resign, Some(leader)) => self.plan_command(now, leader, Command::Resign),
            (Move::Campaign, _) => self.plan_command(now, any, Command::Campaign),
            (Move::DisturbLinks, _) if self.profile.drawn.is_some() => {
                self.redraw_link_weight(nodes);
            }
            (Move::DisturbLinks, _) => self.disturb_link(any, other, now),
            (Move::MuteLeader, Some(leader)) => {
                let span = self.profile.vigil + self.between((0, 2 * self.profile.stagger));
                let only = self.rng.bool().then_some(any);
                for to in (0..nodes).filter(|&to| only.is_none_or(|only| only == to)) {
                    self.mute(leader, to, now + span);
                }
            }
            (Move::Isolate, Some(leader)) => self.isolate(leader, nodes, now),
            (Move::TransferChain, Some(_)) => self.chain_transfers(nodes, now),
            (Move::Pause, _) => {
                let span = self.rng.u64(0..=self.profile.horizon / 3);
                self.paused_until[any] = self.on_grid(now + span);
            }
            (Move::Release, _) => self.release(cluster, any),
            (Move::Drift, _) if self.profile.drift > 0 => {
                let drift = self.profile.drift;
                let permille = self.rng.u64(1000 - drift..=1000 + drift);
                self.plan.push((now, Planned::Clock(any, permille)));
            }
            (Move::Hint, _) if any != other => self.plan.push((now, Planned::Hint(any, other))),
            (
                Move::CrashLeader
                | Move::Transfer
                | Move::Resign
                | Move::MuteLeader
                | Move::Isolate
                | Move::TransferChain
                | Move::Drift
                | Move::Hint,
                _,
            ) => {}
        }
    }

    /// Loses all messages from one node to another until the moment `until`.
    fn mute(&mut self, from: usize, to: usize, until: u64) {
        let nodes = self.paused_until.len();
        let delay = NEVER;
        self.link_faults[from * nodes + to] = LinkFault { until, delay };
    }

    /// Makes the move [`Move::Isolate`]. One node is the challenger: it receives no message of the
    /// leader at least until its election timeout ends, and then campaigns. Another node is the
    /// supporter: the lease of the leader may depend on it. When the challenger campaigns, this
    /// method mostly disturbs the supporter: by a crash and a restart, by messages that were held
    /// back, or by both. Sometimes it commands the challenger to campaign again just after that.
    /// Sometimes it transfers leadership first, so that messages of an earlier tenure are in
    /// flight.
    fn isolate(&mut self, mut leader: usize, nodes: usize, now: u64) {
        let mut others: Vec<usize> = (0..nodes).filter(|&node| node != leader).collect();
        self.rng.shuffle(&mut others);
        let (Some(mut challenger), supporter) = (others.first().copied(), others.get(1).copied())
        else {
            return;
        };
        if self.rng.bool() {
            let successor = supporter.unwrap_or(challenger);
            self.plan.push((now, Planned::TransferTo(challenger)));
            (leader, challenger) = (challenger, if self.rng.bool() { leader } else { successor });
        }
        let supporter = supporter
            .filter(|&supporter| supporter != challenger)
            .unwrap_or(leader);
        let last_received = now + self.between((0, self.profile.flight.1 * 2));
        let span = self.profile.vigil + self.between((0, self.profile.stagger));
        let at = last_received + span;
        self.mute(leader, challenger, at + self.profile.vigil);
        if self.rng.u8(..3) == 0 {
            // The challenger is the node that is cut off. The supporter is another node, whose
            // answers may keep the leader's lease. It receives nothing from the leader either,
            // until shortly before the challenger campaigns.
            let until = at - self.between((0, self.profile.vigil / 4));
            self.mute(leader, supporter, until);
        }
        match self.rng.u8(..5) {
            0 => {}
            1 => self.plan.push((at, Planned::Release(supporter))),
            draw => {
                let back = at + self.between(self.profile.flight);
                self.plan.push((at, Planned::Crash(supporter)));
                self.plan.push((back, Planned::Restart(supporter)));
                if draw > 2 {
                    self.plan.push((back + 1, Planned::Release(supporter)));
                }
            }
        }
        if self.rng.bool() {
            let after = at + self.between((0, self.profile.flight.1 * 4)) + 2;
            self.plan_command(after, challenger, Command::Campaign);
        }
    }

    /// Transfers leadership a few times, so soon after each other that the followers have often not
    /// received a heartbeat of the new leader yet. Then commands a node to campaign.
    fn chain_transfers(&mut self, nodes: usize, now: u64) {
        let mut at = now;
        for _ in 0..self.rng.u8(2..=4) {
            let to = self.rng.usize(..nodes);
            self.plan.push((at, Planned::TransferTo(to)));
            at += self.profile.flight.1 + self.between((1, self.profile.flight.1 * 6 + 2));
        }
        let node = self.rng.usize(..nodes);
        self.plan_command(at, node, Command::Campaign);
    }

    fn plan_command(&mut self, at: u64, node: usize, command: Command) {
        self.plan.push((at, Planned::Command(node, command)));
    }

    /// Draws a new weight for the messages of one link in the random choice of the next event.
    pub(super) fn redraw_link_weight(&mut self, nodes: usize) {
        let link = self.rng.usize(..nodes * nodes);
        self.link_weights[link] =
            [0, 1, 4, NORMAL_WEIGHT, NORMAL_WEIGHT, 4 * NORMAL_WEIGHT][self.rng.usize(..6)];
    }

    /// Loses or delays the messages on one link for a while, or on both links between two nodes.
    fn disturb_link(&mut self, from: usize, to: usize, now: u64) {
        let nodes = self.paused_until.len();
        let until = now + self.rng.u64(0..=self.profile.horizon / 2);
        let delay = if self.rng.bool() {
            NEVER
        } else {
            self.rng.u64(0..=self.profile.late_by)
        };
        let link = LinkFault { until, delay };
        self.link_faults[from * nodes + to] = link;
        if self.rng.bool() {
            self.link_faults[to * nodes + from] = link;
        }
    }

    /// Plans a crash of a node, at once or while the last messages of the node are in flight, and
    /// plans a restart. Mostly the node restarts so soon that the receivers of these messages still
    /// rely on them.
    pub(super) fn crash_soon(&mut self, node: usize, now: u64) {
        let at = now + self.between((0, self.profile.flight.1 / 2));
        let at = self.on_grid(at);
        self.plan.push((at, Planned::Crash(node)));
        let down = match self.rng.u8(..4) {
            0 => self.between((0, self.profile.horizon / 3)),
            _ => self.between((0, self.profile.flight.1)),
        };
        let back = self.on_grid(at + down.max(1));
        self.plan.push((back, Planned::Restart(node)));
    }
}
