use std::{
    boxed::Box,
    collections::VecDeque,
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    task::Waker,
    vec::Vec,
};

use super::transport::Dropped;
use crate::NodeId;

/// How many reports about one peer may wait.
const MAX_REPORTS_PER_PEER: u8 = 16;

/// An empty queue keeps its memory if it has room for at most this many arrivals. After a flood the
/// room is larger, and the queue frees all of it.
const MAX_IDLE_CAPACITY: usize = 1024;

/// What a transport reports about a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PeerEvent {
    /// The connection broke. The report may be wrong.
    Suspicion,
    /// Nothing was received for longer than a lease.
    Silence,
    /// The process has ended. The report is certain.
    Proof,
    /// Messages of the peer arrive again.
    Return,
}

/// A message or a report that arrived for a node.
///
/// The tag takes a whole word, so a move of an arrival reads no word that was written in parts.
/// Such a read waits until the writes have left the store buffer of the processor. It took a
/// quarter of the time of a message.
#[derive(Debug)]
#[repr(u64)]
pub(super) enum Arrival<M> {
    Message {
        from: NodeId,
        message: M,
    },
    /// A report about this peer.
    Report(NodeId, PeerEvent),
}

/// The messages and reports that wait for a node. Any thread may add to the queue, and the node
/// takes them in batches, in the order of their arrival.
///
/// The queue is separate from the actor's mailbox. A mailbox allocates memory for each message,
/// handles all of its messages before anything else, and has one bound for all senders. Here each
/// peer has its own share. A peer that floods the node loses only its own messages.
///
/// Adding and taking hold the same lock for a few instructions, so no wake-up is lost: the thread
/// that adds something either finds the waker of the reader, or the reader has not checked the
/// queue yet.
#[derive(Debug)]
pub(super) struct Queue<M> {
    share: u32,
    /// How many messages of each peer wait. These counts are changed only under the lock. If the
    /// share of a peer is used up, a read of its count without the lock is enough to reject a
    /// message. So a flood does not contend for the lock.
    messages: Box<[AtomicU32]>,
    /// The number of dropped messages. The handles of the node share it, and they do not know the
    /// type of the messages.
    dropped: Arc<AtomicU64>,
    waiting: Mutex<Waiting<M>>,
}

#[derive(Debug)]
struct Waiting<M> {
    /// The arrivals, each with the place of its peer.
    arrivals: VecDeque<(usize, Arrival<M>)>,
    /// How many reports about each peer wait.
    reports: Box<[u8]>,
    /// The waker of a reader that found nothing.
    reader: Option<Waker>,
    is_closed: bool,
}

impl<M> Queue<M> {
    /// Creates the queue of a node with places for this number of nodes, and with this share of
    /// messages for each peer.
    pub(super) fn new(nodes: usize, share: u32) -> Self {
        Self {
            share,
            messages: (0..nodes).map(|_| AtomicU32::new(0)).collect(),
            dropped: Arc::default(),
            waiting: Mutex::new(Waiting {
                arrivals: VecDeque::new(),
                reports: (0..nodes).map(|_| 0).collect(),
                reader: None,
                is_closed: false,
            }),
        }
    }

    /// Adds a message of the peer at `place`.
    pub(super) fn message(&self, place: usize, from: NodeId, message: M) -> Result<(), Dropped> {
        let count = self.messages.get(place).ok_or(Dropped::UnknownPeer)?;
        if count.load(Ordering::Relaxed) >= self.share {
            return self.reject_full();
        }
        let waiting = self.lock();
        if waiting.is_closed {
            return Err(Dropped::Closed);
        }
        let known = count.load(Ordering::Relaxed);
        if known >= self.share {
            drop(waiting);
            return self.reject_full();
        }
        count.store(known + 1, Ordering::Relaxed);
        add(waiting, place, Arrival::Message { from, message });
        Ok(())
    }

    fn reject_full(&self) -> Result<(), Dropped> {
        self.count_drop();
        Err(Dropped::Full)
    }

    /// Adds a report about the peer at `place`, unless too many reports about this peer wait
    /// already.
    pub(super) fn report(&self, place: usize, peer: NodeId, report: PeerEvent) {
        let mut waiting = self.lock();
        if waiting.is_closed {
            return;
        }
        // A peer may break its connections faster than the node handles the reports. A lost report
        // costs one timeout.
        if let Some(count) = waiting.reports.get_mut(place)
            && *count < MAX_REPORTS_PER_PEER
        {
            *count += 1;
            add(waiting, place, Arrival::Report(peer, report));
        }
    }

    /// Takes up to `most` arrivals, the oldest first.
    pub(super) fn take(&self, most: usize, into: &mut Vec<Arrival<M>>) {
        let mut waiting = self.lock();
        let waiting = &mut *waiting;
        let taken = waiting.arrivals.len().min(most);
        let (messages, reports) = (&self.messages, &mut waiting.reports);
        into.extend(waiting.arrivals.drain(..taken).map(|(place, arrival)| {
            match arrival {
                Arrival::Message { .. } => {
                    let known = messages[place].load(Ordering::Relaxed);
                    messages[place].store(known - 1, Ordering::Relaxed);
                }
                Arrival::Report(..) => reports[place] -= 1,
            }
            arrival
        }));
        if waiting.arrivals.is_empty() && waiting.arrivals.capacity() > MAX_IDLE_CAPACITY {
            waiting.arrivals = VecDeque::new();
        }
    }

    /// Registers the reader to be woken by the next arrival, if nothing waits. Returns `true` if
    /// nothing waits.
    pub(super) fn sleep(&self, reader: &Waker) -> bool {
        let mut waiting = self.lock();
        let empty = waiting.arrivals.is_empty();
        if empty
            && !waiting
                .reader
                .as_ref()
                .is_some_and(|known| known.will_wake(reader))
        {
            waiting.reader = Some(reader.clone());
        }
        empty
    }

    /// Counts a message that was dropped, before or after the node took it from the queue.
    pub(super) fn count_drop(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the count of the messages that were dropped so far.
    pub(super) fn dropped(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.dropped)
    }

    /// Closes the queue and drops everything that waits.
    pub(super) fn close(&self) {
        let mut waiting = self.lock();
        waiting.is_closed = true;
        for count in &self.messages {
            count.store(0, Ordering::Relaxed);
        }
        let (arrivals, reader) = (mem::take(&mut waiting.arrivals), waiting.reader.take());
        // Dropping these values may run any code, so the lock must be released first.
        drop(waiting);
        drop((arrivals, reader));
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<M>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// Without inlining, the arrival would be built first and then moved into the queue.
#[inline(always)]
fn add<M>(mut waiting: MutexGuard<'_, Waiting<M>>, place: usize, arrival: Arrival<M>) {
    waiting.arrivals.push_back((place, arrival));
    let reader = waiting.reader.take();
    drop(waiting);
    if let Some(reader) = reader {
        reader.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, task::Poll, thread, time::Duration};

    use tokio::time::timeout;

    use super::*;

    fn taken<M>(queue: &Queue<M>, most: usize) -> Vec<Arrival<M>> {
        let mut taken = Vec::new();
        queue.take(most, &mut taken);
        taken
    }

    // A peer that floods must lose only its own messages. Its share must be free again when the
    // node has taken its messages.
    #[test]
    fn each_peer_has_a_share() {
        let queue = Queue::new(3, 2);
        for message in 0..3 {
            let fits = queue.message(1, NodeId(1), message);
            assert_eq!(fits.is_ok(), message < 2, "{fits:?}");
        }
        assert_eq!(queue.message(2, NodeId(2), 7), Ok(()));
        assert_eq!(queue.message(3, NodeId(9), 7), Err(Dropped::UnknownPeer));
        assert_eq!(queue.dropped().load(Ordering::Relaxed), 1);
        assert_eq!(taken(&queue, 1).len(), 1);
        assert_eq!(queue.message(1, NodeId(1), 3), Ok(()));
        assert_eq!(queue.message(1, NodeId(1), 4), Err(Dropped::Full));
        assert_eq!(taken(&queue, 9).len(), 3);
    }

    // A report must not overtake the last messages of the peer, and too many reports must not fill
    // the memory.
    #[test]
    fn reports_come_after_messages_and_are_bounded() {
        let queue = Queue::new(2, 9);
        assert_eq!(queue.message(1, NodeId(1), 'm'), Ok(()));
        for _ in 0..100 {
            queue.report(1, NodeId(1), PeerEvent::Suspicion);
        }
        let taken = taken(&queue, 1000);
        assert!(matches!(taken[0], Arrival::Message { message: 'm', .. }));
        assert_eq!(taken.len(), 1 + usize::from(MAX_REPORTS_PER_PEER));
        queue.report(1, NodeId(1), PeerEvent::Suspicion);
        queue.take(9, &mut Vec::new());
        assert!(queue.sleep(Waker::noop()));
    }

    // Memory for a flood must not be kept for ever.
    #[test]
    fn an_empty_queue_frees_its_memory() {
        let queue = Queue::new(2, u32::MAX);
        for message in 0..=2 * MAX_IDLE_CAPACITY {
            assert_eq!(queue.message(1, NodeId(1), message), Ok(()));
        }
        assert_eq!(taken(&queue, usize::MAX).len(), 2 * MAX_IDLE_CAPACITY + 1);
        assert_eq!(queue.lock().arrivals.capacity(), 0);
    }

    // After its node has stopped, nothing may wait in the queue.
    #[test]
    fn closing_the_queue_drops_what_waits() {
        let (queue, message) = (Queue::new(2, 9), Arc::new(()));
        assert_eq!(queue.message(1, NodeId(1), Arc::clone(&message)), Ok(()));
        queue.close();
        assert_eq!(Arc::strong_count(&message), 1);
        assert_eq!(queue.message(1, NodeId(1), message), Err(Dropped::Closed));
        queue.report(1, NodeId(1), PeerEvent::Suspicion);
        assert!(taken(&queue, 9).is_empty());
    }

    /// Runs writers that write as fast as the reader reads, and a reader that sleeps whenever it
    /// may.
    async fn all_is_read(writers: usize, share: u32, messages: u64) {
        let queue = Arc::new(Queue::new(writers, share));
        for place in 0..writers {
            let queue = Arc::clone(&queue);
            thread::spawn(move || {
                for message in 0..messages {
                    while queue.message(place, NodeId(0), (place, message)).is_err() {
                        thread::yield_now();
                    }
                }
            });
        }
        let mut next = std::vec![0; writers];
        let (mut batch, mut sleeps) = (Vec::new(), 0_u64);
        let reading = poll_fn(|task| {
            loop {
                queue.take(7, &mut batch);
                for arrival in batch.drain(..) {
                    let Arrival::Message { message, .. } = arrival else {
                        unreachable!("the test adds no report");
                    };
                    assert_eq!(message.1, next[message.0], "in the order of their writer");
                    next[message.0] += 1;
                }
                if next.iter().all(|&next| next == messages) {
                    return Poll::Ready(());
                }
                if queue.sleep(task.waker()) {
                    sleeps += 1;
                    return Poll::Pending;
                }
            }
        });
        let read = timeout(Duration::from_secs(60), reading).await;
        read.expect("a sleeping reader is woken");
        assert!(sleeps > 0, "the reader never slept");
    }

    // A reader that sleeps although the queue has messages would stop its node. With one writer
    // that waits for the reader at every message, the first lost wake-up blocks both.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_wake_up_is_lost() {
        all_is_read(1, 1, 100_000).await;
        all_is_read(4, 8, 20_000).await;
    }
}
