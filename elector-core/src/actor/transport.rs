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
    /// Connects this node, which is [`members.me()`](Membership::me), to its peers. From now on the
    /// transport passes messages of peers, and reports of broken connections, to `inbox`. This
    /// method runs on the node's own thread, in a tokio runtime. Tasks that it spawns run on the
    /// same thread as the node. The peers need not be reachable when this method returns.
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
    /// step, so it must never block: the algorithm tolerates a lost message, but a node that waits
    /// sends its heartbeats late.
    ///
    /// # Errors
    /// The reason, if the message is already known to be lost. The node only counts the lost
    /// message.
    fn send(&mut self, to: NodeId, message: A::Message) -> Result<(), Dropped>;

    /// Receives what the node knows about the members. If the members can change, the node calls
    /// this method at its start and after each change of the members. The default implementation
    /// ignores the report, which is right for a transport whose members are fixed.
    fn members_changed(&mut self, _report: &MembersReport) {}
}

/// Why a message was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Error)]
#[non_exhaustive]
pub enum Dropped {
    /// Too many messages of this sender are waiting for the receiver.
    #[error("too many messages of this peer are waiting")]
    Full,
    /// There is no connection, or the receiver has stopped.
    #[error("there is no connection to the receiver")]
    Closed,
    /// The sender is not a member, or is the receiver itself.
    #[error("the sender is not a peer")]
    UnknownPeer,
    /// The message is longer than a frame of the transport may be.
    #[error("the message is too large")]
    TooLarge,
    /// The message was lost on purpose, by a network with simulated faults.
    #[error("lost on purpose")]
    Fault,
}

/// The inbox of a node, for its transport. An inbox is cheap to clone and may be used from any
/// thread.
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

    /// Delivers a message of the peer `from` to the node. The transport must have authenticated
    /// this peer as the sender.
    ///
    /// # Errors
    /// The reason, if the message was dropped.
    pub fn deliver(&self, from: NodeId, message: A::Message) -> Result<(), Dropped> {
        let place = self.places.of(from).ok_or(Dropped::UnknownPeer)?;
        self.deliver_at(place, from, message)
    }

    /// Does the same as [`deliver`](Self::deliver), if the place of `from` in the queue of the node
    /// is already known.
    pub(super) fn deliver_at(
        &self,
        place: usize,
        from: NodeId,
        message: A::Message,
    ) -> Result<(), Dropped> {
        self.queue.message(place, from, message)
    }

    /// Reports that the connection to `peer` broke. This report is a suspicion, which may be wrong:
    /// the peer may still run. So the algorithm may prepare an election, but does not shorten the
    /// vigil: the time for which a voter supports no other node, because the leader may hold a
    /// lease. The node handles the report after the messages that the transport delivered before
    /// it. See [`Input::Suspected`](crate::Input::Suspected).
    pub fn suspect(&self, peer: NodeId) {
        self.report(peer, PeerEvent::Suspicion);
    }

    /// Reports that nothing was received from `peer` for longer than a lease, by the clock of this
    /// machine. See [`Input::Silent`](crate::Input::Silent).
    pub fn silent(&self, peer: NodeId) {
        self.report(peer, PeerEvent::Silence);
    }

    /// Reports that the last known life of `peer` (one process, from its start to its end) has
    /// ended. The report must be certain: after it, the node may support another leader
    /// immediately, although a lease of that life has not expired. The node handles the report
    /// after the messages that the transport delivered before it. After the report the transport
    /// must deliver no message of that life. See [`Input::Died`](crate::Input::Died).
    pub fn died(&self, peer: NodeId) {
        self.report(peer, PeerEvent::Proof);
    }

    /// Reports that messages of `peer` arrive again, after a report by [`suspect`](Self::suspect),
    /// [`silent`](Self::silent) or [`died`](Self::died). See
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
