//! What the actor runtime adds to the mailboxes that it is built on. Two nodes on two threads throw
//! balls to each other, the same number of the same size in three ways: as an algorithm on our
//! runtime, as two bare actix actors, and as two tokio tasks with a bounded channel each. With one
//! ball in the air it is latency that counts, with 64 it is work.
//!
//! `cargo bench --bench actor_overhead`; divide the throughputs (messages per second).

use std::thread;

use actix::{Actor, Addr, Arbiter, Context, Handler, Recipient, System};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use elector_core::{
    BestEffort, ElectionAlgorithm, Epoch, Input, Membership, Message, NodeId, Outbox, Purpose,
    Timing, View, actor::Cluster,
};
use serde::{Deserialize, Serialize};
use tokio::{
    runtime::{self, Runtime},
    sync::{mpsc, watch},
};

/// How many messages one iteration passes.
const MESSAGES: u64 = 6_400;
/// How many wait in a mailbox at most; as in our runtime.
const MAILBOX: usize = 1024;

/// A message; it has the size of a heartbeat.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Ball {
    /// How often it will still be thrown.
    throws: u64,
    stamp: u64,
}

impl Ball {
    /// The ball thrown back; `None` if it has come to rest.
    fn back(&self) -> Option<Self> {
        let throws = self.throws.checked_sub(1)?;
        Some(Self { throws, ..*self })
    }
}

impl Message for Ball {
    fn kind(&self) -> &'static str {
        "Ball"
    }

    fn purpose(&self) -> Purpose {
        Purpose::Application
    }
}

impl actix::Message for Ball {
    type Result = ();
}

/// An algorithm that elects nobody. Its epoch counts the balls that came to rest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Thrower {
    rested: Epoch,
}

impl ElectionAlgorithm for Thrower {
    const NAME: &'static str = "thrower";
    type Guarantee = BestEffort;
    type Config = Timing;
    type Message = Ball;
    type Timer = ();
    type Durable = ();

    fn restore(_: &Timing, _: Membership, (): ()) -> Self {
        let rested = Epoch::ZERO;
        Self { rested }
    }

    fn durable(&self) -> &() {
        &()
    }

    fn view(&self) -> View {
        View::following(self.rested, None)
    }

    fn step(&mut self, input: Input<Ball, ()>, out: &mut Outbox<Self>) {
        if let Input::Received { from, message } = input {
            match message.back() {
                Some(ball) => out.send(from, ball),
                None => self.rested = self.rested.next(),
            }
        }
    }
}

/// Two bare actors.
#[derive(Debug)]
struct Bare {
    other: Option<Recipient<Ball>>,
    rested: watch::Sender<u64>,
}

impl Actor for Bare {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
    }
}

impl Handler<Ball> for Bare {
    type Result = ();

    fn handle(&mut self, ball: Ball, _: &mut Self::Context) {
        match (ball.back(), &self.other) {
            (Some(ball), Some(other)) => other.try_send(ball).expect("the mailbox has room"),
            _ => self.rested.send_modify(|rested| *rested += 1),
        }
    }
}

#[derive(Debug)]
struct Meet(Addr<Bare>);

impl actix::Message for Meet {
    type Result = ();
}

impl Handler<Meet> for Bare {
    type Result = ();

    fn handle(&mut self, Meet(other): Meet, _: &mut Self::Context) {
        self.other = Some(other.recipient());
    }
}

/// Throws the balls of one iteration to the first node and waits until the second, where they come
/// to rest, has them all.
async fn play<T>(
    in_the_air: u64,
    mut second: watch::Receiver<T>,
    rested: impl Fn(&T) -> u64,
    throw: impl Fn(Ball),
) {
    let all = rested(&second.borrow_and_update()) + in_the_air;
    let throws = MESSAGES / in_the_air - 1;
    (0..in_the_air).for_each(|stamp| throw(Ball { throws, stamp }));
    let all_rest = second.wait_for(|now| rested(now) == all);
    all_rest.await.expect("the second node runs");
}

fn ours(criterion: &mut Criterion, in_the_air: u64) {
    let runtime = local_runtime();
    let cluster = runtime.block_on(Cluster::<Thrower>::start(2));
    let cluster = cluster.expect("the cluster starts");
    let (first, second) = (NodeId(1), NodeId(2));
    let rested = cluster.node(second).expect("it runs").subscribe();
    bench(criterion, "elector", in_the_air, || {
        let throw = |ball| {
            let thrown = cluster.network().inject(second, first, ball);
            thrown.expect("the mailbox has room");
        };
        runtime.block_on(play(
            in_the_air,
            rested.clone(),
            |status| status.epoch.0,
            throw,
        ));
    });
    runtime.block_on(cluster.shutdown());
}

fn bare_actix(criterion: &mut Criterion, in_the_air: u64) {
    let system = System::new();
    let (counter, rested) = watch::channel(0);
    let (arbiters, [first, second]) = system.block_on(async {
        let arbiters = [Arbiter::new(), Arbiter::new()];
        let actors = arbiters.each_ref().map(|arbiter| {
            let rested = counter.clone();
            let other = None;
            Bare::start_in_arbiter(&arbiter.handle(), |_| Bare { other, rested })
        });
        (arbiters, actors)
    });
    // Once they answer, their mailboxes have their full size.
    for (actor, other) in [(&first, &second), (&second, &first)] {
        let met = system.block_on(actor.send(Meet(other.clone())));
        met.expect("the actor runs");
    }
    bench(criterion, "actix", in_the_air, || {
        let throw = |ball| first.try_send(ball).expect("the mailbox has room");
        system.block_on(play(in_the_air, rested.clone(), |&count| count, throw));
    });
    for arbiter in arbiters {
        arbiter.stop();
        arbiter.join().expect("the arbiter ends");
    }
}

fn bare_tokio(criterion: &mut Criterion, in_the_air: u64) {
    let (counter, rested) = watch::channel(0);
    // Nothing but a ball is the end.
    let (first, to_first) = mpsc::channel::<Option<Ball>>(MAILBOX);
    let (second, to_second) = mpsc::channel::<Option<Ball>>(MAILBOX);
    let pairs = [(to_first, second.clone()), (to_second, first.clone())];
    let threads = pairs.map(|(mut inbox, other)| {
        let rested = counter.clone();
        let catch = async move {
            while let Some(Some(ball)) = inbox.recv().await {
                match ball.back() {
                    Some(ball) => other.try_send(Some(ball)).expect("the channel has room"),
                    None => rested.send_modify(|rested| *rested += 1),
                }
            }
        };
        thread::spawn(|| local_runtime().block_on(catch))
    });
    let throw = |ball| first.try_send(ball).expect("the channel has room");
    let runtime = local_runtime();
    bench(criterion, "tokio", in_the_air, || {
        let throw = |ball| throw(Some(ball));
        runtime.block_on(play(in_the_air, rested.clone(), |&count| count, throw));
    });
    throw(None);
    second.try_send(None).expect("the channel has room");
    for thread in threads {
        thread.join().expect("the thread ends");
    }
}

fn local_runtime() -> Runtime {
    let builder = &mut runtime::Builder::new_current_thread();
    builder.build().expect("a runtime")
}

fn bench(criterion: &mut Criterion, name: &str, in_the_air: u64, mut play: impl FnMut()) {
    let mut group = criterion.benchmark_group("actor_overhead");
    group.throughput(Throughput::Elements(MESSAGES));
    group.bench_function(BenchmarkId::new(name, in_the_air), |bencher| {
        bencher.iter(&mut play);
    });
    group.finish();
}

fn all(criterion: &mut Criterion) {
    for in_the_air in [1, 64] {
        ours(criterion, in_the_air);
        bare_actix(criterion, in_the_air);
        bare_tokio(criterion, in_the_air);
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(50);
    targets = all
}
criterion_main!(benches);
