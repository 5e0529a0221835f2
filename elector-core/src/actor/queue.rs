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

/// How many reports about one peer (for example of a broken connection) may wait in the queue of a
/// node.
const MAX_REPORTS_PER_PEER: u8 = 16;

/// An empty queue keeps its buffer if the buffer has room for at most this many arrivals. A flood
/// of messages makes the buffer larger. Then the queue frees the whole buffer as soon as it is
/// empty.
const MAX_IDLE_CAPACITY: usize = 1024;

/// What a transport reports about a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PeerEvent {
    /// The connection to the peer broke. The peer may still run.
    Suspicion,
    /// The node has received nothing from the peer for longer than a lease.
    Silence,
    /// The process of the peer has ended. This report is certain.
    Proof,
    /// Messages of the peer arrive again.
    Return,
}

/// A message or a report that arrived for a node.
///
/// `repr(u64)` gives the tag of the enum a whole word. With a smaller tag, a move of an arrival
/// would read a word whose parts were written separately. The processor delays such a read until
/// these writes have left its store buffer. This delay took a quarter of the time that the node
/// needs for a message.
#[derive(Debug)]
#[repr(u64)]
pub(super) enum Arrival<M> {
    Message {
        from: NodeId,
        message: M,
    },
    /// A report about the peer with this id.
    Report(NodeId, PeerEvent),
}

/// The messages and reports that wait for a node. Any thread may add to the queue, and the node
/// takes them in batches, in the order of their arrival.
///
/// The queue is separate from the actor's mailbox. A mailbox allocates memory for each message,
/// handles all of its messages before anything else, and has one bound for all senders. In this
/// queue each peer has its own share, so a peer that floods the node loses only its own messages.
///
/// No wake-up of the reader (the node) is lost, because a thread that adds an arrival and the
/// reader use the same lock. The thread either finds the waker that the sleeping reader has
/// registered, and wakes the reader, or the reader has not checked the queue yet and will find the
/// arrival. Each of them holds the lock only for a few instructions.
#[derive(Debug)]
pub(super) struct Queue<M> {
    share: u32,
    /// How many messages of each peer wait, by the place of the peer. A thread changes these counts
    /// only under the lock, but may read them without it: if the count shows that the share of a
    /// peer is used up, the thread rejects the message without the lock. So a flood of messages
    /// does not contend for the lock.
    messages: Box<[AtomicU32]>,
    /// The number of dropped messages. The handles of the node share this counter, and not the
    /// queue, because they do not know the type `M` of the messages.
    dropped: Arc<AtomicU64>,
    waiting: Mutex<Waiting<M>>,
}

#[derive(Debug)]
struct Waiting<M> {
    /// The arrivals, each with the place of its peer, which is an index into `messages` and
    /// `reports`.
    arrivals: VecDeque<(usize, Arrival<M>)>,
    /// How many reports about each peer wait.
    reports: Box<[u8]>,
    /// The waker of the reader, if the reader found nothing in the queue and sleeps.
    reader: Option<Waker>,
    is_closed: bool,
}

impl<M> Queue<M> {
    /// Creates the queue of a node with places for `nodes` nodes. At most `share` messages of each
    /// peer may wait.
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
        // A peer may break its connections faster than the node handles the reports. If a report
        // about a failed peer is lost, the node still notices the failure, but only after a
        // timeout.
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

    /// If nothing waits, registers the waker of the reader, so that the next arrival wakes the
    /// reader. Returns `true` if nothing waits.
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

    /// Closes the queue and drops all messages and reports that wait in it.
    pub(super) fn close(&self) {
        let mut waiting = self.lock();
        waiting.is_closed = true;
        for count in &self.messages {
            count.store(0, Ordering::Relaxed);
        }
        let (arrivals, reader) = (mem::take(&mut waiting.arrivals), waiting.reader.take());
        // The drop of these values may run any code, also code that takes the lock, so this
        // function must release the lock first.
        drop(waiting);
        drop((arrivals, reader));
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<M>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// Without inlining, the compiler would build the arrival outside of the queue and then copy it into
// the queue.
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

    // A peer that sends too many messages must lose only its own messages. Its share must be free
    // again when the node has taken its messages.
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

    // The memory for a flood of messages must not be kept for ever.
    #[test]
    fn an_empty_queue_frees_its_memory() {
        let queue = Queue::new(2, u32::MAX);
        for message in 0..=2 * MAX_IDLE_CAPACITY {
            assert_eq!(queue.message(1, NodeId(1), message), Ok(()));
        }
        assert_eq!(taken(&queue, usize::MAX).len(), 2 * MAX_IDLE_CAPACITY + 1);
        assert_eq!(queue.lock().arrivals.capacity(), 0);
    }

    // After a node has stopped, nothing may wait in its queue. Otherwise the messages would stay in
    // memory for as long as a transport holds the queue.
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

    /// Runs threads that write messages to a queue as fast as the reader reads, and a reader that
    /// sleeps whenever the queue is empty. Checks that the reader gets all messages, in the order
    /// of their writers.
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

    // A reader that sleeps although the queue has messages would stop its node. The first run has
    // one writer and a share of one message, so the writer waits for the reader after every
    // message. If a wake-up is lost, writer and reader wait for each other, and the test fails.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_wake_up_is_lost() {
        all_is_read(1, 1, 100_000).await;
        all_is_read(4, 8, 20_000).await;
    }
}
