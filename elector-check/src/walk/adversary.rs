use elector_core::{Command, ElectionAlgorithm, Epoch, Role};
use fastrand::Rng;

use crate::{
    action::id,
    walk::{choice::Next, event::Event, profile::Profile, rush::Rush, world::World},
};

/// Chooses what happens next in a walk, and intervenes now and then, mostly where it hurts.
///
/// In one half of the walks it gives each message, timer and write a moment of its own when it
/// first sees it: these walks look like a bad network. In the other half it draws each next event
/// from all that can happen, with a weight for each link and each node, and lets time pass in
/// between: these reach orders of events that no plausible delays would.
pub(crate) struct Adversary {
    pub(super) rng: Rng,
    pub(super) profile: Profile,
    /// What it has decided to do later.
    pub(super) agenda: Vec<(u64, Deed)>,
    pub(super) next_move: u64,
    /// Until when nothing happens at a node, by position.
    pub(super) frozen: Vec<u64>,
    /// What links do to messages, row by sender.
    pub(super) links: Vec<Link>,
    /// How likely a message of each link is to be next, where events are drawn; row by sender.
    pub(super) eager: Vec<u32>,
    /// What it has last seen of each node.
    seen: Vec<Option<(Epoch, Role)>>,
    /// For how many more events the newest tenure counts as young.
    young: u32,
}

/// Something to do at a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Deed {
    Crash(usize),
    Restart(usize),
    Command(usize, Command),
    Clock(usize, u64),
    Hint(usize, usize),
    /// The leader of that moment hands over to this node.
    HandOver(usize),
    /// Delivers what is held for a node.
    Release(usize),
}

/// What a link does until some moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Link {
    pub(super) until: u64,
    pub(super) delay: u64,
}

/// A plan that is never carried out.
pub(super) const NEVER: u64 = u64::MAX;
/// A tenure is young for this many events.
const YOUNG: u32 = 16;
/// The weight of a link that is as fast as any.
pub(super) const EAGER: u32 = 64;

impl Adversary {
    pub(crate) fn new(rng: Rng, profile: Profile, nodes: usize) -> Self {
        let mut adversary = Self {
            rng,
            profile,
            agenda: Vec::new(),
            next_move: 0,
            frozen: vec![0; nodes],
            links: vec![Link::default(); nodes * nodes],
            eager: vec![EAGER; nodes * nodes],
            seen: vec![None; nodes],
            young: 0,
        };
        adversary.plan_move(0);
        for _ in 0..nodes {
            adversary.change_links(nodes);
        }
        adversary
    }

    /// For how long it disturbs the cluster.
    pub(crate) fn horizon(&self) -> u64 {
        self.profile.horizon
    }

    /// How many rushes there are in this walk.
    pub(crate) fn rushes(&self) -> u32 {
        self.profile.rushes
    }

    /// Returns `true` if now is the moment for a rush: mostly when a node campaigns beside a
    /// leader, or when a leader is new and messages of earlier tenures are under way.
    pub(crate) fn is_rash<A: ElectionAlgorithm>(&mut self, world: &World<A>) -> bool {
        self.young = self.young.saturating_sub(1);
        let one_in = match world.leader() {
            Some(_) if self.young > 0 || world.is_contested() => 8,
            Some(_) => 64,
            None => 128,
        };
        self.rng.u8(..one_in) == 0
    }

    pub(crate) fn rush<A: ElectionAlgorithm>(&mut self) -> Rush<A> {
        Rush::new(self.rng.fork(), self.profile.rush_tries)
    }

    /// Stops to disturb: from now on messages, timers and writes are prompt, and nothing is lost.
    pub(crate) fn relent<A: ElectionAlgorithm>(&mut self, world: &mut World<A>) {
        let profile = &mut self.profile;
        for chance in [
            &mut profile.late,
            &mut profile.held,
            &mut profile.held_of_kind,
            &mut profile.lost,
            &mut profile.twice,
            &mut profile.slow_timers,
            &mut profile.early_timers,
            &mut profile.crash_after_word,
        ] {
            *chance = 0.0;
        }
        profile.drawn = None;
        (profile.grid, profile.write) = (1, (1_000, 200_000));
        profile.flight = (500_000, 1_500_000);
        self.agenda.clear();
        self.next_move = NEVER;
        self.frozen.fill(0);
        self.links.fill(Link::default());
        for node in 0..world.machines.len() {
            if !world.machines[node].clock.is_true() {
                self.agenda.push((world.now, Deed::Clock(node, 1000)));
            }
            if !world.is_up(node) {
                self.agenda.push((world.now, Deed::Restart(node)));
            }
        }
        // What is late arrives before things are quiet.
        for flying in &mut world.flying {
            let soon = world.now + self.rng.u64(0..=100_000_000);
            flying.plan = Some(flying.plan.unwrap_or(soon).min(soon));
        }
        for machine in &mut world.machines {
            machine
                .writes
                .iter_mut()
                .for_each(|write| write.plan = None);
            let timers = machine.life.iter_mut().flat_map(|life| &mut life.timers);
            timers.for_each(|timer| timer.plan = None);
        }
    }

    /// The next event.
    pub(crate) fn next<A: ElectionAlgorithm>(&mut self, world: &mut World<A>) -> Event<A::Timer> {
        loop {
            self.react(world);
            self.plan(world);
            let next = match self.profile.drawn {
                Some(waits) => self.drawn(world, waits),
                None => self.earliest(world),
            };
            if let Some(event) = self.carry_out(world, next) {
                return event;
            }
        }
    }

    pub(super) fn chance(&mut self, share: f64) -> bool {
        share > 0.0 && self.rng.f64() < share
    }

    pub(super) fn between(&mut self, (least, most): (u64, u64)) -> u64 {
        self.rng.u64(least..=most.max(least))
    }

    /// The next moment on the grid.
    pub(super) fn on_grid(&self, at: u64) -> u64 {
        at.next_multiple_of(self.profile.grid)
    }

    fn plan_move(&mut self, now: u64) {
        let pace = self.profile.pace;
        let at = now + self.rng.u64(1..=2 * pace);
        self.next_move = self.on_grid(at);
    }

    /// Looks at what has changed at each node: a restart, a new epoch or a candidacy is when a
    /// message that was held may do the most harm.
    fn react<A: ElectionAlgorithm>(&mut self, world: &mut World<A>) {
        for node in 0..world.machines.len() {
            let view = world.machines[node].view();
            let now = view.map(|view| (view.epoch, view.role));
            if now != self.seen[node] {
                self.seen[node] = now;
                if view.is_some_and(|view| view.leads()) {
                    self.young = YOUNG;
                }
                if now.is_some() {
                    self.release(world, node);
                }
            }
        }
    }

    pub(super) fn release<A: ElectionAlgorithm>(&mut self, world: &mut World<A>, node: usize) {
        let soon = self.profile.flight.1;
        for place in 0..world.flying.len() {
            let flying = &world.flying[place];
            if flying.to == node && flying.plan == Some(NEVER) && self.chance(self.profile.released)
            {
                let at = world.now + self.rng.u64(0..=soon);
                world.flying[place].plan = Some(self.on_grid(at));
            }
        }
    }

    /// Turns what comes next into an event; `None` if it has become something for later.
    fn carry_out<A: ElectionAlgorithm>(
        &mut self,
        world: &mut World<A>,
        next: Next,
    ) -> Option<Event<A::Timer>> {
        match next {
            Next::Message(place) => {
                let again = !world.past.is_empty() && self.chance(self.profile.twice);
                let message = if again {
                    &world.past[self.rng.usize(..world.past.len())]
                } else {
                    &world.flying[place]
                };
                Some(Event::Received {
                    node: message.to,
                    message: message.id,
                })
            }
            Next::Timer(node, place) => {
                let machine = &mut world.machines[node];
                let local = machine.clock.local(world.now);
                let timer = machine.life.as_mut()?.timers.get_mut(place)?;
                if timer.due > local {
                    // The clock has become slower since.
                    let left = machine.clock.true_span(timer.due - local);
                    timer.plan = Some(world.now + left);
                    return None;
                }
                let timer = timer.timer;
                Some(Event::Elapsed { node, timer })
            }
            Next::Write(node) => Some(Event::Written { node }),
            Next::Deed(place) => self.act(world, place),
            Next::Wait(nanos) => Some(Event::Wait(nanos)),
            Next::Move => {
                self.intervene(world);
                self.plan_move(world.now);
                None
            }
        }
    }

    fn act<A: ElectionAlgorithm>(
        &mut self,
        world: &mut World<A>,
        place: usize,
    ) -> Option<Event<A::Timer>> {
        let (_, deed) = self.agenda.swap_remove(place);
        match deed {
            Deed::Crash(node) => world.is_up(node).then_some(Event::Crashed { node }),
            Deed::Restart(node) => (!world.is_up(node)).then_some(Event::Restarted { node }),
            Deed::Command(node, command) => {
                let up = world.is_up(node);
                up.then_some(Event::Commanded { node, command })
            }
            Deed::HandOver(to) => {
                let node = world.leader().filter(|&leader| leader != to)?;
                let command = Command::TransferTo(id(to));
                Some(Event::Commanded { node, command })
            }
            Deed::Release(node) => {
                self.release(world, node);
                None
            }
            Deed::Clock(node, permille) => Some(Event::Clock { node, permille }),
            Deed::Hint(node, peer) => {
                let proves = world.may_lie() || !world.is_up(peer);
                let peer = id(peer);
                let hint = match self.rng.u8(..5) {
                    0 => Event::Returned { node, peer },
                    1..3 if proves => Event::Died { node, peer },
                    _ => Event::Suspected { node, peer },
                };
                world.is_up(node).then_some(hint)
            }
        }
    }
}
