//! Measures what the actor runtime adds to the cost of a message: the same flow of messages runs on
//! nodes of this crate, on bare actix actors, and on tokio tasks with channels. 64 messages at a
//! time go back and forth between two nodes, actors or tasks, on one thread (`one`) or on two
//! (`two`, like nodes in production). The throughput column is messages per second. At the end all
//! three runtimes run in turns, and the bench prints the overhead as a ratio.
//!
//! `cargo bench --bench actor_overhead`

use std::{env, thread::available_parallelism, time::Instant};

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

const BALLS: u64 = 64;
const HOPS: u64 = 1_000;

/// A message with the number of times that it must still be forwarded.
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

/// An algorithm that elects no leader. After the command to campaign, the node sends `BALLS`
/// messages to its last peer, and each message makes `HOPS` hops between the two nodes. When all
/// messages have arrived for the last time, the node that got the command enters a new epoch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Player {
    members: Membership,
    durable: (),
    finished: u64,
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
            finished: 0,
        }
    }

    fn durable(&self) -> &() {
        &self.durable
    }

    fn view(&self) -> View {
        View::following(Epoch(self.finished / BALLS), None)
    }

    fn step(&mut self, input: Input<Ball, ()>, out: &mut Outbox<Self>) {
        match input {
            Input::Commanded(Command::Campaign) => {
                let last = self.members.peers().next_back();
                for _ in 0..BALLS {
                    out.send(last.expect("a peer"), Ball(HOPS - 1));
                }
            }
            Input::Received { from, message } => match message {
                Ball(0) => self.finished += 1,
                Ball(hops) => out.send(from, Ball(hops - 1)),
            },
            _ => {}
        }
    }
}

/// An actor of actix, without this crate, that sends the same flow of messages as a [`Player`].
struct Bare {
    peer: Option<Recipient<Ball>>,
    finished: u64,
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
        self.finished = 0;
        if done.is_none() {
            self.peer = Some(peer);
            return;
        }
        self.done = done;
        for _ in 0..BALLS {
            peer.try_send(Ball(HOPS - 1)).expect("there is room");
        }
        self.peer = Some(peer);
    }
}

impl Handler<Ball> for Bare {
    type Result = ();

    fn handle(&mut self, Ball(hops): Ball, _: &mut Self::Context) {
        if hops > 0 {
            let peer = self.peer.as_ref().expect("a peer");
            peer.try_send(Ball(hops - 1)).expect("there is room");
            return;
        }
        self.finished += 1;
        if self.finished == BALLS
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
    let mut finished = 0;
    while let Some(Ball(hops)) = balls.recv().await {
        if hops > 0 {
            peer.try_send(Ball(hops - 1)).expect("there is room");
            continue;
        }
        finished += 1;
        if finished == BALLS {
            finished = 0;
            let _ = done.send(());
        }
    }
}

/// A function that runs one round: it sends `BALLS` messages, waits until each of them has made its
/// `HOPS` hops between the two nodes, actors or tasks, and returns.
type Round = Box<dyn FnMut()>;

/// The number of threads on which the two nodes, actors or tasks run.
#[derive(Clone, Copy, PartialEq)]
enum Threads {
    One,
    Two,
}

impl Threads {
    const ALL: [Self; 2] = [Self::One, Self::Two];

    fn name(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::Two => "two",
        }
    }
}

fn elector_nodes(threads: Threads) -> Round {
    let runtime = Runtime::new().expect("a runtime");
    // A cluster assigns its nodes to its threads in turn. So with one node more than threads, the
    // first and the last node are on the same thread. Two nodes are on two threads, if the machine
    // has several processors.
    let threads_of_cluster = available_parallelism().map_or(1, usize::from).min(4) as u64;
    let nodes = if threads == Threads::One {
        threads_of_cluster + 1
    } else {
        2
    };
    let cluster = runtime
        .block_on(Cluster::<Player>::start_with(ClusterSetup::new(nodes)))
        .expect("a cluster starts");
    let first = cluster.node(NodeId(1)).expect("it runs").clone();
    let mut status = first.subscribe();
    Box::new(move || {
        let _running = &cluster;
        runtime.block_on(async {
            let epoch = status.borrow_and_update().epoch;
            // The call sends the command that starts the round. It never returns, because this
            // algorithm elects no leader.
            let kick = first.campaign();
            tokio::select! {
                _ = kick => {}
                known = status.wait_for(|status| status.epoch > epoch) => drop(known),
            }
        });
    })
}

fn bare() -> Addr<Bare> {
    Bare::create(|ctx| {
        ctx.set_mailbox_capacity(1024);
        Bare {
            peer: None,
            finished: 0,
            done: None,
        }
    })
}

fn bare_actix(threads: Threads) -> Round {
    let system = actix::System::new();
    let (one, two) = system.block_on(async {
        let two = match threads {
            Threads::One => bare(),
            Threads::Two => {
                let (sender, receiver) = oneshot::channel();
                let arbiter = actix::Arbiter::new();
                arbiter.spawn_fn(move || drop(sender.send(bare())));
                receiver.await.expect("it starts")
            }
        };
        (bare(), two)
    });
    Box::new(move || {
        system.block_on(async {
            let (done, all_finished) = oneshot::channel();
            // The actor `two` must first learn to which actor it sends the messages back.
            two.send(Play(one.clone().recipient(), None))
                .await
                .expect("it runs");
            one.do_send(Play(two.clone().recipient(), Some(done)));
            all_finished.await.expect("the round ends");
        });
    })
}

fn bare_tokio(threads: Threads) -> Round {
    let new = || {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime")
    };
    let runtime = new();
    let ((one, inbox_one), (two, inbox_two)) = (mpsc::channel(1024), mpsc::channel(1024));
    let (done, mut all_finished) = mpsc::unbounded_channel();
    runtime.spawn(task(inbox_one, two.clone(), done.clone()));
    let other = task(inbox_two, one, done);
    match threads {
        Threads::One => drop(runtime.spawn(other)),
        Threads::Two => drop(std::thread::spawn(move || new().block_on(other))),
    }
    Box::new(move || {
        runtime.block_on(async {
            for _ in 0..BALLS {
                two.try_send(Ball(HOPS - 1)).expect("there is room");
            }
            all_finished.recv().await.expect("the round ends");
        });
    })
}

type Runtimes = (&'static str, fn(Threads) -> Round);

/// The runtimes that are compared. The main result is the overhead of the first (`elector`) over
/// the second (`actix`).
const RUNTIMES: [Runtimes; 3] = [
    ("elector", elector_nodes),
    ("actix", bare_actix),
    ("tokio", bare_tokio),
];

fn throughput(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("actor_overhead");
    group.throughput(Throughput::Elements(BALLS * HOPS));
    for (name, new) in RUNTIMES {
        for threads in Threads::ALL {
            let mut round = new(threads);
            let id = BenchmarkId::new(name, threads.name());
            group.bench_function(id, |bencher| bencher.iter(&mut round));
        }
    }
    group.finish();
}

/// Runs one round of each runtime in turn, many times, so that other load on the machine affects
/// all runtimes in the same way. The result for a runtime is the first decile of the times of its
/// rounds, because other load only makes rounds longer.
fn ratios(_: &mut Criterion) {
    // Without `--bench`, as in `cargo test --benches`, a few rounds check that the bench works.
    let rounds = if env::args().any(|arg| arg == "--bench") {
        301
    } else {
        3
    };
    println!("Nanoseconds per message, first decile of {rounds} rounds in turns, and ratios:");
    for threads in Threads::ALL {
        let mut rounds_of = RUNTIMES.map(|(_, new)| new(threads));
        let mut took = RUNTIMES.map(|_| Vec::with_capacity(rounds));
        for _ in 0..rounds {
            for (round, took) in rounds_of.iter_mut().zip(&mut took) {
                let started = Instant::now();
                round();
                took.push(started.elapsed().as_nanos() as f64 / (BALLS * HOPS) as f64);
            }
        }
        let decile = |mut took: Vec<f64>| {
            took.sort_by(f64::total_cmp);
            took[took.len() / 10]
        };
        let [elector, actix, tokio] = took.map(decile);
        println!(
            "  threads: {:<4} elector {elector:>6.1}   actix {actix:>6.1}   tokio {tokio:>6.1}   \
             elector/actix {:.2}   elector/tokio {:.2}",
            threads.name(),
            elector / actix,
            elector / tokio,
        );
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = throughput, ratios
}
criterion_main!(benches);
