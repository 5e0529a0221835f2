use elector_core::{Command, ElectionAlgorithm};
use fastrand::Rng;

use crate::{
    action::id,
    walk::{
        event::{Event, Line},
        world::World,
    },
};

/// Random continuations from one moment of a walk, in which no time passes. A lease that is held
/// stays held, so that races against it are tried in many orders, which delays drawn at random
/// would hit too seldom.
///
/// A continuation is a few moves: a node is restarted, a message that is late arrives, leadership
/// is transferred. What a move has caused goes on for a while. At last a node that does not lead is
/// made to campaign, and what that causes goes on until an election has got through.
pub(crate) struct Rush {
    rng: Rng,
    /// How many continuations.
    tries: u32,
    /// How many events they had in all.
    pub(crate) events: u64,
}

/// The most moves before the last.
const MOST_MOVES: u32 = 4;
/// How many events may follow a move, at most.
const FOLLOWING: [u32; 4] = [0, 3, 12, 20];
/// How many may follow the last move: an election gets through.
const LONGEST: u32 = 24;
/// How many past messages may arrive again in a continuation.
const ECHOES: usize = 4;

/// A continuation under way.
struct Path<A: ElectionAlgorithm> {
    world: World<A>,
    lines: Vec<Line<A::Timer>>,
    first: u32,
}

impl Rush {
    pub(crate) fn new(rng: Rng, tries: u32) -> Self {
        Self {
            rng,
            tries,
            events: 0,
        }
    }

    /// Tries continuations of `world`. Returns the lines of the first that breaks a promise; they
    /// are numbered from `first`.
    pub(crate) fn search<A: ElectionAlgorithm>(
        &mut self,
        world: &World<A>,
        first: u32,
    ) -> Option<Vec<Line<A::Timer>>> {
        let mut root = world.clone();
        let past: Vec<_> = std::mem::take(&mut root.past).into();
        root.kept = 0;
        (0..self.tries).find_map(|_| {
            let mut world = root.clone();
            for _ in 0..ECHOES.min(past.len()) {
                let echo = &past[self.rng.usize(..past.len())];
                world.past.push_back(echo.clone());
            }
            let mut path = Path {
                world,
                lines: Vec::new(),
                first,
            };
            self.hurry(&mut path);
            self.events += path.lines.len() as u64;
            path.world.broken.is_some().then_some(path.lines)
        })
    }

    fn hurry<A: ElectionAlgorithm>(&mut self, path: &mut Path<A>) {
        for _ in 0..self.rng.u32(0..=MOST_MOVES) {
            let cause = path.next();
            self.make_move(path);
            let events = FOLLOWING[self.rng.usize(..FOLLOWING.len())];
            self.follow(path, cause, events);
        }
        let cause = path.next();
        self.push(path);
        self.follow(path, cause, LONGEST);
    }

    fn make_move<A: ElectionAlgorithm>(&mut self, path: &mut Path<A>) {
        let node = self.rng.usize(..path.world.machines.len());
        match self.rng.u8(..8) {
            0..2 => {
                path.apply(Event::Crashed { node });
                path.apply(Event::Restarted { node });
                if self.rng.bool() {
                    self.deliver(path, Some(node));
                }
            }
            2..4 => self.deliver(path, None),
            4 | 5 => {
                if let Some(leader) = path.world.leader().filter(|&leader| leader != node) {
                    let command = Command::TransferTo(id(node));
                    let node = leader;
                    path.apply(Event::Commanded { node, command });
                }
            }
            _ => self.push(path),
        }
    }

    /// Delivers a message that is late, or one that has arrived already.
    fn deliver<A: ElectionAlgorithm>(&mut self, path: &mut Path<A>, to: Option<usize>) {
        let world = &path.world;
        let messages = world.flying.iter().chain(&world.past);
        let messages: Vec<_> = messages
            .filter(|sent| to.is_none_or(|to| sent.to == to))
            .map(|sent| (sent.to, sent.id))
            .collect();
        if let Some((node, message)) = self.rng.choice(messages) {
            path.apply(Event::Received { node, message });
        }
    }

    /// Lets a node that does not lead go on: by a timer that is due, or by a command.
    fn push<A: ElectionAlgorithm>(&mut self, path: &mut Path<A>) {
        let leader = path.world.leader();
        let nodes = 0..path.world.machines.len();
        let others: Vec<usize> = nodes.filter(|&node| Some(node) != leader).collect();
        let Some(node) = self.rng.choice(others) else {
            return;
        };
        let due = self.rng.choice(path.due(node));
        let command = Command::Campaign;
        let campaign = Event::Commanded { node, command };
        let timer = due.filter(|_| self.rng.u8(..4) > 0);
        path.apply(timer.map_or(campaign, |(_, event)| event));
    }

    /// Lets happen what has been caused since the line `cause`.
    fn follow<A: ElectionAlgorithm>(&mut self, path: &mut Path<A>, cause: u32, events: u32) {
        for _ in 0..events {
            let Some(event) = self.following(path, cause) else {
                return;
            };
            path.apply(event);
        }
    }

    /// Something that has been caused since the line `cause`; mostly the newest.
    fn following<A: ElectionAlgorithm>(
        &mut self,
        path: &Path<A>,
        cause: u32,
    ) -> Option<Event<A::Timer>> {
        let mut events: Vec<_> = path.arriving().collect();
        events.extend((0..path.world.machines.len()).flat_map(|node| path.due(node)));
        events.retain(|&(line, _)| line >= cause);
        let newest = events.iter().map(|&(line, _)| line).max()?;
        if self.rng.bool() {
            events.retain(|&(line, _)| line == newest);
        }
        self.rng.choice(events).map(|(_, event)| event)
    }
}

impl<A: ElectionAlgorithm> Path<A> {
    fn next(&self) -> u32 {
        self.first + self.lines.len() as u32
    }

    /// Lets an event happen, if it can, and ends the writes that it began: a write that takes
    /// longer is a message that takes longer.
    fn apply(&mut self, event: Event<A::Timer>) {
        let mut next = Some(event);
        while let Some(event) = next
            && self.world.broken.is_none()
        {
            let number = self.next();
            if !self.world.apply(number, &event) {
                return;
            }
            self.lines.push(Line { number, event });
            let mut nodes = 0..self.world.machines.len();
            let busy = nodes.find(|&node| self.world.has_writes(node));
            next = busy.map(|node| Event::Written { node });
        }
    }

    /// The messages in flight, each with the line that sent it.
    fn arriving(&self) -> impl Iterator<Item = (u32, Event<A::Timer>)> {
        self.world.flying.iter().map(|sent| {
            let (node, message) = (sent.to, sent.id);
            (message.line, Event::Received { node, message })
        })
    }

    /// The timers of a node that are due, each with the line that set it.
    fn due(&self, node: usize) -> Vec<(u32, Event<A::Timer>)> {
        let local = self.world.machines[node].clock.local(self.world.now);
        let timers = self.world.timers(node).iter();
        timers
            .filter(|running| running.due <= local)
            .map(|running| {
                let timer = running.timer;
                (running.line, Event::Elapsed { node, timer })
            })
            .collect()
    }
}
