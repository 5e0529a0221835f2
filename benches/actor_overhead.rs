//! What the actor runtime adds to a message: the same flow on our nodes, on bare actix actors, and
//! on tokio tasks with channels. 64 messages at a time go back and forth between two parties, on one
//! thread (`one`) or on two (`two`, as nodes in production are); the throughput column is messages
//! per second, and the ratio of two is the overhead.
//!
//! `cargo bench --bench actor_overhead`

use std::thread::available_parallelism;

use actix::{Actor, Addr, Context, Handler, Recipient};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use elector_core::{
    BestEffort, Command, ElectionAlgorithm, Epoch, Input, Membership, Message, NodeId, Outbox,
    Purpose, Timing, View,
    actor::{Cluster, ClusterSetup},
};
use serde::{Deserialize, Serialize};
use tokio::{
    runtime::Runtime,
    sync::{mpsc, oneshot},
};

const AT_A_TIME: u64 = 64;
const HOPS: u64 = 1_000;

/// A message and how often it is still to be sent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Ball(u64);

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

/// An algorithm that plays ball with its last peer when told to campaign, and shows a new epoch
/// when all balls have come to rest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Player {
    members: Membership,
    durable: (),
    at_rest: u64,
}

impl ElectionAlgorithm for Player {
    const NAME: &'static str = "player";
    type Guarantee = BestEffort;
    type Config = Timing;
    type Message = Ball;
    type Timer = ();
    type Durable = ();

    fn restore(_: &Timing, members: Membership, durable: ()) -> Self {
        Self {
            members,
            durable,
            at_rest: 0,
        }
    }

    fn durable(&self) -> &() {
        &self.durable
    }

    fn view(&self) -> View {
        View::following(Epoch(self.at_rest / AT_A_TIME), None)
    }

    fn step(&mut self, input: Input<Ball, ()>, out: &mut Outbox<Self>) {
        match input {
            Input::Commanded(Command::Campaign) => {
                let last = self.members.peers().next_back();
                for _ in 0..AT_A_TIME {
                    out.send(last.expect("a peer"), Ball(HOPS - 1));
                }
            }
            Input::Received { from, message } => match message {
                Ball(0) => self.at_rest += 1,
                Ball(hops) => out.send(from, Ball(hops - 1)),
            },
            _ => {}
        }
    }
}

/// The same in bare actix.
struct Bare {
    peer: Option<Recipient<Ball>>,
    at_rest: u64,
    done: Option<oneshot::Sender<()>>,
}

struct Play(Recipient<Ball>, Option<oneshot::Sender<()>>);

impl actix::Message for Play {
    type Result = ();
}

impl Actor for Bare {
    type Context = Context<Self>;
}

impl Handler<Play> for Bare {
    type Result = ();

    fn handle(&mut self, Play(peer, done): Play, _: &mut Self::Context) {
        self.at_rest = 0;
        if done.is_none() {
            self.peer = Some(peer);
            return;
        }
        self.done = done;
        for _ in 0..AT_A_TIME {
            peer.try_send(Ball(HOPS - 1)).expect("there is room");
        }
        self.peer = Some(peer);
    }
}

impl Handler<Ball> for Bare {
    type Result = ();

    fn handle(&mut self, Ball(hops): Ball, _: &mut Self::Context) {
        if hops > 0 {
            let peer = self.peer.as_ref().expect("told first");
            peer.try_send(Ball(hops - 1)).expect("there is room");
            return;
        }
        self.at_rest += 1;
        if self.at_rest == AT_A_TIME
            && let Some(done) = self.done.take()
        {
            let _ = done.send(());
        }
    }
}

async fn task(
    mut balls: mpsc::Receiver<Ball>,
    peer: mpsc::Sender<Ball>,
    done: mpsc::UnboundedSender<()>,
) {
    let mut at_rest = 0;
    while let Some(Ball(hops)) = balls.recv().await {
        if hops > 0 {
            peer.try_send(Ball(hops - 1)).expect("there is room");
            continue;
        }
        at_rest += 1;
        if at_rest == AT_A_TIME {
            at_rest = 0;
            let _ = done.send(());
        }
    }
}

fn threads() -> u64 {
    available_parallelism().map_or(1, usize::from).min(4) as u64
}

fn elector_nodes(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    // Node by node, a cluster goes round its threads: the first and the last are on the same, or
    // on neighbouring ones.
    for (name, nodes) in [("one", threads() + 1), ("two", 2)] {
        let cluster = runtime
            .block_on(Cluster::<Player>::start_with(ClusterSetup::new(nodes)))
            .expect("a cluster starts");
        let first = cluster.node(NodeId(1)).expect("it runs").clone();
        let mut status = first.subscribe();
        let mut group = group(criterion);
        group.bench_function(BenchmarkId::new("elector", name), |bencher| {
            bencher.iter(|| {
                runtime.block_on(async {
                    let epoch = status.borrow_and_update().epoch;
                    // It never gets what it asks for: this algorithm elects nobody.
                    let kick = first.campaign();
                    tokio::select! {
                        _ = kick => {}
                        known = status.wait_for(|status| status.epoch > epoch) => drop(known),
                    }
                });
            });
        });
        group.finish();
        runtime.block_on(cluster.shutdown());
    }
}

fn bare() -> Addr<Bare> {
    Bare::create(|ctx| {
        ctx.set_mailbox_capacity(1024);
        Bare {
            peer: None,
            at_rest: 0,
            done: None,
        }
    })
}

fn bare_actix(criterion: &mut Criterion) {
    let system = actix::System::new();
    for name in ["one", "two"] {
        let (one, two) = system.block_on(async {
            let two = if name == "one" {
                bare()
            } else {
                let (tell, told) = oneshot::channel();
                let arbiter = actix::Arbiter::new();
                arbiter.spawn_fn(move || drop(tell.send(bare())));
                told.await.expect("it starts")
            };
            (bare(), two)
        });
        let mut group = group(criterion);
        group.bench_function(BenchmarkId::new("actix", name), |bencher| {
            bencher.iter(|| {
                system.block_on(async {
                    let (done, rest) = oneshot::channel();
                    // The peer is told first, so that it knows where to send the balls back to.
                    two.send(Play(one.clone().recipient(), None))
                        .await
                        .expect("it runs");
                    one.do_send(Play(two.clone().recipient(), Some(done)));
                    rest.await.expect("they come to rest");
                });
            });
        });
        group.finish();
    }
}

fn bare_tokio(criterion: &mut Criterion) {
    for (name, two_threads) in [("one", false), ("two", true)] {
        let new = || {
            tokio::runtime::Builder::new_current_thread()
                .build()
                .expect("a runtime")
        };
        let runtime = new();
        let ((one, at_one), (two, at_two)) = (mpsc::channel(1024), mpsc::channel(1024));
        let (done, mut rest) = mpsc::unbounded_channel();
        runtime.spawn(task(at_one, two.clone(), done.clone()));
        let other = task(at_two, one, done);
        if two_threads {
            std::thread::spawn(move || new().block_on(other));
        } else {
            runtime.spawn(other);
        }
        let mut group = group(criterion);
        group.bench_function(BenchmarkId::new("tokio", name), |bencher| {
            bencher.iter(|| {
                runtime.block_on(async {
                    for _ in 0..AT_A_TIME {
                        two.try_send(Ball(HOPS - 1)).expect("there is room");
                    }
                    rest.recv().await.expect("they come to rest");
                });
            });
        });
        group.finish();
    }
}

fn group(
    criterion: &mut Criterion,
) -> criterion::BenchmarkGroup<'_, criterion::measurement::WallTime> {
    let mut group = criterion.benchmark_group("actor_overhead");
    group.throughput(Throughput::Elements(AT_A_TIME * HOPS));
    group
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = elector_nodes, bare_actix, bare_tokio
}
criterion_main!(benches);
