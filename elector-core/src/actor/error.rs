use std::{string::String, sync::Arc, time::Duration};

use thiserror::Error;

use super::transport::BoxError;
use crate::{ContractViolation, MembershipError, Refusal, TimingError, debug_as_text};

/// Why a node could not be started. Each error names the broken rule, and what to do.
#[derive(Error)]
#[non_exhaustive]
pub enum StartError {
    /// The builder has no node id.
    #[error("no node id: call `.node_id(..)` with the id of this node")]
    NoNodeId,
    /// The builder has no peers.
    #[error("no peers: call `.peers([..])` with the ids of all nodes, including this one")]
    NoPeers,
    /// A cluster of several nodes needs a transport.
    #[error(
        "no transport: call `.transport(..)`, or `.data_dir(..)` of `NetBuilder` for TCP (feature \
         `net`); only a cluster of one node needs none"
    )]
    NoTransport,
    /// The list of nodes is not valid, for example because a node is listed twice.
    #[error("peers: {0}")]
    Membership(#[from] MembershipError),
    /// The algorithm's configuration breaks a rule.
    #[error("config: {0}")]
    Config(#[from] TimingError),
    /// The queue share is zero. The queue of the node would drop every message.
    #[error("the queue share must be more than zero messages per peer")]
    ZeroQueueShare,
    /// The saved state could not be read.
    #[error("cannot read the saved state, and without it this node could vote twice: {0}")]
    Load(#[source] BoxError),
    /// The transport could not be opened.
    #[error("cannot open the transport: {0}")]
    Open(#[source] BoxError),
    /// The operating system created no thread for the node or for its storage.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] BoxError),
    /// The node ended while it was starting, for this reason.
    #[error(transparent)]
    Node(#[from] NodeError),
}

/// Why a node stopped by itself. The node leads no epoch any more, and will not lead until it is
/// started again.
#[derive(Clone, Error)]
#[non_exhaustive]
pub enum NodeError {
    /// A save failed, so the content of the disk is unknown.
    #[error("the node stopped because its state could not be saved: {0}")]
    Storage(#[source] Arc<BoxError>),
    /// The algorithm panicked. The value is the text of the panic.
    #[error("the node stopped because its algorithm panicked: {0}")]
    Panicked(String),
    /// The algorithm broke its contract, the rules that every algorithm must keep.
    #[error("the node stopped because its algorithm broke its contract: {0}")]
    Contract(#[from] ContractViolation),
    /// The node's thread or its actor ended without a reason from the node, for example because the
    /// transport panicked.
    #[error("the node stopped because its thread ended")]
    ThreadEnded,
}

/// The leadership has ended: the node was deposed, the leadership was given back, or the lease
/// expired.
#[derive(Clone, Copy, Default, PartialEq, Eq, Error)]
#[error("this node does not lead any more")]
pub struct LeadershipLost;

/// The algorithm guarantees one leader per epoch, but has no leases under this configuration.
/// Without a lease, a leader cannot know for how long it is the only leader. So the node runs no
/// work of the leader.
#[derive(Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "{algorithm} has no leases under this configuration, and without one a leader never knows that \
     it is the only one: choose a configuration with leases, or implement `lease` and `has_lease`"
)]
pub struct NoLease {
    /// The name of the algorithm.
    pub algorithm: &'static str,
}

/// Why [`Elector::lead`](super::Elector::lead) returned before the node was shut down. The
/// leadership has been given back.
#[derive(Error)]
#[non_exhaustive]
pub enum LeadError {
    /// The algorithm has no leases under this configuration, so the node never runs the work.
    #[error(transparent)]
    NoLease(#[from] NoLease),
    /// The work returned an error while the node led.
    #[error("the work of the leader failed: {0}")]
    Work(#[source] BoxError),
    /// The work panicked. The value is the text of the panic.
    #[error("the work of the leader panicked: {0}")]
    Panicked(String),
    /// The node stopped by itself, for this reason.
    #[error(transparent)]
    Node(#[from] NodeError),
}

/// Why a command was not carried out.
#[derive(Clone, Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The algorithm has no leases under this configuration: the node may be elected, but never
    /// gives this caller a leadership.
    #[error(transparent)]
    NoLease(#[from] NoLease),
    /// The algorithm refused the command, with this reason.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// The node was shut down.
    #[error("the node was shut down")]
    ShutDown,
    /// The node stopped by itself, for this reason.
    #[error(transparent)]
    Node(#[from] NodeError),
}

impl CommandError {
    /// Returns the reason why a node that has ended carries out no command.
    pub(super) fn of_end(end: Result<(), NodeError>) -> Self {
        end.map_or_else(Into::into, |()| Self::ShutDown)
    }
}

/// Why a node did not end in the regular way after it was asked to stop. The node does not lead any
/// more.
#[derive(Clone, Error)]
#[non_exhaustive]
pub enum ShutdownError {
    /// The work had not ended in time, and was dropped. The leadership was given back after that.
    #[error(
        "the work of the leader had not ended after {0:?} and was dropped: raise the limit, or let \
         the work end when `ending()` returns"
    )]
    WorkDropped(Duration),
    /// The work had not ended in time, and could not be dropped: it blocks its thread, or no task
    /// polls the future of `lead`, or the application still has the leadership in hand. The node
    /// did not ask another node to take over.
    #[error(
        "the work of the leader had not ended after {0:?} and still runs, without its leadership: \
         end the process"
    )]
    WorkAbandoned(Duration),
    /// The node itself hangs, because its disk or its transport hangs.
    #[error(
        "the node had not stopped after {0:?} because its disk or its network hangs: end the \
         process"
    )]
    NotStopped(Duration),
    /// The node had already stopped by itself, for this reason.
    #[error(transparent)]
    Node(#[from] NodeError),
}

debug_as_text!(
    CommandError,
    LeadError,
    LeadershipLost,
    NoLease,
    NodeError,
    ShutdownError,
    StartError,
);

/// Returns the message of a panic.
pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("(no message)").into()
}
