use std::{boxed::Box, fmt, sync::Arc};

use async_trait::async_trait;
use thiserror::Error;

use super::post::{Hint, Post};
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

/// Where a transport puts what arrives for a node. Cheap to clone; may be used from any thread.
pub struct Inbox<A: ElectionAlgorithm> {
    members: Membership,
    post: Arc<Post<A::Message>>,
}

impl<A: ElectionAlgorithm> Inbox<A> {
    pub(super) fn new(members: Membership, post: Arc<Post<A::Message>>) -> Self {
        Self { members, post }
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
            _ => Err(Dropped::UnknownPeer),
        }
    }

    /// As [`deliver`](Self::deliver), for whoever knows the position of `from` in the membership.
    pub(super) fn deliver_at(
        &self,
        place: usize,
        from: NodeId,
        message: A::Message,
    ) -> Result<(), Dropped> {
        self.post.message(place, from, message)
    }

    /// Tells the node that the connection to `peer` broke. It may be wrong: a suspicion prepares
    /// an election, and shortens no silence that a node owes to a lease. The node hears of it after
    /// what that peer said before. See [`Input::Suspected`](crate::Input::Suspected).
    pub fn suspect(&self, peer: NodeId) {
        self.hint(peer, Hint::Suspicion);
    }

    /// Tells the node that nothing at all was heard of `peer` for longer than a lease, by the clock
    /// of this machine. See [`Input::Silent`](crate::Input::Silent).
    pub fn silent(&self, peer: NodeId) {
        self.hint(peer, Hint::Silence);
    }

    /// Tells the node that the life of `peer` that it has heard last has ended. This must be
    /// certain: the node elects another leader without waiting for the lease of that one. The node
    /// hears of it after what that life said before, and must hear nothing of that life
    /// afterwards. See [`Input::Died`](crate::Input::Died).
    pub fn died(&self, peer: NodeId) {
        self.hint(peer, Hint::Proof);
    }

    /// Tells the node that `peer` is heard again, after one of the three above was told. See
    /// [`Input::Returned`](crate::Input::Returned).
    pub fn returned(&self, peer: NodeId) {
        self.hint(peer, Hint::Return);
    }

    fn hint(&self, peer: NodeId, hint: Hint) {
        if let Some(place) = self.members.position(peer) {
            self.post.hint(place, peer, hint);
        }
    }
}

impl<A: ElectionAlgorithm> Clone for Inbox<A> {
    fn clone(&self) -> Self {
        Self {
            members: self.members.clone(),
            post: Arc::clone(&self.post),
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
