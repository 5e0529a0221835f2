use std::sync::Arc;

use elector_core::{
    ElectionAlgorithm, MembersReport, NodeId,
    actor::{Dropped, Links},
};
use tokio::sync::mpsc::error::TrySendError;
use tokio_util::sync::DropGuard;

use crate::{
    context::NodeContext,
    links::{Outgoing, Standing},
    record::Ids,
    wire::QueuedMessage,
};

/// Sends the messages of a running node to its peers. Dropping this value closes all connections of
/// the node.
pub(super) struct TcpLinks<A: ElectionAlgorithm> {
    /// A copy of the list of links (the states of the peers), in ascending order of the ids of the
    /// peers. [`to`](Self::to) takes a new copy when it creates a link.
    all: Arc<[Outgoing]>,
    context: Arc<NodeContext<A>>,
    _shutdown: DropGuard,
}

impl<A: ElectionAlgorithm> TcpLinks<A> {
    pub(super) fn new(context: Arc<NodeContext<A>>, shutdown: DropGuard) -> Self {
        Self {
            all: context.links.all(),
            context,
            _shutdown: shutdown,
        }
    }

    fn place_of(&self, node: NodeId) -> Option<usize> {
        let place = self
            .all
            .binary_search_by_key(&node, |outgoing| outgoing.link.node);
        place.ok()
    }

    /// Returns the link to a node, which is the state of this peer, with the queue of its messages.
    /// If the members can change, creates a missing link, because the node may have just become a
    /// peer.
    fn to(&mut self, node: NodeId) -> Option<&Outgoing> {
        if self.place_of(node).is_none() && A::CHANGES_MEMBERS {
            self.context.link_to(node)?;
            self.all = self.context.links.all();
        }
        self.place_of(node).map(|place| &self.all[place])
    }
}

impl<A: ElectionAlgorithm> Links<A> for TcpLinks<A> {
    fn send(&mut self, to: NodeId, message: A::Message) -> Result<(), Dropped> {
        let Outgoing { link, queue } = self.to(to).ok_or(Dropped::Closed)?;
        if !link.is_outgoing_open() {
            return Err(Dropped::Closed);
        }
        let message = QueuedMessage::encode(&message).ok_or(Dropped::TooLarge)?;
        queue.try_send(message).map_err(|error| match error {
            TrySendError::Full(_) => Dropped::Full,
            TrySendError::Closed(_) => Dropped::Closed,
        })
    }

    fn members_changed(&mut self, report: &MembersReport) {
        self.context.links.set_members(report);
        log_members(self.context.me(), report);
        let (me, disk) = (self.context.me(), self.context.hello.disk);
        if let Standing::Voter(Some(known)) = self.context.links.standing(me)
            && known != disk
        {
            tracing::warn!(
                node = me.0, %known, found = %disk,
                "this node has come back with another disk, so it does not vote: if its old disk \
                 is lost, use `elector members readmit {me}`"
            );
        }
    }
}

/// Logs the list of members that the algorithm has just reported to this node's transport.
fn log_members(me: NodeId, report: &MembersReport) {
    let voters = report.voters();
    let (roster, voters) = (report.roster, Ids(&voters));
    match &report.goal {
        _ if report.roster.version == 0 => tracing::info!(
            node = me.0,
            "this node joins a cluster: it votes when `elector members add {me}` has added it"
        ),
        Some(goal) => tracing::info!(
            node = me.0, %roster, %voters, goal = %Ids(goal), "members change"
        ),
        None => tracing::info!(node = me.0, %roster, %voters, "members known"),
    }
}
