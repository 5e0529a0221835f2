use std::{
    boxed::Box,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use actix::Recipient;
use async_trait::async_trait;
use thiserror::Error;

use crate::{ElectionAlgorithm, Membership, NodeId};

/// An error of the application, of a transport or of a storage: anything that can be shown.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How a node reaches its peers: the seam for networks.
#[async_trait]
pub trait Transport<A: ElectionAlgorithm>: Send + 'static {
    /// Connects the local node of `members`. From now on what peers say goes to `inbox`, and so do
    /// broken connections. Runs on the node's own thread, in a tokio runtime: tasks spawned there
    /// run beside the node. Peers need not be there yet.
    ///
    /// # Errors
    /// If the node cannot take part at all (an address that is taken); the node does not start.
    async fn open(
        self: Box<Self>,
        members: &Membership,
        inbox: Inbox<A>,
    ) -> Result<Box<dyn Links<A>>, BoxError>;
}

/// The open links of a node. Dropped when the node stops, which must close them.
pub trait Links<A: ElectionAlgorithm>: Send {
    /// Sends a message, or gives up at once: it is called in the middle of a step, and must never
    /// block. A lost message is legal and a late node is not.
    ///
    /// # Errors
    /// Why the message is known to be lost already. It is counted, and nothing else is done.
    fn send(&mut self, to: NodeId, message: A::Message) -> Result<(), Dropped>;
}

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Error)]
#[non_exhaustive]
pub enum Dropped {
    /// Too many messages of this sender wait already.
    #[error("too many messages of this peer wait already")]
    Full,
    /// There is no connection, or the receiver has stopped.
    #[error("the receiver is not there")]
    Gone,
    /// The sender is not a member, or is the receiver itself.
    #[error("the sender is not a peer")]
    Stranger,
    /// Lost on purpose, by a network that plays faults.
    #[error("lost on purpose")]
    Fault,
}

/// A message on its way into a node's mailbox.
#[derive(Debug)]
pub(super) struct Delivery<M> {
    /// The position of the sender in the membership.
    pub(super) place: usize,
    pub(super) from: NodeId,
    pub(super) message: M,
}

impl<M: 'static> actix::Message for Delivery<M> {
    type Result = ();
}

/// A peer's connection broke.
#[derive(Debug)]
pub(super) struct Hint(pub(super) NodeId);

impl actix::Message for Hint {
    type Result = ();
}

/// Where a transport puts what arrives for a node. Cheap to clone; may be used from any thread.
pub struct Inbox<A: ElectionAlgorithm> {
    members: Membership,
    deliveries: Recipient<Delivery<A::Message>>,
    hints: Recipient<Hint>,
    waiting: Arc<Waiting>,
}

/// How many messages of each peer wait in the mailbox. Each has a share of its own, so that one
/// that floods the node loses its own messages and nobody else's.
///
/// What has come in is counted by the senders and what was taken out by the node, apart from each
/// other: one counter for both would move between their processors at every message.
#[derive(Debug)]
pub(super) struct Waiting {
    senders: Box<[Sender]>,
    /// How many messages of each have left the mailbox; wraps.
    taken: Box<[AtomicU32]>,
    share: u32,
    dropped: AtomicU64,
}

/// What the senders' side counts of one peer.
#[derive(Debug, Default)]
struct Sender {
    /// How many of its messages came in; wraps.
    put: AtomicU32,
    /// How many of them had been taken when somebody last looked.
    seen: AtomicU32,
}

impl Waiting {
    pub(super) fn new(members: &Membership, share: u32) -> Arc<Self> {
        let places = 0..members.len();
        Arc::new(Self {
            senders: places.clone().map(|_| Sender::default()).collect(),
            taken: places.map(|_| AtomicU32::new(0)).collect(),
            share,
            dropped: AtomicU64::new(0),
        })
    }

    /// Reserves room for a message of the peer at `place`; whether there was any.
    fn put(&self, place: usize) -> bool {
        let Sender { put, seen } = &self.senders[place];
        let before = put.fetch_add(1, Ordering::Relaxed);
        // Below zero where others have put and the node has taken since: then there is room, too.
        let fits = |taken: u32| {
            let waiting = before.wrapping_sub(taken).cast_signed();
            i64::from(waiting) < i64::from(self.share)
        };
        if fits(seen.load(Ordering::Relaxed)) {
            return true;
        }
        let taken = self.taken[place].load(Ordering::Relaxed);
        seen.store(taken, Ordering::Relaxed);
        let room = fits(taken);
        if !room {
            self.put_back(place);
        }
        room
    }

    /// The message that room was reserved for did not come in.
    fn put_back(&self, place: usize) {
        self.senders[place].put.fetch_sub(1, Ordering::Relaxed);
    }

    /// A message of the peer at `place` left the mailbox. Only the node itself may call this.
    pub(super) fn taken(&self, place: usize) {
        // Nobody else writes it, so it need not be one atomic operation.
        let taken = &self.taken[place];
        taken.store(
            taken.load(Ordering::Relaxed).wrapping_add(1),
            Ordering::Relaxed,
        );
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl<A: ElectionAlgorithm> Inbox<A> {
    pub(super) fn new(
        members: Membership,
        deliveries: Recipient<Delivery<A::Message>>,
        hints: Recipient<Hint>,
        waiting: Arc<Waiting>,
    ) -> Self {
        Self {
            members,
            deliveries,
            hints,
            waiting,
        }
    }

    /// The node that this is the inbox of.
    #[must_use]
    pub fn owner(&self) -> NodeId {
        self.members.me()
    }

    /// Delivers a message of the peer `from`, whom the transport has authenticated.
    ///
    /// # Errors
    /// If it was dropped, and why.
    pub fn deliver(&self, from: NodeId, message: A::Message) -> Result<(), Dropped> {
        match self.members.position(from) {
            Some(place) if from != self.members.me() => self.deliver_at(place, from, message),
            _ => Err(Dropped::Stranger),
        }
    }

    pub(super) fn deliver_at(
        &self,
        place: usize,
        from: NodeId,
        message: A::Message,
    ) -> Result<(), Dropped> {
        if !self.waiting.put(place) {
            return self.refuse(Dropped::Full);
        }
        let delivery = Delivery {
            place,
            from,
            message,
        };
        let why = match self.deliveries.try_send(delivery) {
            Ok(()) => return Ok(()),
            Err(actix::prelude::SendError::Full(_)) => Dropped::Full,
            Err(actix::prelude::SendError::Closed(_)) => Dropped::Gone,
        };
        self.waiting.put_back(place);
        self.refuse(why)
    }

    fn refuse(&self, why: Dropped) -> Result<(), Dropped> {
        if why == Dropped::Full {
            self.waiting.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Err(why)
    }

    /// Tells the node that the connection to `peer` broke, or that its process is gone. It may be
    /// wrong: a hint starts an election early, and never decides one.
    pub fn suspect(&self, peer: NodeId) {
        // Not bounded: there are as many as connections break, and a lost one costs a timeout.
        self.hints.do_send(Hint(peer));
    }
}

impl<A: ElectionAlgorithm> Clone for Inbox<A> {
    fn clone(&self) -> Self {
        Self {
            members: self.members.clone(),
            deliveries: self.deliveries.clone(),
            hints: self.hints.clone(),
            waiting: Arc::clone(&self.waiting),
        }
    }
}

impl<A: ElectionAlgorithm> fmt::Debug for Inbox<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox")
            .field("owner", &self.owner())
            .finish_non_exhaustive()
    }
}
