//! Tests a cluster whose leader is killed many times. After each kill there must be a new leader.
//! With Raft and Paxos, two leaders must never work at the same time.
//!
//! The tests do 1,000 kills for each algorithm. `ELECTOR_KILLS=100 cargo test --test kills`
//! does fewer.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

use std::{
    convert::Infallible,
    env,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use elector_bully::Bully;
use elector_core::{
    Configuration, ElectionAlgorithm, Guarantee, GuaranteeKind, NodeId, Timing,
    actor::{Cluster, ClusterSetup, Elector, Leadership},
};
use elector_paxos::Paxos;
use elector_raft::Raft;
use elector_ring::Ring;
use tokio::{sync::watch, time::timeout};

/// The limit for each event. A test that waits longer has failed.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The shared state of the work of all nodes.
#[derive(Debug)]
struct Observer<G: Guarantee> {
    /// The number of futures of work that run now.
    running: AtomicI64,
    started: AtomicU64,
    /// The number of starts while other work was running.
    overlaps: AtomicU64,
    /// The number of times that two nodes held a valid leadership at the same time.
    two_holders: AtomicU64,
    held: Mutex<Vec<Weak<Leadership<G>>>>,
    /// The nodes whose work is running.
    working_nodes: watch::Sender<Vec<NodeId>>,
}

impl<G: Guarantee> Observer<G> {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            running: AtomicI64::new(0),
            started: AtomicU64::new(0),
            overlaps: AtomicU64::new(0),
            two_holders: AtomicU64::new(0),
            held: Mutex::new(Vec::new()),
            working_nodes: watch::Sender::new(Vec::new()),
        })
    }

    /// Checks every other leadership between two checks of `me`. If `me` was valid before and after
    /// the check of the other leadership, both were valid at the same time.
    fn check_others(&self, me: &Arc<Leadership<G>>) {
        let held = self.held.lock().unwrap();
        for other in held.iter().filter_map(Weak::upgrade) {
            if !Arc::ptr_eq(&other, me)
                && me.check().is_ok()
                && other.check().is_ok()
                && me.check().is_ok()
            {
                self.two_holders.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// A running future of the work of a leader. The drop of this value records its end.
struct Running<G: Guarantee>(Arc<Observer<G>>, NodeId);

impl<G: Guarantee> Running<G> {
    fn enter(observer: &Arc<Observer<G>>, node: NodeId, me: &Arc<Leadership<G>>) -> Self {
        if observer.running.fetch_add(1, Ordering::SeqCst) > 0 {
            observer.overlaps.fetch_add(1, Ordering::Relaxed);
        }
        observer.started.fetch_add(1, Ordering::Relaxed);
        let mut held = observer.held.lock().unwrap();
        held.retain(|other| other.strong_count() > 0);
        held.push(Arc::downgrade(me));
        // The list can have several nodes: under best effort, two nodes may work at the same time,
        // and either of them may remain the leader.
        observer.working_nodes.send_modify(|nodes| nodes.push(node));
        Self(Arc::clone(observer), node)
    }
}

impl<G: Guarantee> Drop for Running<G> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
        self.0.working_nodes.send_modify(|nodes| {
            let place = nodes.iter().position(|&node| node == self.1);
            place.map(|place| nodes.swap_remove(place));
        });
    }
}

fn lead<G: Guarantee>(elector: &Elector<G>, observer: &Arc<Observer<G>>) {
    let (elector, observer) = (elector.clone(), Arc::clone(observer));
    let node = elector.node_id();
    tokio::spawn(async move {
        let work = elector.lead(async |me| -> Infallible {
            let me = Arc::new(me);
            let _running = Running::enter(&observer, node, &me);
            let mut beat = tokio::time::interval(Duration::from_millis(1));
            loop {
                observer.check_others(&me);
                beat.tick().await;
            }
        });
        work.await
    });
}

/// Waits until the node that a majority follows as the leader runs its work. Returns this node.
async fn working<A: ElectionAlgorithm>(
    cluster: &Cluster<A>,
    observer: &Observer<A::Guarantee>,
) -> NodeId {
    let mut working_nodes = observer.working_nodes.subscribe();
    loop {
        // The present value is marked as seen before the leader is read. A successor may start to
        // work after this read and before the `select!` below: then the change is not missed.
        working_nodes.mark_unchanged();
        let leader = cluster.leader().await;
        let node = cluster.node(leader).unwrap();
        let mut status = node.subscribe();
        status.mark_unchanged();
        let works = working_nodes.borrow().contains(&leader);
        if works && node.status().holds_leadership() {
            return leader;
        }
        tokio::select! {
            _ = working_nodes.changed() => {}
            _ = status.changed() => {}
        }
    }
}

/// Returns timeouts for many elections in a short time. The time between the end of a lease (20 ms)
/// and the next election (60 ms) is long enough for a machine that is busy with other tests and so
/// notices the end of the lease late.
fn fast_timing() -> Timing {
    Timing {
        heartbeat: Duration::from_millis(8),
        lease: Duration::from_millis(20),
        election_min: Duration::from_millis(60),
        election_max: Duration::from_millis(90),
        round_trip: Duration::from_millis(4),
    }
}

async fn kill_leaders<A: ElectionAlgorithm>() {
    let kills: u32 = env::var("ELECTOR_KILLS").map_or(1000, |kills| kills.parse().unwrap());
    let mut setup = ClusterSetup::<A>::new(5);
    *setup.config.timing_mut() = fast_timing();
    let mut cluster = Cluster::start_with(setup).await.unwrap();
    let observer = Observer::new();
    for elector in cluster.running() {
        lead(elector, &observer);
    }
    let started = Instant::now();
    let mut elections = Vec::new();
    for _ in 0..kills {
        let leader = timeout(TIMEOUT, working(&cluster, &observer))
            .await
            .expect("there is a leader, and it works");
        let killed = Instant::now();
        assert!(cluster.kill(leader).await);
        let next = timeout(TIMEOUT, cluster.leader())
            .await
            .expect("there is a new leader");
        elections.push(killed.elapsed());
        assert_ne!(next, leader);
        cluster.restart(leader).await.unwrap();
        lead(cluster.node(leader).unwrap(), &observer);
    }
    elections.sort_unstable();
    println!(
        "{}: {kills} kills in {:?}, median {:?}, worst {:?}, works {}, overlaps {}",
        A::NAME,
        started.elapsed(),
        elections[elections.len() / 2],
        elections[elections.len() - 1],
        observer.started.load(Ordering::Relaxed),
        observer.overlaps.load(Ordering::Relaxed),
    );
    if A::Guarantee::KIND == GuaranteeKind::Quorum {
        assert_eq!(observer.two_holders.load(Ordering::Relaxed), 0);
        assert_eq!(observer.overlaps.load(Ordering::Relaxed), 0);
    }
    assert!(observer.started.load(Ordering::Relaxed) >= u64::from(kills));
    cluster.shutdown().await;
}

// After every kill of the leader there must be a new leader, and two nodes must never hold a lease
// at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn raft_survives_its_leaders() {
    kill_leaders::<Raft>().await;
}

// After every kill of a Paxos leader there must be a new leader, and two nodes must never hold a
// lease at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paxos_survives_its_leaders() {
    kill_leaders::<Paxos>().await;
}

// After every kill of a Bully leader there must be a new leader. Two leaders at the same time are
// allowed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bully_survives_its_leaders() {
    kill_leaders::<Bully>().await;
}

// After every kill of a Ring leader there must be a new leader. Two leaders at the same time are
// allowed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ring_survives_its_leaders() {
    kill_leaders::<Ring>().await;
}
