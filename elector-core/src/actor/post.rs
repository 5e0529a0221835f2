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

/// How many hints at one peer may wait.
const MOST_HINTS: u8 = 16;

/// How many arrivals an emptied queue keeps room for. After a flood it gives the rest back.
const KEPT: usize = 1024;

/// What a host tells of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hint {
    /// The connection broke: it may be wrong.
    Suspicion,
    /// Nothing was heard for longer than a lease.
    Silence,
    /// The process has ended: it is certain.
    Proof,
    /// It is heard again.
    Return,
}

/// Something that came for a node from outside.
#[derive(Debug)]
pub(super) enum Arrival<M> {
    Message {
        from: NodeId,
        message: M,
    },
    /// Whether this peer is believed to be gone.
    Hint(NodeId, Hint),
}

/// What waits for a node: put there from any thread, taken by the node in batches, in the order in
/// which it came.
///
/// It stands beside the actor's mailbox, which takes an allocation for each message, serves all
/// that is in it before anything else, and knows one bound for everybody. Here each peer has a
/// share of its own, so that one that floods the node loses its own messages and nobody else's.
///
/// All that is added and taken is so under one lock, held for a few instructions, so that no
/// wake-up can be lost: the thread that adds something either finds the waker of a reader, or a
/// reader that has yet to look.
#[derive(Debug)]
pub(super) struct Post<M> {
    share: u32,
    /// How many messages of each peer wait. Changed under the lock only; read without it by a peer
    /// whose share is used up, so that a flood does not contend for the lock.
    messages: Box<[AtomicU32]>,
    /// Shared with the handles of the node, which do not know the type of the messages.
    dropped: Arc<AtomicU64>,
    waiting: Mutex<Waiting<M>>,
}

#[derive(Debug)]
struct Waiting<M> {
    /// With the position of its peer in the membership.
    arrivals: VecDeque<(usize, Arrival<M>)>,
    /// How many hints at each peer.
    hints: Box<[u8]>,
    /// Of a reader that found nothing.
    reader: Option<Waker>,
    closed: bool,
}

impl<M> Post<M> {
    /// For a cluster of so many nodes, and so many messages of each.
    pub(super) fn new(nodes: usize, share: u32) -> Self {
        Self {
            share,
            messages: (0..nodes).map(|_| AtomicU32::new(0)).collect(),
            dropped: Arc::default(),
            waiting: Mutex::new(Waiting {
                arrivals: VecDeque::new(),
                hints: (0..nodes).map(|_| 0).collect(),
                reader: None,
                closed: false,
            }),
        }
    }

    /// Adds a message of the peer at `place`.
    pub(super) fn message(&self, place: usize, from: NodeId, message: M) -> Result<(), Dropped> {
        let count = self.messages.get(place).ok_or(Dropped::UnknownPeer)?;
        if count.load(Ordering::Relaxed) >= self.share {
            return self.refuse();
        }
        let waiting = self.lock();
        if waiting.closed {
            return Err(Dropped::Closed);
        }
        let known = count.load(Ordering::Relaxed);
        if known >= self.share {
            drop(waiting);
            return self.refuse();
        }
        count.store(known + 1, Ordering::Relaxed);
        add(waiting, place, Arrival::Message { from, message });
        Ok(())
    }

    fn refuse(&self) -> Result<(), Dropped> {
        self.drops();
        Err(Dropped::Full)
    }

    /// Adds a hint at the peer at `place`, unless there are enough of them.
    pub(super) fn hint(&self, place: usize, peer: NodeId, hint: Hint) {
        let mut waiting = self.lock();
        if waiting.closed {
            return;
        }
        // A peer may break its connections faster than the node can hear of it. A lost hint costs
        // a timeout.
        if let Some(count) = waiting.hints.get_mut(place)
            && *count < MOST_HINTS
        {
            *count += 1;
            add(waiting, place, Arrival::Hint(peer, hint));
        }
    }

    /// Takes up to so many arrivals, the oldest first.
    pub(super) fn take(&self, most: usize, into: &mut Vec<Arrival<M>>) {
        let mut waiting = self.lock();
        let waiting = &mut *waiting;
        let taken = waiting.arrivals.len().min(most);
        let (messages, hints) = (&self.messages, &mut waiting.hints);
        into.extend(waiting.arrivals.drain(..taken).map(|(place, arrival)| {
            match arrival {
                Arrival::Message { .. } => {
                    let known = messages[place].load(Ordering::Relaxed);
                    messages[place].store(known - 1, Ordering::Relaxed);
                }
                Arrival::Hint(..) => hints[place] -= 1,
            }
            arrival
        }));
        if waiting.arrivals.is_empty() && waiting.arrivals.capacity() > KEPT {
            waiting.arrivals = VecDeque::new();
        }
    }

    /// Lets the next arrival wake the reader, if nothing waits; whether that is so.
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

    /// A message was taken, and dropped after all.
    pub(super) fn drops(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// The count of the messages that were dropped so far.
    pub(super) fn dropped(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.dropped)
    }

    /// Nobody takes anything any more.
    pub(super) fn close(&self) {
        let mut waiting = self.lock();
        waiting.closed = true;
        for count in &self.messages {
            count.store(0, Ordering::Relaxed);
        }
        let (arrivals, reader) = (mem::take(&mut waiting.arrivals), waiting.reader.take());
        // What these do when they are dropped is not ours to know.
        drop(waiting);
        drop((arrivals, reader));
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<M>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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

    fn taken<M>(post: &Post<M>, most: usize) -> Vec<Arrival<M>> {
        let mut taken = Vec::new();
        post.take(most, &mut taken);
        taken
    }

    // A peer that floods must lose its own messages only, and have its share again when they are
    // taken.
    #[test]
    fn each_peer_has_a_share() {
        let post = Post::new(3, 2);
        for message in 0..3 {
            let fits = post.message(1, NodeId(1), message);
            assert_eq!(fits.is_ok(), message < 2, "{fits:?}");
        }
        assert_eq!(post.message(2, NodeId(2), 7), Ok(()));
        assert_eq!(post.message(3, NodeId(9), 7), Err(Dropped::UnknownPeer));
        assert_eq!(post.dropped().load(Ordering::Relaxed), 1);
        assert_eq!(taken(&post, 1).len(), 1);
        assert_eq!(post.message(1, NodeId(1), 3), Ok(()));
        assert_eq!(post.message(1, NodeId(1), 4), Err(Dropped::Full));
        assert_eq!(taken(&post, 9).len(), 3);
    }

    // A hint must not overtake what the peer said with its last breath, and too many of them must
    // not fill the memory.
    #[test]
    fn hints_come_after_messages_and_are_few() {
        let post = Post::new(2, 9);
        assert_eq!(post.message(1, NodeId(1), 'm'), Ok(()));
        for _ in 0..100 {
            post.hint(1, NodeId(1), Hint::Suspicion);
        }
        let taken = taken(&post, 1000);
        assert!(matches!(taken[0], Arrival::Message { message: 'm', .. }));
        assert_eq!(taken.len(), 1 + usize::from(MOST_HINTS));
        post.hint(1, NodeId(1), Hint::Suspicion);
        post.take(9, &mut Vec::new());
        assert!(post.sleep(Waker::noop()));
    }

    // The room that a flood needed must not be kept for ever.
    #[test]
    fn room_is_given_back() {
        let post = Post::new(2, u32::MAX);
        for message in 0..=2 * KEPT {
            assert_eq!(post.message(1, NodeId(1), message), Ok(()));
        }
        assert_eq!(taken(&post, usize::MAX).len(), 2 * KEPT + 1);
        assert_eq!(post.lock().arrivals.capacity(), 0);
    }

    // After its node has stopped nothing must wait there for ever.
    #[test]
    fn what_waits_is_dropped_at_the_end() {
        let (post, message) = (Post::new(2, 9), Arc::new(()));
        assert_eq!(post.message(1, NodeId(1), Arc::clone(&message)), Ok(()));
        post.close();
        assert_eq!(Arc::strong_count(&message), 1);
        assert_eq!(post.message(1, NodeId(1), message), Err(Dropped::Closed));
        post.hint(1, NodeId(1), Hint::Suspicion);
        assert!(taken(&post, 9).is_empty());
    }

    /// Writers that write as fast as it is read, and a reader that sleeps whenever it may.
    async fn all_is_read(writers: usize, share: u32, messages: u64) {
        let post = Arc::new(Post::new(writers, share));
        for place in 0..writers {
            let post = Arc::clone(&post);
            thread::spawn(move || {
                for message in 0..messages {
                    while post.message(place, NodeId(0), (place, message)).is_err() {
                        thread::yield_now();
                    }
                }
            });
        }
        let mut next = std::vec![0; writers];
        let (mut batch, mut sleeps) = (Vec::new(), 0_u64);
        let reading = poll_fn(|task| {
            loop {
                post.take(7, &mut batch);
                for arrival in batch.drain(..) {
                    let Arrival::Message { message, .. } = arrival else {
                        unreachable!("nobody gave a hint");
                    };
                    assert_eq!(message.1, next[message.0], "in its writer's order");
                    next[message.0] += 1;
                }
                if next.iter().all(|&next| next == messages) {
                    return Poll::Ready(());
                }
                if post.sleep(task.waker()) {
                    sleeps += 1;
                    return Poll::Pending;
                }
            }
        });
        let read = timeout(Duration::from_secs(60), reading).await;
        read.expect("a sleeping reader is woken");
        assert!(sleeps > 0, "it was never put to the test");
    }

    // A reader that sleeps with something to read would leave a node deaf. With one writer that has
    // to wait for the reader at every message, the first wake-up that is lost is the last.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_wake_up_is_lost() {
        all_is_read(1, 1, 100_000).await;
        all_is_read(4, 8, 20_000).await;
    }
}
