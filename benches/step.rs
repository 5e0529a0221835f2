//! How long one step takes, in the two cases that make up nearly all of a cluster's life: a
//! follower handles a heartbeat, and a leader sends a round of them. Driver included, host not.
//!
//! `cargo bench --bench step`

use std::collections::VecDeque;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use elector_bully::Bully;
use elector_core::{
    Command, Delay, Driver, ElectionAlgorithm, Input, Membership, Message, Moment, NodeId,
    Outgoing, Purpose, Role, Step, TimerOrder,
};
use elector_paxos::Paxos;
use elector_raft::Raft;
use elector_ring::Ring;

/// A host without time: messages arrive in order, timers of no delay elapse at once, others when
/// nothing else is left to do.
struct Host<A: ElectionAlgorithm> {
    drivers: Vec<Driver<A>>,
    flying: VecDeque<(NodeId, Outgoing<A::Message>)>,
    timers: Vec<(usize, A::Timer, Delay)>,
    now: u64,
}

impl<A: ElectionAlgorithm> Host<A> {
    fn new(nodes: u64) -> Self {
        let ids = || (1..=nodes).map(NodeId);
        let restore = |me| {
            let members = Membership::new(me, ids()).expect("a cluster");
            Driver::restore(&A::Config::default(), members, A::Durable::default())
        };
        Self {
            drivers: ids().map(restore).collect(),
            flying: VecDeque::new(),
            timers: Vec::new(),
            now: 1,
        }
    }

    fn feed(&mut self, place: usize, input: Input<A::Message, A::Timer>) {
        self.now += 1;
        let step = self.drivers[place].step(input, Moment::from_nanos(self.now));
        let mut step: Box<Step<A>> = step.expect("it keeps its contract");
        let me = self.drivers[place].members().me();
        self.flying
            .extend(step.sends.drain(..).map(|out| (me, out)));
        for order in step.timers.drain(..) {
            let (TimerOrder::Set(timer, _) | TimerOrder::Cancel(timer)) = order;
            self.timers
                .retain(|&(at, known, _)| (at, known) != (place, timer));
            if let TimerOrder::Set(timer, delay) = order {
                self.timers.push((place, timer, delay));
            }
        }
        self.drivers[place].recycle(step);
    }

    /// Runs until nothing flies and no timer is due at once.
    fn calm(&mut self) {
        loop {
            if let Some(at) = self
                .timers
                .iter()
                .position(|(_, _, delay)| *delay == Delay::ZERO)
            {
                let (place, timer, _) = self.timers.remove(at);
                self.feed(place, Input::Elapsed(timer));
            } else if let Some((from, out)) = self.flying.pop_front() {
                let place = usize::try_from(out.to.0 - 1).expect("a node");
                let message = out.message;
                self.feed(place, Input::Received { from, message });
            } else {
                return;
            }
        }
    }

    fn leader(&self) -> Option<usize> {
        let leads = |driver: &Driver<A>| driver.view().role == Role::Leader;
        self.drivers.iter().position(leads)
    }

    /// Elects, and gives back who leads.
    fn elect(&mut self) -> usize {
        for place in 0..self.drivers.len() {
            self.feed(place, Input::Started);
        }
        self.calm();
        let last = self.drivers.len() - 1;
        self.feed(last, Input::Commanded(Command::Campaign));
        self.calm();
        while self.leader().is_none() {
            // The shortest timer of the candidate is the one it waits with.
            let own = self.timers.iter().filter(|(place, _, _)| *place == last);
            let next = own.min_by_key(|(_, _, delay)| delay.min).copied();
            let (_, timer, _) = next.expect("it waits for something");
            self.timers
                .retain(|&(place, known, _)| (place, known) != (last, timer));
            self.feed(last, Input::Elapsed(timer));
            self.calm();
        }
        self.leader().expect("it was elected")
    }

    /// The timer by which the leader sends its heartbeats, and one of them to the first node.
    fn heartbeat(&mut self, leader: usize) -> (A::Timer, A::Message) {
        let own = self.timers.iter().filter(|(place, _, _)| *place == leader);
        let mut timers: Vec<(Delay, A::Timer)> =
            own.map(|(_, timer, delay)| (*delay, *timer)).collect();
        // Heartbeats come before the timer by which a leader without a quorum steps down.
        timers.sort_unstable();
        for (_, timer) in timers {
            self.feed(leader, Input::Elapsed(timer));
            let routine = self
                .flying
                .iter()
                .find(|(_, out)| out.to == NodeId(1) && out.message.purpose() == Purpose::Liveness);
            if let Some((_, out)) = routine.cloned() {
                self.calm();
                return (timer, out.message);
            }
            self.calm();
        }
        panic!("a leader sends heartbeats");
    }
}

fn both<A: ElectionAlgorithm>(criterion: &mut Criterion) {
    let mut host = Host::<A>::new(5);
    let leader = host.elect();
    let from = NodeId(leader as u64 + 1);
    let (timer, message) = host.heartbeat(leader);
    let mut now = host.now;
    let mut step = |driver: &mut Driver<A>, input| {
        now += 1;
        let step = driver.step(input, Moment::from_nanos(now));
        driver.recycle(step.expect("it keeps its contract"));
    };
    let mut group = criterion.benchmark_group("step");
    group.bench_function(BenchmarkId::new(A::NAME, "heartbeat received"), |bencher| {
        bencher.iter(|| {
            let message = message.clone();
            step(&mut host.drivers[0], Input::Received { from, message });
        });
    });
    group.bench_function(BenchmarkId::new(A::NAME, "round sent"), |bencher| {
        bencher.iter(|| step(&mut host.drivers[leader], Input::Elapsed(timer)));
    });
    group.finish();
}

fn step(criterion: &mut Criterion) {
    both::<Raft>(criterion);
    both::<Paxos>(criterion);
    both::<Bully>(criterion);
    both::<Ring>(criterion);
}

criterion_group!(benches, step);
criterion_main!(benches);
