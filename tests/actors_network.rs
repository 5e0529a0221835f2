//! Clusters of actors on a network with faults.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by failing")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use elector_core::{
    Configuration, Delay, ElectionAlgorithm, Membership, Message, Moment, NodeId, Quorum, Timing,
    actor::{
        BoxError, Cluster, ClusterSetup, Dropped, Elector, Inbox, Links, MemoryNetwork,
        MemoryTransport, Transport,
    },
};
use elector_paxos::Paxos;
use elector_raft::{Raft, RaftConfig, RaftMessage};
use tokio::sync::mpsc;

const SOON: Duration = Duration::from_secs(60);

async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, what)
        .await
        .expect("it happens in time")
}

struct End(Arc<AtomicU64>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn cut_leaders<A: ElectionAlgorithm<Guarantee = Quorum>>() {
    let cluster = Cluster::<A>::start_with(ClusterSetup::new(5))
        .await
        .unwrap();
    let alive = Arc::new(AtomicU64::new(0));
    let (began, mut begun) = mpsc::unbounded_channel();
    for elector in cluster.running() {
        let elector = elector.clone();
        let (alive, began) = (Arc::clone(&alive), began.clone());
        tokio::spawn(async move {
            let node = elector.node_id();
            let work = |me| {
                let (alive, began) = (Arc::clone(&alive), began.clone());
                async move {
                    let others = alive.fetch_add(1, Ordering::SeqCst);
                    let _end = End(alive);
                    began.send((node, others, me))?;
                    std::future::pending().await
                }
            };
            elector.lead(work).await
        });
    }
    let (mut leader, _, mut guard) = soon(begun.recv()).await.unwrap();
    for _ in 0..10 {
        cluster.isolate(leader);
        let (next, others, next_guard) = soon(begun.recv()).await.unwrap();
        assert_ne!(next, leader);
        assert!(
            guard.token().is_err(),
            "it heard nothing, and knows by its clock"
        );
        assert_eq!(others, 0, "the work of the last leader had ended");
        assert!(next_guard.epoch() > guard.epoch());
        cluster.heal();
        (leader, guard) = (next, next_guard);
    }
    soon(cluster.shutdown()).await;
}

// A leader that is cut off gets no message that it is deposed. Its lease must end its work before
// the others have a new leader, by the clock alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_ends_without_a_message() {
    cut_leaders::<Raft>().await;
    cut_leaders::<Paxos>().await;
}

// A network that loses a tenth, and takes its time, must still elect.
#[tokio::test]
async fn a_bad_network_elects() {
    let cluster = Cluster::<Raft>::start(5).await.unwrap();
    let network = cluster.network();
    network.set_loss(0.1);
    let (min, max) = (Duration::from_millis(1), Duration::from_millis(3));
    network.set_delay(Delay::between(min, max));
    soon(cluster.leader()).await;
    cluster.heal();
    soon(cluster.leader()).await;
    soon(cluster.shutdown()).await;
}

/// Tells when heartbeats leave.
struct Spied(MemoryTransport<Raft>, mpsc::UnboundedSender<Instant>);

struct SpiedLinks(Box<dyn Links<Raft>>, mpsc::UnboundedSender<Instant>);

#[async_trait]
impl Transport<Raft> for Spied {
    async fn open(
        self: Box<Self>,
        members: &Membership,
        inbox: Inbox<Raft>,
    ) -> Result<Box<dyn Links<Raft>>, BoxError> {
        let links = Box::new(self.0).open(members, inbox).await?;
        Ok(Box::new(SpiedLinks(links, self.1)))
    }
}

impl Links<Raft> for SpiedLinks {
    fn send(&mut self, to: NodeId, message: RaftMessage) -> Result<(), Dropped> {
        if message.kind() == "Heartbeat" && to == NodeId(2) {
            // The test may have seen enough.
            let _ = self.1.send(Instant::now());
        }
        self.0.send(to, message)
    }
}

/// Memory of this process in use, in bytes.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0_u64) * 4096
}

/// So that it is not the other work of a busy machine that ends the leadership.
fn patient() -> RaftConfig {
    let mut config = RaftConfig::default();
    *config.timing_mut() = Timing {
        heartbeat: Duration::from_millis(50),
        lease: Duration::from_millis(800),
        election_min: Duration::from_millis(1000),
        election_max: Duration::from_millis(1500),
        round_trip: Duration::from_millis(500),
    };
    config
}

// A peer that floods a leader must cost it its own messages only: heartbeats go out on time, nobody
// is elected, memory stays bounded, and the counter tells.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_changes_nothing() {
    const FLOOD: Duration = Duration::from_secs(3);
    let network = MemoryNetwork::<Raft>::new([1, 2, 3].map(NodeId)).unwrap();
    let (beat, mut beats) = mpsc::unbounded_channel();
    let mut electors = Vec::new();
    for node in [1, 2, 3] {
        let spied = Spied(network.transport(), beat.clone());
        let builder = Elector::builder("flood").algorithm::<Raft>().node_id(node);
        let builder = builder.peers([1, 2, 3]).transport(spied);
        let builder = builder.config(patient());
        electors.push(builder.start().await.unwrap());
    }
    let me = soon(electors[0].campaign()).await.unwrap();
    while beats.try_recv().is_ok() {}
    let before = (resident(), electors[0].traffic());

    let stop = Arc::new(AtomicBool::new(false));
    let flooding = std::thread::spawn({
        let (network, stop) = (network.clone(), Arc::clone(&stop));
        move || {
            let term = elector_core::Epoch(0);
            let sent = Moment::ZERO;
            let mut count = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                // Dropped or not: a flood does not care.
                let stale = RaftMessage::HeartbeatAck { term, sent };
                let _ = network.inject(NodeId(3), NodeId(1), stale);
                count += 1;
            }
            count
        }
    });
    let started = Instant::now();
    let mut last = started;
    let mut worst = Duration::ZERO;
    while started.elapsed() < FLOOD {
        let beat = soon(beats.recv()).await.unwrap();
        worst = worst.max(beat.saturating_duration_since(last));
        last = beat;
    }
    stop.store(true, Ordering::Relaxed);
    let flood = flooding.join().unwrap();
    let traffic = electors[0].traffic();
    let grown = resident().saturating_sub(before.0);
    println!(
        "{flood} messages in {FLOOD:?}, {} handled, {} refused; widest gap between heartbeats \
         {worst:?}; memory grew by {} KiB",
        traffic.handled - before.1.handled,
        traffic.refused,
        grown / 1024
    );
    assert!(flood > 100_000 * FLOOD.as_secs());
    assert!(traffic.refused > 0, "the counter tells");
    // 52 ms on a machine with nothing else to do. Behind a mailbox it would be seconds.
    assert!(
        worst < Duration::from_millis(500),
        "{worst:?} between heartbeats"
    );
    assert_eq!(me.check(), Ok(()), "it has led through all of it");
    assert!(
        electors
            .iter()
            .all(|elector| elector.status().epoch == me.epoch())
    );
    assert!(grown < 32 << 20, "{grown} bytes more");
    drop(me);
    for elector in electors {
        soon(elector.shutdown()).await.unwrap();
    }
}
