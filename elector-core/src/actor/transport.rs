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
    /// It does not fit into a frame.
    #[error("the message is too large")]
    TooLarge,
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
pub(super) struct Hint {
    /// The position of the peer in the membership.
    pub(super) place: usize,
    pub(super) peer: NodeId,
}

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

/// How many hints at one peer may wait.
const MOST_HINTS: u32 = 16;

/// How many messages of each peer wait in the mailbox. Each has a share of its own, so that one
/// that floods the node loses its own messages and nobody else's.
#[derive(Debug)]
pub(super) struct Waiting {
    of: Box<[AtomicU32]>,
    hints: Box<[AtomicU32]>,
    share: u32,
    dropped: AtomicU64,
}

impl Waiting {
    pub(super) fn new(members: &Membership, share: u32) -> Arc<Self> {
        let none = || (0..members.len()).map(|_| AtomicU32::new(0)).collect();
        Arc::new(Self {
            of: none(),
            hints: none(),
            share,
            dropped: AtomicU64::new(0),
        })
    }

    /// A message of the peer at `place` left the mailbox.
    pub(super) fn taken(&self, place: usize) {
        self.of[place].fetch_sub(1, Ordering::Relaxed);
    }

    /// A hint at the peer at `place` left the mailbox.
    pub(super) fn hint_taken(&self, place: usize) {
        self.hints[place].fetch_sub(1, Ordering::Relaxed);
    }

    /// A message was dropped.
    pub(super) fn drops(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
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
        let waiting = &self.waiting.of[place];
        if waiting.fetch_add(1, Ordering::Relaxed) >= self.waiting.share {
            return self.refuse(place, Dropped::Full);
        }
        let delivery = Delivery {
            place,
            from,
            message,
        };
        match self.deliveries.try_send(delivery) {
            Ok(()) => Ok(()),
            Err(actix::prelude::SendError::Full(_)) => self.refuse(place, Dropped::Full),
            Err(actix::prelude::SendError::Closed(_)) => self.refuse(place, Dropped::Gone),
        }
    }

    fn refuse(&self, place: usize, why: Dropped) -> Result<(), Dropped> {
        self.waiting.taken(place);
        if why == Dropped::Full {
            self.waiting.drops();
        }
        Err(why)
    }

    /// Tells the node that the connection to `peer` broke, or that its process is gone. It may be
    /// wrong: a hint starts an election early, and never decides one.
    pub fn suspect(&self, peer: NodeId) {
        let Some(place) = self.members.position(peer) else {
            return;
        };
        // A peer may break its connections faster than the node can hear of it. A lost hint costs
        // a timeout.
        if self.waiting.hints[place].fetch_add(1, Ordering::Relaxed) < MOST_HINTS {
            self.hints.do_send(Hint { place, peer });
        } else {
            self.waiting.hint_taken(place);
        }
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
