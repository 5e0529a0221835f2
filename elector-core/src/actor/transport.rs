use std::{boxed::Box, fmt, sync::Arc};

use async_trait::async_trait;
use thiserror::Error;

use super::{
    places::Places,
    queue::{PeerEvent, Queue},
};
use crate::{ElectionAlgorithm, MembersReport, Membership, NodeId};

/// An error of the application, of a transport or of a storage, of any type.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How a node reaches its peers: the interface for networks.
#[async_trait]
pub trait Transport<A: ElectionAlgorithm>: Send + 'static {
    /// Connects the local node of `members`. From now on the transport passes messages of peers,
    /// and reports of broken connections, to `inbox`. This method runs on the node's own thread, in
    /// a tokio runtime. Tasks that it spawns run on the same thread as the node. Peers need not be
    /// reachable yet.
    ///
    /// # Errors
    /// If the node cannot take part at all, for example because its address is in use. Then the
    /// node does not start.
    async fn open(
        self: Box<Self>,
        members: &Membership,
        inbox: Inbox<A>,
    ) -> Result<Box<dyn Links<A>>, BoxError>;
}

/// The open connections of a node. The node drops this value when it stops, and the drop must close
/// the connections.
pub trait Links<A: ElectionAlgorithm>: Send {
    /// Sends a message, or drops it immediately. The node calls this method in the middle of a
    /// step, so it must never block: a lost message is legal, but a late node is not.
    ///
    /// # Errors
    /// The reason, if the message is already known to be lost. The node counts the message, and
    /// does nothing else.
    fn send(&mut self, to: NodeId, message: A::Message) -> Result<(), Dropped>;

    /// Takes what the node knows about the members, at the start and after each change. The default
    /// ignores it, for transports to fixed members.
    fn members_changed(&mut self, _report: &MembersReport) {}
}

/// Why a message was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Error)]
#[non_exhaustive]
pub enum Dropped {
    /// Too many messages of this sender are waiting.
    #[error("too many messages of this peer are waiting")]
    Full,
    /// There is no connection, or the receiver has stopped.
    #[error("there is no connection to the receiver")]
    Closed,
    /// The sender is not a member, or is the receiver itself.
    #[error("the sender is not a peer")]
    UnknownPeer,
    /// The message does not fit into a frame.
    #[error("the message is too large")]
    TooLarge,
    /// The message was lost on purpose, by a network with simulated faults.
    #[error("lost on purpose")]
    Fault,
}

/// The inbox of a node, for its transport. It is cheap to clone and may be used from any thread.
pub struct Inbox<A: ElectionAlgorithm> {
    places: Arc<Places>,
    queue: Arc<Queue<A::Message>>,
}

impl<A: ElectionAlgorithm> Inbox<A> {
    pub(super) fn new(places: Arc<Places>, queue: Arc<Queue<A::Message>>) -> Self {
        Self { places, queue }
    }

    /// Returns the node that owns this inbox.
    #[must_use]
    pub fn owner(&self) -> NodeId {
        self.places.me()
    }

    /// Delivers a message of the peer `from`, which the transport has authenticated.
    ///
    /// # Errors
    /// The reason, if the message was dropped.
    pub fn deliver(&self, from: NodeId, message: A::Message) -> Result<(), Dropped> {
        let place = self.places.of(from).ok_or(Dropped::UnknownPeer)?;
        self.deliver_at(place, from, message)
    }

    /// Does the same as [`deliver`](Self::deliver), if the position of `from` in the membership is
    /// already known.
    pub(super) fn deliver_at(
        &self,
        place: usize,
        from: NodeId,
        message: A::Message,
    ) -> Result<(), Dropped> {
        self.queue.message(place, from, message)
    }

    /// Reports that the connection to `peer` broke. The report may be wrong: a suspicion prepares
    /// an election, but does not shorten the silence that a node owes to a lease. The node handles
    /// the report after the messages that the peer sent before. See
    /// [`Input::Suspected`](crate::Input::Suspected).
    pub fn suspect(&self, peer: NodeId) {
        self.report(peer, PeerEvent::Suspicion);
    }

    /// Reports that nothing was received from `peer` for longer than a lease, by the clock of this
    /// machine. See [`Input::Silent`](crate::Input::Silent).
    pub fn silent(&self, peer: NodeId) {
        self.report(peer, PeerEvent::Silence);
    }

    /// Reports that the last known life of `peer` has ended. The report must be certain: the node
    /// supports another leader without a wait for the lease of that life. The node handles the
    /// report after the messages that were delivered before. After the report the transport must
    /// deliver no message of that life. See [`Input::Died`](crate::Input::Died).
    pub fn died(&self, peer: NodeId) {
        self.report(peer, PeerEvent::Proof);
    }

    /// Reports that messages of `peer` arrive again, after one of the three reports above. See
    /// [`Input::Returned`](crate::Input::Returned).
    pub fn returned(&self, peer: NodeId) {
        self.report(peer, PeerEvent::Return);
    }

    fn report(&self, peer: NodeId, event: PeerEvent) {
        if let Some(place) = self.places.of(peer) {
            self.queue.report(place, peer, event);
        }
    }
}

impl<A: ElectionAlgorithm> Clone for Inbox<A> {
    fn clone(&self) -> Self {
        Self {
            places: Arc::clone(&self.places),
            queue: Arc::clone(&self.queue),
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
