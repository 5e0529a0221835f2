use elector_core::{Command, ElectionAlgorithm};
use fastrand::Rng;

use crate::{
    action::id,
    walk::{
        branch::Branch,
        cluster::{Cluster, InFlight},
        event::{Event, Line},
    },
};

/// A rush tries random continuations of a walk from one moment on. No time passes in these
/// continuations, so a lease that is held at that moment stays held. So a rush tries many orders of
/// events in which a new election competes with this lease. Random delays would rarely cause these
/// orders.
///
/// A continuation consists of a few moves: for example a node restarts, a late message arrives, or
/// leadership is transferred. After each move, the continuation applies some of the effects of the
/// move, which are the events that the move has caused. One node is the challenger. At the end the
/// challenger campaigns once or twice, and enough effects follow for an election.
pub(crate) struct Rush<A: ElectionAlgorithm> {
    rng: Rng,
    /// The messages that arrived or were lost before the rush, the oldest first.
    past: Vec<InFlight<A::Message>>,
    /// The number of continuations that the rush tries.
    tries: u32,
    /// The total number of events in the continuations that the rush has tried.
    pub(crate) events: u64,
}

/// The maximum number of moves (such as a restart, a late message or a transfer) of a continuation
/// before its last part, in which one node campaigns: see [`Rush`].
const MAX_MOVES: u32 = 4;
/// The possible limits for the number of effects (caused events) that follow a move of a [`Rush`].
/// One of them is drawn for each move.
const EFFECT_LIMITS: [u32; 4] = [0, 3, 12, MAX_EFFECTS];
/// The maximum number of effects (caused events) that follow when the challenger of a [`Rush`]
/// campaigns. This is enough for an election.
const MAX_EFFECTS: u32 = 24;
/// The maximum number of times that the challenger of a [`Rush`] campaigns at the end of a
/// continuation.
const MAX_CAMPAIGNS: u32 = 2;
/// How many past messages of its own events a continuation of a [`Rush`] keeps. A past message has
/// arrived or is lost, and may arrive again.
const KEPT_MESSAGES: usize = 16;
/// The maximum number of late messages of one link that arrive directly one after the other.
const MAX_MESSAGES_AT_ONCE: usize = 4;

impl<A: ElectionAlgorithm> Rush<A> {
    pub(crate) fn new(rng: Rng, tries: u32) -> Self {
        Self {
            rng,
            past: Vec::new(),
            tries,
            events: 0,
        }
    }

    /// Tries continuations of `cluster`. Returns the events of the first continuation that violates
    /// an invariant, as lines with the numbers from `first` on. Returns `None` if no continuation
    /// violates an invariant.
    pub(crate) fn search(
        &mut self,
        cluster: &Cluster<A>,
        first: u32,
    ) -> Option<Vec<Line<A::Timer>>> {
        let mut root = cluster.clone();
        self.past = std::mem::take(&mut root.past).into();
        root.kept = KEPT_MESSAGES;
        (0..self.tries).find_map(|_| {
            let mut branch = Branch {
                cluster: root.clone(),
                lines: Vec::new(),
                first,
            };
            self.extend(&mut branch);
            self.events += branch.lines.len() as u64;
            let violation = branch.cluster.violation;
            violation.is_some().then_some(branch.lines)
        })
    }

    fn extend(&mut self, branch: &mut Branch<A>) {
        let nodes = branch.cluster.machines.len();
        let challenger = self.rng.usize(..nodes);
        for _ in 0..self.rng.u32(0..=MAX_MOVES) {
            let to = self.rng.usize(..nodes);
            let link = (self.other_than(to, branch), to);
            let cause = branch.next();
            self.make_move(branch, challenger, link);
            let group = self.group(nodes, &[link.0, link.1]);
            let events = EFFECT_LIMITS[self.rng.usize(..EFFECT_LIMITS.len())];
            self.apply_effects(branch, cause, events, &group);
        }
        for _ in 0..self.rng.u32(1..=MAX_CAMPAIGNS) {
            let (cause, group) = (branch.next(), self.group(nodes, &[]));
            self.advance(branch, challenger);
            self.apply_effects(branch, cause, MAX_EFFECTS, &group);
        }
    }

    /// Draws a group of nodes that exchange messages for a while. Mostly the group is a majority,
    /// so that an election can succeed although the other nodes do not take part. The nodes `among`
    /// are in the group.
    fn group(&mut self, nodes: usize, among: &[usize]) -> Vec<bool> {
        let mut order: Vec<usize> = (0..nodes).collect();
        self.rng.shuffle(&mut order);
        order.sort_by_key(|node| !among.contains(node));
        let size = match self.rng.u8(..4) {
            0 => nodes,
            _ => nodes / 2 + 1,
        };
        group_of(nodes, &order[..size])
    }

    fn make_move(&mut self, branch: &mut Branch<A>, challenger: usize, link: (usize, usize)) {
        let (_, node) = link;
        match self.rng.u8(..8) {
            0..2 => {
                branch.apply(Event::Crashed { node });
                if self.rng.bool() {
                    self.report_down(branch, node);
                }
                branch.apply(Event::Restarted { node });
                if self.rng.bool() {
                    self.deliver_late(branch, link);
                }
            }
            2..5 => self.deliver_late(branch, link),
            5 => {
                self.transfer_away(branch);
            }
            6 => self.transfer_back(branch),
            _ => self.advance(branch, challenger),
        }
    }

    /// Gives some nodes a suspicion or a proof of death about a node that is down.
    fn report_down(&mut self, branch: &mut Branch<A>, down: usize) {
        for node in 0..branch.cluster.machines.len() {
            if self.rng.bool() {
                let peer = id(down);
                branch.apply(match self.rng.bool() {
                    true => Event::Died { node, peer },
                    false => Event::Suspected { node, peer },
                });
            }
        }
    }

    /// Draws a node other than `node`. Returns `node` itself if it is the only node.
    fn other_than(&mut self, node: usize, branch: &Branch<A>) -> usize {
        let nodes = branch.cluster.machines.len();
        (node + self.rng.usize(1..nodes.max(2))) % nodes
    }

    /// Transfers leadership from the leader to another node, the successor. Mostly continues until
    /// a majority has elected the successor, and stops before the followers receive the first
    /// heartbeat of the successor. Returns the leader and the successor, or `None` if no node
    /// leads.
    fn transfer_away(&mut self, branch: &mut Branch<A>) -> Option<(usize, usize)> {
        let leader = branch.cluster.leader()?;
        let successor = self.other_than(leader, branch);
        self.transfer(branch, leader, successor);
        Some((leader, successor))
    }

    /// Transfers leadership from the leader to another node and back again. So messages of the
    /// first tenure of the leader may be in flight in its second tenure.
    fn transfer_back(&mut self, branch: &mut Branch<A>) {
        if let Some((leader, successor)) = self.transfer_away(branch)
            && branch.cluster.leader() == Some(successor)
        {
            self.transfer(branch, successor, leader);
        }
    }

    fn transfer(&mut self, branch: &mut Branch<A>, node: usize, successor: usize) {
        let cause = branch.next();
        let command = Command::TransferTo(id(successor));
        branch.apply(Event::Commanded { node, command });
        let nodes = branch.cluster.machines.len();
        let (pair, group) = (
            group_of(nodes, &[node, successor]),
            self.group(nodes, &[successor]),
        );
        let events = MAX_EFFECTS * u32::from(self.rng.u8(..4) > 0);
        for _ in 0..events {
            if branch.cluster.leader() == Some(successor) {
                // The successor leads. If the algorithm sends the first round of heartbeats by a
                // timer that is due now, let this timer elapse.
                for (_, event) in branch.due(successor) {
                    branch.apply(event);
                }
                return;
            }
            let asked = branch.cluster.is_candidate(successor);
            if !self.apply_effect(branch, cause, if asked { &group } else { &pair }) {
                return;
            }
        }
    }

    /// Delivers a few messages of one link. These messages are still in flight, or they have
    /// arrived or were lost before.
    fn deliver_late(&mut self, branch: &mut Branch<A>, (from, to): (usize, usize)) {
        let link = |sent: &&InFlight<A::Message>| (sent.from, sent.to) == (from, to);
        let cluster = &branch.cluster;
        let known = self
            .past
            .iter()
            .chain(&cluster.past)
            .chain(&cluster.in_flight);
        let late = known.filter(link);
        let count = late.clone().count();
        if count == 0 {
            return;
        }
        let first = self.rng.usize(..count);
        // One message is the most likely number of messages, because the second message may make
        // the effect of the first one harmless.
        let most = self.rng.usize(1..=MAX_MESSAGES_AT_ONCE);
        let messages = most.min(self.rng.usize(1..=MAX_MESSAGES_AT_ONCE));
        let late: Vec<_> = late.skip(first).take(messages).cloned().collect();
        for sent in late {
            let message = sent.id;
            if !branch.cluster.can_arrive(to, message) {
                branch.cluster.past.push_back(sent);
            }
            branch.apply(Event::Received { node: to, message });
        }
    }

    /// Makes a node act, by a timer that is due or by a command to campaign. If the node leads,
    /// makes another node act.
    fn advance(&mut self, branch: &mut Branch<A>, node: usize) {
        let leads = branch.cluster.leader() == Some(node);
        let node = if leads {
            self.other_than(node, branch)
        } else {
            node
        };
        let due = self.rng.choice(branch.due(node));
        let command = Command::Campaign;
        let campaign = Event::Commanded { node, command };
        let timer = due.filter(|_| self.rng.u8(..4) > 0);
        branch.apply(timer.map_or(campaign, |(_, event)| event));
    }

    /// Applies at most `events` events, one after the other, each of which was caused by the line
    /// `cause` or by a later line.
    fn apply_effects(&mut self, branch: &mut Branch<A>, cause: u32, events: u32, group: &[bool]) {
        for _ in 0..events {
            if !self.apply_effect(branch, cause, group) {
                return;
            }
        }
    }

    fn apply_effect(&mut self, branch: &mut Branch<A>, cause: u32, group: &[bool]) -> bool {
        let event = self.next_effect(branch, cause, group);
        let is_some = event.is_some();
        event.into_iter().for_each(|event| branch.apply(event));
        is_some
    }

    /// Draws an event that was caused by the line `cause` of the schedule or by a later line: a
    /// message between nodes of `group` that arrives, or a timer that elapses on a node of `group`.
    /// In half of the draws, only events that the newest line caused are possible.
    fn next_effect(
        &mut self,
        branch: &Branch<A>,
        cause: u32,
        group: &[bool],
    ) -> Option<Event<A::Timer>> {
        let mut events: Vec<_> = branch.arriving(group).collect();
        let nodes = (0..group.len()).filter(|&node| group[node]);
        events.extend(nodes.flat_map(|node| branch.due(node)));
        events.retain(|&(line, _)| line >= cause);
        let newest = events.iter().map(|&(line, _)| line).max()?;
        if self.rng.bool() {
            events.retain(|&(line, _)| line == newest);
        }
        self.rng.choice(events).map(|(_, event)| event)
    }
}

/// Returns a list with `true` for exactly these nodes, by position.
fn group_of(nodes: usize, group: &[usize]) -> Vec<bool> {
    (0..nodes).map(|node| group.contains(&node)).collect()
}
