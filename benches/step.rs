//! What one step costs each algorithm, through [`Driver::step`]: the three that a cluster takes all
//! day long. A leader sends its heartbeats, a follower hears one, and the leader hears the
//! follower's acknowledgement (Bully and Ring have none). No host: no mailbox, no disk, no network.
//!
//! `cargo bench --bench step`; the unit is time per step.

use std::{collections::VecDeque, hint::black_box};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use elector_bully::Bully;
use elector_core::{
    Driver, ElectionAlgorithm, Input, Membership, Message, Moment, NodeId, Outgoing, Purpose, Role,
    TimerChange,
};
use elector_paxos::Paxos;
use elector_raft::Raft;
use elector_ring::Ring;

/// Steps after which a cluster that has not come to rest never will.
const LIMIT: usize = 100_000;
/// How long a message takes, in nanoseconds.
const FLIGHT: u64 = 1_000;

/// A cluster of bare drivers: messages and timers in a list each, disks of no delay.
struct Bare<A: ElectionAlgorithm> {
    drivers: Vec<Driver<A>>,
    now: u64,
    /// From, to, what.
    flying: VecDeque<(NodeId, Outgoing<A::Message>)>,
    /// When, whose, which.
    timers: Vec<(u64, NodeId, A::Timer)>,
}

impl<A: ElectionAlgorithm> Bare<A> {
    fn start(nodes: u64) -> Self {
        let ids = (1..=nodes).map(NodeId);
        let config = A::Config::default();
        let restore = |me: NodeId| {
            let members = Membership::new(me, ids.clone()).expect("a membership");
            Driver::restore(&config, members, A::Durable::default())
        };
        let mut cluster = Self {
            drivers: ids.clone().map(restore).collect(),
            now: 0,
            flying: VecDeque::new(),
            timers: Vec::new(),
        };
        for node in ids {
            cluster.step(node, Input::Started);
        }
        cluster
    }

    fn driver(&mut self, node: NodeId) -> &mut Driver<A> {
        &mut self.drivers[usize::try_from(node.0 - 1).expect("a small id")]
    }

    /// Timers run the longer, the higher the node: so the candidates take turns.
    fn step(&mut self, node: NodeId, input: Input<A::Message, A::Timer>) {
        let (now, nodes) = (self.now, self.drivers.len() as u32);
        let driver = self.driver(node);
        let mut step = driver
            .step(input, Moment::from_nanos(now))
            .expect("a legal step");
        let sends: Vec<_> = step.sends.drain(..).collect();
        let timers: Vec<_> = step.timers.drain(..).collect();
        driver.recycle(step);
        self.flying.extend(sends.into_iter().map(|out| (node, out)));
        for order in timers {
            let (TimerChange::Set(name, _) | TimerChange::Cancel(name)) = order;
            self.timers
                .retain(|&(_, whose, which)| (whose, which) != (node, name));
            if let TimerChange::Set(name, delay) = order {
                let width = delay.max.saturating_sub(delay.min);
                let runs = delay.min + width * (node.0 as u32 - 1) / nodes;
                self.timers.push((now + runs.as_nanos() as u64, node, name));
            }
        }
    }

    /// What happens next: the timer that is due, else the oldest message, else the next timer.
    fn advance(&mut self) {
        let (place, &(due, node, timer)) = self
            .timers
            .iter()
            .enumerate()
            .min_by_key(|(_, (due, ..))| *due)
            .expect("some node waits for something");
        if due > self.now
            && let Some((from, Outgoing { to, message })) = self.flying.pop_front()
        {
            self.now += FLIGHT;
            self.step(to, Input::Received { from, message });
            return;
        }
        self.now = self.now.max(due);
        self.timers.swap_remove(place);
        self.step(node, Input::Elapsed(timer));
    }

    fn leader(&self) -> Option<NodeId> {
        let first = self.drivers[0].view();
        let agreed = self.drivers.iter().all(|driver| {
            let view = driver.view();
            (view.epoch, view.leader) == (first.epoch, first.leader)
        });
        first.leader.filter(|_| agreed)
    }

    /// Goes on until a leader that all follow has just sent its routine heartbeats: the leader, and
    /// the timer that made it do so.
    fn heartbeat(&mut self) -> (NodeId, A::Timer) {
        for _ in 0..LIMIT {
            let next = self.timers.iter().min_by_key(|(due, ..)| *due).copied();
            let quiet = self.flying.is_empty();
            self.advance();
            let routine = |(_, out): &(NodeId, Outgoing<A::Message>)| {
                out.message.purpose() == Purpose::Liveness
            };
            if let (true, Some((_, node, timer))) = (quiet, next)
                && self.leader() == Some(node)
                && self.flying.len() + 1 == self.drivers.len()
                && self.flying.iter().all(routine)
            {
                return (node, timer);
            }
        }
        panic!("{} has no leader that sends heartbeats", A::NAME);
    }
}

fn step<A: ElectionAlgorithm>(criterion: &mut Criterion, nodes: u64) {
    let mut cluster = Bare::<A>::start(nodes);
    let (leader, beat) = cluster.heartbeat();
    // All of them but the last: that one is kept, and its answer with it.
    let (_, heartbeat) = cluster.flying.pop_back().expect("heartbeats fly");
    let follower = heartbeat.to;
    while !cluster.flying.is_empty() {
        cluster.advance();
    }
    let hears = Input::Received {
        from: leader,
        message: heartbeat.message,
    };
    cluster.step(follower, hears.clone());
    let ack = cluster.flying.pop_front();

    let mut bench = |what: &str, node: NodeId, input: Input<A::Message, A::Timer>| {
        let now = Moment::from_nanos(cluster.now);
        let driver = cluster.driver(node);
        let before = driver.view();
        let mut group = criterion.benchmark_group(format!("step/{what}"));
        group.bench_function(BenchmarkId::new(A::NAME, nodes), |bencher| {
            bencher.iter(|| {
                let step = driver.step(black_box(input.clone()), now);
                driver.recycle(black_box(step.expect("a legal step")));
            });
        });
        group.finish();
        assert_eq!(driver.view(), before, "the step was routine");
        assert_eq!(before.role == Role::Leader, node == leader);
    };
    bench("follower-hears", follower, hears);
    bench("leader-beats", leader, Input::Elapsed(beat));
    if let Some((from, Outgoing { message, .. })) = ack {
        bench(
            "leader-hears-ack",
            leader,
            Input::Received { from, message },
        );
    }
}

fn all(criterion: &mut Criterion) {
    for nodes in [3, 5] {
        step::<Raft>(criterion, nodes);
        step::<Paxos>(criterion, nodes);
        step::<Bully>(criterion, nodes);
        step::<Ring>(criterion, nodes);
    }
}

criterion_group!(benches, all);
criterion_main!(benches);
