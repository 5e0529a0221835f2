use elector_core::{Command, ElectionAlgorithm, Epoch, MembersChange};
use fastrand::Rng;

use crate::{
    action::id,
    walk::{choice::Next, cluster::Cluster, event::Event, profile::Profile, rush::Rush},
};

/// Chooses the next event of a walk. Sometimes the adversary also disturbs the cluster, mostly at a
/// moment at which a fault does the most harm.
///
/// In one half of the walks, the adversary plans when each message arrives, each timer elapses and
/// each write ends: these walks are like a bad network. In the other half, the adversary draws each
/// next event from all possible events, with a weight for each link, and lets time pass in between:
/// these walks reach orders of events that no plausible delays would cause.
pub(crate) struct Adversary {
    pub(super) rng: Rng,
    pub(super) profile: Profile,
    /// What the adversary does later, and when.
    pub(super) plan: Vec<(u64, Planned)>,
    pub(super) next_move: u64,
    /// The moment until which each node is paused, by position.
    pub(super) paused_until: Vec<u64>,
    /// The disturbance of each link: a row for each sender, with one entry for each receiver.
    pub(super) link_faults: Vec<LinkFault>,
    /// The weight of each link in the random choice of the next event: a row for each sender, with
    /// one entry for each receiver.
    pub(super) link_weights: Vec<u32>,
    /// For each node, what the adversary has last seen of it: its epoch, whether it led, and
    /// whether it campaigned. `None` if the node was down.
    last_seen: Vec<Option<(Epoch, bool, bool)>>,
    /// For how many more events the newest tenure counts as new. It starts at `NEW_TENURE_EVENTS`.
    new_tenure_events: u32,
    /// The changes of the members that the adversary commands the leader to make.
    pub(super) changes: Vec<MembersChange>,
    /// How many requests the adversary has commanded nodes to append to their logs.
    pub(super) requests: u64,
}

/// Something that the adversary does at a planned moment.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Planned {
    Crash(usize),
    Restart(usize),
    Command(usize, Command),
    Clock(usize, u64),
    Hint(usize, usize),
    /// The node that leads at the planned moment is commanded to transfer leadership to this node.
    TransferTo(usize),
    /// Delivers some of the messages to this node that the adversary has held back so far.
    Release(usize),
}

/// A disturbance of a link: until the moment `until`, messages on the link take longer by `delay`.
/// If `delay` is [`NEVER`], these messages are lost.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LinkFault {
    pub(super) until: u64,
    pub(super) delay: u64,
}

/// A moment that never comes. A message with this planned moment is held back.
pub(super) const NEVER: u64 = u64::MAX;
/// The number of events for which a tenure (the time in which one node leads one epoch) counts as
/// new after its beginning. A [`Rush`] is more likely to begin in a new tenure.
const NEW_TENURE_EVENTS: u32 = 16;
/// The weight of an undisturbed link in the random choice of the next event.
pub(super) const NORMAL_WEIGHT: u32 = 64;

impl Adversary {
    pub(crate) fn new(rng: Rng, profile: Profile, nodes: usize) -> Self {
        let mut adversary = Self {
            rng,
            profile,
            plan: Vec::new(),
            next_move: 0,
            paused_until: vec![0; nodes],
            link_faults: vec![LinkFault::default(); nodes * nodes],
            link_weights: vec![NORMAL_WEIGHT; nodes * nodes],
            last_seen: vec![None; nodes],
            new_tenure_events: 0,
            changes: Vec::new(),
            requests: 0,
        };
        adversary.schedule_move(0);
        for _ in 0..nodes {
            adversary.redraw_link_weight(nodes);
        }
        adversary
    }

    /// Returns how long the adversary disturbs the cluster.
    pub(crate) fn horizon(&self) -> u64 {
        self.profile.horizon
    }

    /// Returns the number of [`Rush`]es in this random walk.
    pub(crate) fn rushes(&self) -> u32 {
        self.profile.rushes
    }

    /// Returns `true` if a [`Rush`] begins now. This is most likely when a node campaigns while
    /// another node leads, or when a leader is new, so that messages of earlier tenures may be in
    /// flight.
    pub(crate) fn begins_rush<A: ElectionAlgorithm>(&mut self, cluster: &Cluster<A>) -> bool {
        self.new_tenure_events = self.new_tenure_events.saturating_sub(1);
        let one_in = match cluster.leader() {
            Some(_) if self.new_tenure_events > 0 || cluster.is_contested() => 8,
            Some(_) => 64,
            None => 128,
        };
        self.rng.u8(..one_in) == 0
    }

    pub(crate) fn rush<A: ElectionAlgorithm>(&mut self) -> Rush<A> {
        Rush::new(self.rng.fork(), self.profile.rush_tries)
    }

    /// Ends all disturbances. From now on messages arrive, timers elapse and writes end promptly,
    /// and no message is lost.
    pub(crate) fn end_faults<A: ElectionAlgorithm>(&mut self, cluster: &mut Cluster<A>) {
        let profile = &mut self.profile;
        for chance in [
            &mut profile.late,
            &mut profile.held,
            &mut profile.held_of_kind,
            &mut profile.lost,
            &mut profile.repeated,
            &mut profile.slow_timers,
            &mut profile.early_timers,
            &mut profile.crash_after_pledge,
        ] {
            *chance = 0.0;
        }
        profile.drawn = None;
        (profile.grid, profile.write) = (1, (1_000, 200_000));
        profile.flight = (500_000, 1_500_000);
        self.plan.clear();
        self.next_move = NEVER;
        self.paused_until.fill(0);
        self.link_faults.fill(LinkFault::default());
        for node in 0..cluster.machines.len() {
            if !cluster.machines[node].clock.is_true() {
                self.plan.push((cluster.now, Planned::Clock(node, 1000)));
            }
            if !cluster.is_up(node) {
                self.plan.push((cluster.now, Planned::Restart(node)));
            }
        }
        // Messages that are late or held back arrive within 100 ms, so that the nodes can agree on
        // a leader after that.
        for sent in &mut cluster.in_flight {
            let soon = cluster.now + self.rng.u64(0..=100_000_000);
            sent.planned_at = Some(sent.planned_at.unwrap_or(soon).min(soon));
        }
        for machine in &mut cluster.machines {
            machine
                .writes
                .iter_mut()
                .for_each(|write| write.planned_at = None);
            let timers = machine.life.iter_mut().flat_map(|life| &mut life.timers);
            timers.for_each(|timer| timer.planned_at = None);
        }
    }

    /// Chooses the next event of the random walk, and returns it.
    pub(crate) fn next<A: ElectionAlgorithm>(
        &mut self,
        cluster: &mut Cluster<A>,
    ) -> Event<A::Timer> {
        loop {
            self.release_after_changes(cluster);
            self.assign_moments(cluster);
            let next = match self.profile.drawn {
                Some(waits) => self.drawn(cluster, waits),
                None => self.earliest(cluster),
            };
            if let Some(event) = self.carry_out(cluster, next) {
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

    /// Returns the first moment from `at` on that is a multiple of [`Profile::grid`].
    pub(super) fn on_grid(&self, at: u64) -> u64 {
        at.next_multiple_of(self.profile.grid)
    }

    fn schedule_move(&mut self, now: u64) {
        let pace = self.profile.pace;
        let at = now + self.rng.u64(1..=2 * pace);
        self.next_move = self.on_grid(at);
    }

    /// Delivers some of the held messages to each node whose epoch or role has changed. A held
    /// message may do the most harm after its receiver has restarted, has entered a new epoch, or
    /// has begun to campaign or to lead.
    fn release_after_changes<A: ElectionAlgorithm>(&mut self, cluster: &mut Cluster<A>) {
        for node in 0..cluster.machines.len() {
            let view = cluster.machines[node].view();
            let now = view.map(|view| (view.epoch, view.leads(), view.role.campaigns()));
            if now != self.last_seen[node] {
                self.last_seen[node] = now;
                if view.is_some_and(|view| view.leads()) {
                    self.new_tenure_events = NEW_TENURE_EVENTS;
                }
                if now.is_some() {
                    self.release(cluster, node);
                }
            }
        }
    }

    pub(super) fn release<A: ElectionAlgorithm>(&mut self, cluster: &mut Cluster<A>, node: usize) {
        let soon = self.profile.flight.1;
        for place in 0..cluster.in_flight.len() {
            let sent = &cluster.in_flight[place];
            if sent.to == node
                && sent.planned_at == Some(NEVER)
                && self.chance(self.profile.released)
            {
                let at = cluster.now + self.rng.u64(0..=soon);
                cluster.in_flight[place].planned_at = Some(self.on_grid(at));
            }
        }
    }

    /// Turns the chosen next event `next` into an event of the walk. Returns `None` if the choice
    /// causes no event now.
    fn carry_out<A: ElectionAlgorithm>(
        &mut self,
        cluster: &mut Cluster<A>,
        next: Next,
    ) -> Option<Event<A::Timer>> {
        match next {
            Next::Message(place) => {
                let again = !cluster.past.is_empty() && self.chance(self.profile.repeated);
                let message = if again {
                    &cluster.past[self.rng.usize(..cluster.past.len())]
                } else {
                    &cluster.in_flight[place]
                };
                Some(Event::Received {
                    node: message.to,
                    message: message.id,
                })
            }
            Next::Timer(node, place) => {
                let machine = &mut cluster.machines[node];
                let local = machine.clock.local(cluster.now);
                let timer = machine.life.as_mut()?.timers.get_mut(place)?;
                if timer.due > local {
                    // By the clock of its node, the timer is not due yet: plan it for later.
                    let left = machine.clock.true_span(timer.due - local);
                    timer.planned_at = Some(cluster.now + left);
                    return None;
                }
                let timer = timer.timer;
                Some(Event::Elapsed { node, timer })
            }
            Next::Write(node) => Some(Event::Written { node }),
            Next::Planned(place) => self.carry_out_planned(cluster, place),
            Next::Wait(nanos) => Some(Event::Wait(nanos)),
            Next::Move => {
                self.disturb(cluster);
                self.schedule_move(cluster.now);
                None
            }
        }
    }

    fn carry_out_planned<A: ElectionAlgorithm>(
        &mut self,
        cluster: &mut Cluster<A>,
        place: usize,
    ) -> Option<Event<A::Timer>> {
        let (_, planned) = self.plan.swap_remove(place);
        match planned {
            Planned::Crash(node) => cluster.is_up(node).then_some(Event::Crashed { node }),
            Planned::Restart(node) => (!cluster.is_up(node)).then_some(Event::Restarted { node }),
            Planned::Command(node, command) => {
                let up = cluster.is_up(node);
                up.then_some(Event::Commanded { node, command })
            }
            Planned::TransferTo(to) => {
                let node = cluster.leader().filter(|&leader| leader != to)?;
                let command = Command::TransferTo(id(to));
                Some(Event::Commanded { node, command })
            }
            Planned::Release(node) => {
                self.release(cluster, node);
                None
            }
            Planned::Clock(node, permille) => Some(Event::Clock { node, permille }),
            Planned::Hint(node, peer) => {
                let proves = cluster.allows_false_proofs() || !cluster.is_up(peer);
                let peer = id(peer);
                let hint = match self.rng.u8(..5) {
                    0 => Event::Returned { node, peer },
                    1..3 if proves => Event::Died { node, peer },
                    _ => Event::Suspected { node, peer },
                };
                cluster.is_up(node).then_some(hint)
            }
        }
    }
}
