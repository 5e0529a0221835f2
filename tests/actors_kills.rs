//! The leader is killed again and again: a new one every time, and never two at work.
//!
//! 1,000 kills of each algorithm; `ELECTOR_KILLS=100 cargo test --test actors_kills` for fewer.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by failing")]

use std::{
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
use tokio::sync::watch;

const SOON: Duration = Duration::from_secs(30);

/// What the closures of all nodes know of each other.
#[derive(Debug)]
struct Watch<G: Guarantee> {
    /// Closures alive now.
    alive: AtomicI64,
    begun: AtomicU64,
    /// How often one began while another was alive.
    overlaps: AtomicU64,
    /// How often two held a valid leadership at once.
    two_holders: AtomicU64,
    held: Mutex<Vec<Weak<Leadership<G>>>>,
    /// The nodes whose closures are alive.
    at_work: watch::Sender<Vec<NodeId>>,
}

impl<G: Guarantee> Watch<G> {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            alive: AtomicI64::new(0),
            begun: AtomicU64::new(0),
            overlaps: AtomicU64::new(0),
            two_holders: AtomicU64::new(0),
            held: Mutex::new(Vec::new()),
            at_work: watch::Sender::new(Vec::new()),
        })
    }

    /// Looks at each other one between two looks at this one: if this one held before and after,
    /// it held in between.
    fn look(&self, me: &Arc<Leadership<G>>) {
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

/// A closure that is alive.
struct Alive<G: Guarantee>(Arc<Watch<G>>, NodeId);

impl<G: Guarantee> Alive<G> {
    fn enter(watch: &Arc<Watch<G>>, node: NodeId, me: &Arc<Leadership<G>>) -> Self {
        if watch.alive.fetch_add(1, Ordering::SeqCst) > 0 {
            watch.overlaps.fetch_add(1, Ordering::Relaxed);
        }
        watch.begun.fetch_add(1, Ordering::Relaxed);
        let mut held = watch.held.lock().unwrap();
        held.retain(|other| other.strong_count() > 0);
        held.push(Arc::downgrade(me));
        // Best effort: two may be at work, and the first of them may be the one that stays.
        watch.at_work.send_modify(|nodes| nodes.push(node));
        Self(Arc::clone(watch), node)
    }
}

impl<G: Guarantee> Drop for Alive<G> {
    fn drop(&mut self) {
        self.0.alive.fetch_sub(1, Ordering::SeqCst);
        self.0.at_work.send_modify(|nodes| {
            let place = nodes.iter().position(|&node| node == self.1);
            place.map(|place| nodes.swap_remove(place));
        });
    }
}

fn lead<G: Guarantee>(elector: &Elector<G>, watch: &Arc<Watch<G>>) {
    let (elector, watch) = (elector.clone(), Arc::clone(watch));
    let node = elector.node_id();
    tokio::spawn(async move {
        let work = |me| {
            let watch = Arc::clone(&watch);
            async move {
                let me = Arc::new(me);
                let _alive = Alive::enter(&watch, node, &me);
                let mut beat = tokio::time::interval(Duration::from_millis(1));
                loop {
                    watch.look(&me);
                    beat.tick().await;
                }
            }
        };
        elector.lead(work).await
    });
}

/// Waits until the leader that a majority follows is at work.
async fn working<A: ElectionAlgorithm>(
    cluster: &Cluster<A>,
    watch: &Watch<A::Guarantee>,
) -> NodeId {
    let mut at_work = watch.at_work.subscribe();
    loop {
        // Noted before the leader is: its successor may be at work before this task goes on.
        at_work.mark_unchanged();
        let leader = cluster.leader().await;
        let node = cluster.node(leader).unwrap();
        let mut status = node.subscribe();
        status.mark_unchanged();
        let works = at_work.borrow().contains(&leader);
        if works && node.status().holds_leadership() {
            return leader;
        }
        tokio::select! {
            _ = at_work.changed() => {}
            _ = status.changed() => {}
        }
    }
}

/// Short enough for many elections, and with room between the end of a lease and the next leader
/// for a machine that is busy with other tests.
fn brisk() -> Timing {
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
    *setup.config.timing_mut() = brisk();
    let mut cluster = Cluster::start_with(setup).await.unwrap();
    let watch = Watch::new();
    for elector in cluster.running() {
        lead(elector, &watch);
    }
    let started = Instant::now();
    let mut elections = Vec::new();
    for _ in 0..kills {
        let leader = tokio::time::timeout(SOON, working(&cluster, &watch))
            .await
            .expect("there is a leader, and it works");
        let killed = Instant::now();
        assert!(cluster.kill(leader).await);
        let next = tokio::time::timeout(SOON, cluster.leader())
            .await
            .expect("there is a new leader");
        elections.push(killed.elapsed());
        assert_ne!(next, leader);
        cluster.restart(leader).await.unwrap();
        lead(cluster.node(leader).unwrap(), &watch);
    }
    elections.sort_unstable();
    println!(
        "{}: {kills} kills in {:?}, median {:?}, worst {:?}, closures {}, overlaps {}",
        A::NAME,
        started.elapsed(),
        elections[elections.len() / 2],
        elections[elections.len() - 1],
        watch.begun.load(Ordering::Relaxed),
        watch.overlaps.load(Ordering::Relaxed),
    );
    if A::Guarantee::KIND == GuaranteeKind::Quorum {
        assert_eq!(watch.two_holders.load(Ordering::Relaxed), 0);
        assert_eq!(watch.overlaps.load(Ordering::Relaxed), 0);
    }
    assert!(watch.begun.load(Ordering::Relaxed) >= u64::from(kills));
    cluster.shutdown().await;
}

// Raft: every kill of the leader must give a new one, and two must never hold a lease.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn raft_survives_its_leaders() {
    kill_leaders::<Raft>().await;
}

// The same for Paxos.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paxos_survives_its_leaders() {
    kill_leaders::<Paxos>().await;
}

// Bully promises a new leader too, and nothing about two of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bully_survives_its_leaders() {
    kill_leaders::<Bully>().await;
}

// The same for Ring.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ring_survives_its_leaders() {
    kill_leaders::<Ring>().await;
}
