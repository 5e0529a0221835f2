//! Measures the cost of one step of each algorithm, through [`Driver::step`], for the three routine
//! steps: a leader sends its heartbeats, a follower receives one, and the leader receives the
//! follower's acknowledgement (Bully and Ring have none). There is no host: no mailbox, no disk, no
//! network.
//!
//! `cargo bench --bench step`. The unit is time per step.

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

/// How many events a cluster may need until it sends routine heartbeats. After more events, the
/// bench panics.
const LIMIT: usize = 100_000;
/// The time that a message takes, in nanoseconds.
const MESSAGE_TIME_NS: u64 = 1_000;

/// A cluster of bare drivers ([`Driver`] runs the steps of a node), with one list for its messages
/// and one for its timers. Writes take no time.
struct Bare<A: ElectionAlgorithm> {
    drivers: Vec<Driver<A>>,
    now: u64,
    /// The sender and the message of each message in flight.
    in_flight: VecDeque<(NodeId, Outgoing<A::Message>)>,
    /// The due time in nanoseconds, the node and the name of each running timer.
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
            in_flight: VecDeque::new(),
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

    /// Gives a node an input. A timer with a random duration runs longer on a node with a higher
    /// id, so that two candidates do not collide.
    fn step(&mut self, node: NodeId, input: Input<A::Message, A::Timer>) {
        let (now, nodes) = (self.now, self.drivers.len() as u32);
        let driver = self.driver(node);
        let mut step = driver
            .step(input, Moment::from_nanos(now))
            .expect("a legal step");
        let sends: Vec<_> = step.sends.drain(..).collect();
        let timers: Vec<_> = step.timers.drain(..).collect();
        driver.recycle(step);
        self.in_flight
            .extend(sends.into_iter().map(|out| (node, out)));
        for order in timers {
            let (TimerChange::Set(name, _) | TimerChange::Cancel(name)) = order;
            self.timers
                .retain(|&(_, owner, timer)| (owner, timer) != (node, name));
            if let TimerChange::Set(name, delay) = order {
                let width = delay.max.saturating_sub(delay.min);
                let runs = delay.min + width * (node.0 as u32 - 1) / nodes;
                self.timers.push((now + runs.as_nanos() as u64, node, name));
            }
        }
    }

    /// Executes the next event: the timer that is due, or else the oldest message, or else the next
    /// timer.
    fn advance(&mut self) {
        let (place, &(due, node, timer)) = self
            .timers
            .iter()
            .enumerate()
            .min_by_key(|(_, (due, ..))| *due)
            .expect("a timer runs");
        if due > self.now
            && let Some((from, Outgoing { to, message })) = self.in_flight.pop_front()
        {
            self.now += MESSAGE_TIME_NS;
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

    /// Runs the cluster until a leader that all nodes follow has just sent its routine heartbeats,
    /// one to each peer. Returns the leader and the timer that caused the heartbeats.
    fn heartbeat(&mut self) -> (NodeId, A::Timer) {
        for _ in 0..LIMIT {
            let next = self.timers.iter().min_by_key(|(due, ..)| *due).copied();
            let quiet = self.in_flight.is_empty();
            self.advance();
            let routine = |(_, out): &(NodeId, Outgoing<A::Message>)| {
                out.message.purpose() == Purpose::Liveness
            };
            if let (true, Some((_, node, timer))) = (quiet, next)
                && self.leader() == Some(node)
                && self.in_flight.len() + 1 == self.drivers.len()
                && self.in_flight.iter().all(routine)
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
    // The bench uses the last heartbeat and the answer to it. Deliver all other heartbeats and
    // their answers first.
    let (_, heartbeat) = cluster
        .in_flight
        .pop_back()
        .expect("heartbeats are in flight");
    let follower = heartbeat.to;
    while !cluster.in_flight.is_empty() {
        cluster.advance();
    }
    let receives = Input::Received {
        from: leader,
        message: heartbeat.message,
    };
    cluster.step(follower, receives.clone());
    let ack = cluster.in_flight.pop_front();

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
    bench("follower-receives", follower, receives);
    bench("leader-beats", leader, Input::Elapsed(beat));
    if let Some((from, Outgoing { message, .. })) = ack {
        bench(
            "leader-receives-ack",
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
