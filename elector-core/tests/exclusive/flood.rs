//! Tests a leader under a flood of messages.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use elector_core::{
    Configuration, Epoch, Membership, Message, Moment, NodeId,
    actor::{BoxError, Dropped, Elector, Inbox, Links, MemoryNetwork, MemoryTransport, Transport},
};
use elector_raft::{Raft, RaftConfig, RaftMessage};
use tokio::sync::mpsc;

use crate::{
    EXCLUSIVE,
    support::{in_time, patient_timing},
};

/// A transport in memory that also sends the time of each heartbeat to node 2 to a channel.
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
            // This fails only at the end of the test, when the receiver of the channel is closed.
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

// If a peer floods a leader, only messages of this peer are lost: heartbeats are on time, there is
// no election, the memory is bounded, and the counter of refused messages counts the lost ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_does_not_disturb_the_leader() {
    let _exclusive = EXCLUSIVE.lock().await;
    const FLOOD: Duration = Duration::from_secs(3);
    let network = MemoryNetwork::<Raft>::new([1, 2, 3].map(NodeId)).unwrap();
    let (beat, mut beats) = mpsc::unbounded_channel();
    let mut config = RaftConfig::default();
    *config.timing_mut() = patient_timing();
    let mut electors = Vec::new();
    for node in [1, 2, 3] {
        let transport = ObservedTransport(network.transport(), beat.clone());
        let builder = Elector::builder("flood").algorithm::<Raft>().node_id(node);
        let builder = builder.peers([1, 2, 3]).transport(transport);
        let builder = builder.config(config.clone());
        electors.push(builder.start().await.unwrap());
    }
    let me = in_time(electors[0].campaign()).await.unwrap();
    while beats.try_recv().is_ok() {}
    let before = (resident_bytes(), electors[0].traffic());

    let stop = Arc::new(AtomicBool::new(false));
    let flooding = std::thread::spawn({
        let (network, stop) = (network.clone(), Arc::clone(&stop));
        move || {
            let term = Epoch::ZERO;
            let sent = Moment::ZERO;
            let mut count = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                // The network may drop this message, because the queue of node 1 is full. So the
                // result does not matter.
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
    // On an idle machine, the widest gap between two heartbeats is 52 ms. If all peers of a node
    // shared one queue, the gap would be seconds.
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
