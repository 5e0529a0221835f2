//! What the actor runtime adds to a message: the same flow on our nodes, on bare actix actors, and
//! on tokio tasks with channels. 64 messages at a time go back and forth between two parties, on
//! one thread (`one`) or on two (`two`, as nodes in production are); the throughput column is
//! messages per second. At the end all play in turns, and the overhead is printed as a ratio.
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

/// Plays one round: all balls, until they have come to rest.
type Round = Box<dyn FnMut()>;

/// On one thread or on two.
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
    // Node by node, a cluster goes round its threads: the first and the last are on the same, or
    // on neighbouring ones.
    let lanes = available_parallelism().map_or(1, usize::from).min(4) as u64;
    let nodes = if threads == Threads::One {
        lanes + 1
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
            // It never gets what it asks for: this algorithm elects nobody.
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
            at_rest: 0,
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
                let (tell, told) = oneshot::channel();
                let arbiter = actix::Arbiter::new();
                arbiter.spawn_fn(move || drop(tell.send(bare())));
                told.await.expect("it starts")
            }
        };
        (bare(), two)
    });
    Box::new(move || {
        system.block_on(async {
            let (done, rest) = oneshot::channel();
            // The peer is told first, so that it knows where to send the balls back to.
            two.send(Play(one.clone().recipient(), None))
                .await
                .expect("it runs");
            one.do_send(Play(two.clone().recipient(), Some(done)));
            rest.await.expect("they come to rest");
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
    let ((one, at_one), (two, at_two)) = (mpsc::channel(1024), mpsc::channel(1024));
    let (done, mut rest) = mpsc::unbounded_channel();
    runtime.spawn(task(at_one, two.clone(), done.clone()));
    let other = task(at_two, one, done);
    match threads {
        Threads::One => drop(runtime.spawn(other)),
        Threads::Two => drop(std::thread::spawn(move || new().block_on(other))),
    }
    Box::new(move || {
        runtime.block_on(async {
            for _ in 0..AT_A_TIME {
                two.try_send(Ball(HOPS - 1)).expect("there is room");
            }
            rest.recv().await.expect("they come to rest");
        });
    })
}

type Contender = (&'static str, fn(Threads) -> Round);

/// Who plays: the question is what the first costs over the second.
const PLAYERS: [Contender; 3] = [
    ("elector", elector_nodes),
    ("actix", bare_actix),
    ("tokio", bare_tokio),
];

fn throughput(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("actor_overhead");
    group.throughput(Throughput::Elements(AT_A_TIME * HOPS));
    for (name, new) in PLAYERS {
        for threads in Threads::ALL {
            let mut round = new(threads);
            let id = BenchmarkId::new(name, threads.name());
            group.bench_function(id, |bencher| bencher.iter(&mut round));
        }
    }
    group.finish();
}

/// Round by round in turns, so that whatever else the machine does hits all alike; and of each the
/// round that a tenth of its rounds beat, for whatever else it does only adds.
fn ratios(_: &mut Criterion) {
    // `cargo test --benches` only wants to know that it runs.
    let rounds = if env::args().any(|arg| arg == "--bench") {
        301
    } else {
        3
    };
    println!("Nanoseconds a message, first decile of {rounds} rounds in turns, and as a ratio:");
    for threads in Threads::ALL {
        let mut rounds_of = PLAYERS.map(|(_, new)| new(threads));
        let mut took = PLAYERS.map(|_| Vec::with_capacity(rounds));
        for _ in 0..rounds {
            for (round, took) in rounds_of.iter_mut().zip(&mut took) {
                let started = Instant::now();
                round();
                took.push(started.elapsed().as_nanos() as f64 / (AT_A_TIME * HOPS) as f64);
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
