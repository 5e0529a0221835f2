use elector_core::{Command, ElectionAlgorithm};
use fastrand::Rng;

use crate::{
    action::id,
    walk::{
        event::{Event, Line},
        path::Path,
        world::{Flying, World},
    },
};

/// Random continuations from one moment of a walk, in which no time passes. A lease that is held
/// stays held, so that races against it are tried in many orders, which delays drawn at random
/// would hit too seldom.
///
/// A continuation is a few moves: a node is restarted, a message that is late arrives, leadership
/// is transferred. What a move has caused goes on for a while. One node is the rebel: at last it is
/// made to campaign, once or again after a rejection, and what that causes goes on until an
/// election has got through.
pub(crate) struct Rush<A: ElectionAlgorithm> {
    rng: Rng,
    /// What has arrived or was lost before, the oldest first.
    past: Vec<Flying<A::Message>>,
    /// How many continuations.
    tries: u32,
    /// How many events they had in all.
    pub(crate) events: u64,
}

/// The most moves before the last.
const MOST_MOVES: u32 = 4;
/// How many events may follow a move, at most.
const FOLLOWING: [u32; 4] = [0, 3, 12, LONGEST];
/// How many may follow the last move: an election gets through.
const LONGEST: u32 = 24;
/// How often the rebel campaigns at the end, at most.
const MOST_PUSHES: u32 = 2;
/// How many of its own past messages a continuation keeps, so that they may arrive again.
const KEPT: usize = 16;
/// How many messages of a link arrive at once, at most.
const MOST_AT_ONCE: usize = 4;

impl<A: ElectionAlgorithm> Rush<A> {
    pub(crate) fn new(rng: Rng, tries: u32) -> Self {
        Self {
            rng,
            past: Vec::new(),
            tries,
            events: 0,
        }
    }

    /// Tries continuations of `world`. Returns the lines of the first that breaks a promise; they
    /// are numbered from `first`.
    pub(crate) fn search(&mut self, world: &World<A>, first: u32) -> Option<Vec<Line<A::Timer>>> {
        let mut root = world.clone();
        self.past = std::mem::take(&mut root.past).into();
        root.kept = KEPT;
        (0..self.tries).find_map(|_| {
            let mut path = Path {
                world: root.clone(),
                lines: Vec::new(),
                first,
            };
            self.hurry(&mut path);
            self.events += path.lines.len() as u64;
            path.world.broken.is_some().then_some(path.lines)
        })
    }

    fn hurry(&mut self, path: &mut Path<A>) {
        let nodes = path.world.machines.len();
        let rebel = self.rng.usize(..nodes);
        for _ in 0..self.rng.u32(0..=MOST_MOVES) {
            let to = self.rng.usize(..nodes);
            let link = (self.other_than(to, path), to);
            let cause = path.next();
            self.make_move(path, rebel, link);
            let side = self.side(nodes, &[link.0, link.1]);
            let events = FOLLOWING[self.rng.usize(..FOLLOWING.len())];
            self.follow(path, cause, events, &side);
        }
        for _ in 0..self.rng.u32(1..=MOST_PUSHES) {
            let (cause, side) = (path.next(), self.side(nodes, &[]));
            self.push(path, rebel);
            self.follow(path, cause, LONGEST, &side);
        }
    }

    /// The nodes that hear each other for a while: mostly a majority that is drawn, so that an
    /// election gets through behind the backs of the others. These nodes are among them.
    fn side(&mut self, nodes: usize, among: &[usize]) -> Vec<bool> {
        let mut order: Vec<usize> = (0..nodes).collect();
        self.rng.shuffle(&mut order);
        order.sort_by_key(|node| !among.contains(node));
        let size = match self.rng.u8(..4) {
            0 => nodes,
            _ => nodes / 2 + 1,
        };
        only(nodes, &order[..size])
    }

    fn make_move(&mut self, path: &mut Path<A>, rebel: usize, link: (usize, usize)) {
        let (_, node) = link;
        match self.rng.u8(..8) {
            0..2 => {
                path.apply(Event::Crashed { node });
                if self.rng.bool() {
                    self.notice(path, node);
                }
                path.apply(Event::Restarted { node });
                if self.rng.bool() {
                    self.deliver(path, link);
                }
            }
            2..5 => self.deliver(path, link),
            5 => {
                self.hand_over(path);
            }
            6 => self.hand_back(path),
            _ => self.push(path, rebel),
        }
    }

    /// Has some nodes suspect a node that is down, or gives them the proof.
    fn notice(&mut self, path: &mut Path<A>, down: usize) {
        for node in 0..path.world.machines.len() {
            if self.rng.bool() {
                let peer = id(down);
                path.apply(match self.rng.bool() {
                    true => Event::Died { node, peer },
                    false => Event::Suspected { node, peer },
                });
            }
        }
    }

    /// Another node; the same if it is the only one.
    fn other_than(&mut self, node: usize, path: &Path<A>) -> usize {
        let nodes = path.world.machines.len();
        (node + self.rng.usize(1..nodes.max(2))) % nodes
    }

    /// Has the leader transfer leadership. Mostly goes on until the other one has been elected by a
    /// majority: its followers have not heard it lead then. Returns the two nodes.
    fn hand_over(&mut self, path: &mut Path<A>) -> Option<(usize, usize)> {
        let leader = path.world.leader()?;
        let heir = self.other_than(leader, path);
        self.transfer(path, leader, heir);
        Some((leader, heir))
    }

    /// The same, and back again: messages of the first tenure may be under way in the second.
    fn hand_back(&mut self, path: &mut Path<A>) {
        if let Some((leader, heir)) = self.hand_over(path)
            && path.world.leader() == Some(heir)
        {
            self.transfer(path, heir, leader);
        }
    }

    fn transfer(&mut self, path: &mut Path<A>, node: usize, heir: usize) {
        let cause = path.next();
        let command = Command::TransferTo(id(heir));
        path.apply(Event::Commanded { node, command });
        let nodes = path.world.machines.len();
        let (pair, side) = (only(nodes, &[node, heir]), self.side(nodes, &[heir]));
        let events = LONGEST * u32::from(self.rng.u8(..4) > 0);
        for _ in 0..events {
            if path.world.leader() == Some(heir) {
                // Its first round is sent, and on its way.
                for (_, event) in path.due(heir) {
                    path.apply(event);
                }
                return;
            }
            let asked = path.world.campaigns(heir);
            if !self.step(path, cause, if asked { &side } else { &pair }) {
                return;
            }
        }
    }

    /// Delivers some messages of one link that are late, or have arrived already.
    fn deliver(&mut self, path: &mut Path<A>, (from, to): (usize, usize)) {
        let link = |sent: &&Flying<A::Message>| (sent.from, sent.to) == (from, to);
        let world = &path.world;
        let known = self.past.iter().chain(&world.past).chain(&world.flying);
        let late = known.filter(link);
        let count = late.clone().count();
        if count == 0 {
            return;
        }
        let first = self.rng.usize(..count);
        // Mostly one: each that follows may say what makes the first harmless.
        let most = self.rng.usize(1..=MOST_AT_ONCE);
        let messages = most.min(self.rng.usize(1..=MOST_AT_ONCE));
        let late: Vec<_> = late.skip(first).take(messages).cloned().collect();
        for sent in late {
            let message = sent.id;
            if !path.world.knows(to, message) {
                path.world.past.push_back(sent);
            }
            path.apply(Event::Received { node: to, message });
        }
    }

    /// Lets a node that does not lead go on, by a timer that is due, or by a command; another node
    /// if it leads.
    fn push(&mut self, path: &mut Path<A>, node: usize) {
        let leads = path.world.leader() == Some(node);
        let node = if leads {
            self.other_than(node, path)
        } else {
            node
        };
        let due = self.rng.choice(path.due(node));
        let command = Command::Campaign;
        let campaign = Event::Commanded { node, command };
        let timer = due.filter(|_| self.rng.u8(..4) > 0);
        path.apply(timer.map_or(campaign, |(_, event)| event));
    }

    /// Lets happen what has been caused since the line `cause`.
    fn follow(&mut self, path: &mut Path<A>, cause: u32, events: u32, side: &[bool]) {
        for _ in 0..events {
            if !self.step(path, cause, side) {
                return;
            }
        }
    }

    fn step(&mut self, path: &mut Path<A>, cause: u32, side: &[bool]) -> bool {
        let event = self.following(path, cause, side);
        let is_some = event.is_some();
        event.into_iter().for_each(|event| path.apply(event));
        is_some
    }

    /// Something that has been caused since the line `cause`; mostly the newest.
    fn following(&mut self, path: &Path<A>, cause: u32, side: &[bool]) -> Option<Event<A::Timer>> {
        let mut events: Vec<_> = path.arriving(side).collect();
        let nodes = (0..side.len()).filter(|&node| side[node]);
        events.extend(nodes.flat_map(|node| path.due(node)));
        events.retain(|&(line, _)| line >= cause);
        let newest = events.iter().map(|&(line, _)| line).max()?;
        if self.rng.bool() {
            events.retain(|&(line, _)| line == newest);
        }
        self.rng.choice(events).map(|(_, event)| event)
    }
}

/// These nodes, and no others, by position.
fn only(nodes: usize, side: &[usize]) -> Vec<bool> {
    (0..nodes).map(|node| side.contains(&node)).collect()
}
