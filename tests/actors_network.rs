//! Clusters of actors on a faulty network.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

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

const TIMEOUT: Duration = Duration::from_secs(60);

async fn in_time<T>(event: impl Future<Output = T>) -> T {
    tokio::time::timeout(TIMEOUT, event)
        .await
        .expect("it happens in time")
}

struct CountOnDrop(Arc<AtomicU64>);

impl Drop for CountOnDrop {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn cut_leaders<A: ElectionAlgorithm<Guarantee = Quorum>>() {
    let cluster = Cluster::<A>::start_with(ClusterSetup::new(5))
        .await
        .unwrap();
    let running = Arc::new(AtomicU64::new(0));
    let (began, mut begun) = mpsc::unbounded_channel();
    for elector in cluster.running() {
        let elector = elector.clone();
        let (running, began) = (Arc::clone(&running), began.clone());
        tokio::spawn(async move {
            let node = elector.node_id();
            let work = |me| {
                let (running, began) = (Arc::clone(&running), began.clone());
                async move {
                    let others = running.fetch_add(1, Ordering::SeqCst);
                    let _end = CountOnDrop(running);
                    began.send((node, others, me))?;
                    std::future::pending().await
                }
            };
            elector.lead(work).await
        });
    }
    let (mut leader, _, mut leadership) = in_time(begun.recv()).await.unwrap();
    for _ in 0..10 {
        cluster.isolate(leader);
        let (next, others, next_leadership) = in_time(begun.recv()).await.unwrap();
        assert_ne!(next, leader);
        assert!(
            leadership.token().is_err(),
            "its lease ended by its own clock"
        );
        assert_eq!(others, 0, "the work of the old leader had ended");
        assert!(next_leadership.epoch() > leadership.epoch());
        cluster.heal();
        (leader, leadership) = (next, next_leadership);
    }
    in_time(cluster.shutdown()).await;
}

// A leader that is cut off gets no message about its successor. By its own clock, the end of the
// lease must end its work before there is a new leader.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_ends_without_a_message() {
    cut_leaders::<Raft>().await;
    cut_leaders::<Paxos>().await;
}

// A cluster must elect a leader although the network loses a tenth of the messages and delays the
// others.
#[tokio::test]
async fn a_bad_network_elects() {
    let cluster = Cluster::<Raft>::start(5).await.unwrap();
    let network = cluster.network();
    network.set_loss(0.1);
    let (min, max) = (Duration::from_millis(1), Duration::from_millis(3));
    network.set_delay(Delay::between(min, max));
    in_time(cluster.leader()).await;
    cluster.heal();
    in_time(cluster.leader()).await;
    in_time(cluster.shutdown()).await;
}

/// A transport that reports the times of heartbeats.
struct ObservedTransport(MemoryTransport<Raft>, mpsc::UnboundedSender<Instant>);

struct ObservedLinks(Box<dyn Links<Raft>>, mpsc::UnboundedSender<Instant>);

#[async_trait]
impl Transport<Raft> for ObservedTransport {
    async fn open(
        self: Box<Self>,
        members: &Membership,
        inbox: Inbox<Raft>,
    ) -> Result<Box<dyn Links<Raft>>, BoxError> {
        let links = Box::new(self.0).open(members, inbox).await?;
        Ok(Box::new(ObservedLinks(links, self.1)))
    }
}

impl Links<Raft> for ObservedLinks {
    fn send(&mut self, to: NodeId, message: RaftMessage) -> Result<(), Dropped> {
        if message.kind() == "Heartbeat" && to == NodeId(2) {
            // The receiver is closed at the end of the test.
            let _ = self.1.send(Instant::now());
        }
        self.0.send(to, message)
    }
}

/// Returns the resident memory of this process, in bytes.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0_u64) * 4096
}

/// Returns a configuration with long timeouts, so that other load on the machine does not end the
/// leadership.
fn patient_config() -> RaftConfig {
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

// If a peer floods a leader, only its own messages are lost: heartbeats are on time, there is no
// election, the memory is bounded, and the counter counts the losses.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_does_not_disturb_the_leader() {
    const FLOOD: Duration = Duration::from_secs(3);
    let network = MemoryNetwork::<Raft>::new([1, 2, 3].map(NodeId)).unwrap();
    let (beat, mut beats) = mpsc::unbounded_channel();
    let mut electors = Vec::new();
    for node in [1, 2, 3] {
        let transport = ObservedTransport(network.transport(), beat.clone());
        let builder = Elector::builder("flood").algorithm::<Raft>().node_id(node);
        let builder = builder.peers([1, 2, 3]).transport(transport);
        let builder = builder.config(patient_config());
        electors.push(builder.start().await.unwrap());
    }
    let me = in_time(electors[0].campaign()).await.unwrap();
    while beats.try_recv().is_ok() {}
    let before = (resident_bytes(), electors[0].traffic());

    let stop = Arc::new(AtomicBool::new(false));
    let flooding = std::thread::spawn({
        let (network, stop) = (network.clone(), Arc::clone(&stop));
        move || {
            let term = elector_core::Epoch(0);
            let sent = Moment::ZERO;
            let mut count = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                // The result does not matter: a message may be dropped.
                let stale = RaftMessage::HeartbeatAck { term, sent };
                let _ = network.inject(NodeId(3), NodeId(1), stale);
                count += 1;
            }
            count
        }
    });
    let started = Instant::now();
    let mut last = started;
    let mut max_gap = Duration::ZERO;
    while started.elapsed() < FLOOD {
        let beat = in_time(beats.recv()).await.unwrap();
        max_gap = max_gap.max(beat.saturating_duration_since(last));
        last = beat;
    }
    stop.store(true, Ordering::Relaxed);
    let flood = flooding.join().unwrap();
    let traffic = electors[0].traffic();
    let grown = resident_bytes().saturating_sub(before.0);
    println!(
        "{flood} messages in {FLOOD:?}, {} handled, {} refused; widest gap between heartbeats \
         {max_gap:?}; memory grew by {} KiB",
        traffic.handled - before.1.handled,
        traffic.refused,
        grown / 1024
    );
    assert!(flood > 100_000 * FLOOD.as_secs());
    assert!(traffic.refused > 0, "the counter counts");
    // It is 52 ms on an idle machine. With a single mailbox it would be seconds.
    assert!(
        max_gap < Duration::from_millis(500),
        "{max_gap:?} between heartbeats"
    );
    assert_eq!(me.check(), Ok(()), "it led the whole time");
    assert!(
        electors
            .iter()
            .all(|elector| elector.status().epoch == me.epoch())
    );
    assert!(grown < 32 << 20, "{grown} bytes more");
    drop(me);
    for elector in electors {
        in_time(elector.shutdown()).await.unwrap();
    }
}
