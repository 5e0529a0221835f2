use std::{string::String, sync::Arc, time::Duration};

use thiserror::Error;

use super::transport::BoxError;
use crate::{ContractViolation, MembershipError, Refusal, TimingError};

/// Why a node could not be started. Each names the rule that is broken, and what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The builder was not told who this node is.
    #[error("no node id: call `.node_id(..)` with this node's own id")]
    NoNodeId,
    /// The builder was not told who takes part.
    #[error("no peers: call `.peers([..])` with the ids of all nodes, this one's among them")]
    NoPeers,
    /// A cluster of several nodes needs a way between them.
    #[error("no transport: call `.transport(..)`; only a cluster of one node can do without")]
    NoTransport,
    /// The nodes are no cluster.
    #[error("peers: {0}")]
    Membership(#[from] MembershipError),
    /// The algorithm's configuration breaks a rule.
    #[error("config: {0}")]
    Config(#[from] TimingError),
    /// A mailbox that holds nothing delivers nothing.
    #[error("the mailbox share must be more than zero messages a peer")]
    NoMailbox,
    /// What was saved could not be read.
    #[error("the saved state could not be read, and without it this node could vote twice: {0}")]
    Load(#[source] BoxError),
    /// The transport could not be opened.
    #[error("the transport could not be opened: {0}")]
    Open(#[source] BoxError),
    /// The operating system gave no thread.
    #[error("a thread could not be started: {0}")]
    Thread(#[source] BoxError),
    /// The node ended while it was starting.
    #[error(transparent)]
    Node(#[from] NodeError),
}

/// Why a node stopped by itself. It leads nothing any more, and never will until started anew.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum NodeError {
    /// A save failed: what is on the disk is not known.
    #[error("the node stopped, for its state could not be saved: {0}")]
    Storage(#[source] Arc<BoxError>),
    /// The algorithm panicked.
    #[error("the node stopped, for its algorithm panicked: {0}")]
    Panicked(String),
    /// The algorithm broke its contract.
    #[error("the node stopped, for its algorithm broke its contract: {0}")]
    Contract(#[from] ContractViolation),
    /// Its thread ended under it.
    #[error("the node's thread ended under it")]
    ThreadEnded,
}

/// A leadership is over: the node was deposed, it was given back, or its lease ran out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Error)]
#[error("this node does not lead any more")]
pub struct LeadershipLost;

/// The algorithm keeps several leaders of one epoch apart, but under this configuration it has no
/// leases: a leader cannot know for how long no other leads. Nothing is run under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "{algorithm} has no leases under this configuration, and without one a leader never knows that \
     it is the only one: choose a configuration with leases, or implement `lease` and `has_lease`"
)]
pub struct NoLease {
    /// The algorithm.
    pub algorithm: &'static str,
}

/// Why [`Elector::lead`](super::Elector::lead) returned before the node was shut down. Leadership
/// has been given back.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LeadError {
    /// The algorithm has no lease.
    #[error(transparent)]
    NoLease(#[from] NoLease),
    /// The work returned an error while the node led.
    #[error("the work of the leader failed: {0}")]
    Work(#[source] BoxError),
    /// The work panicked.
    #[error("the work of the leader panicked: {0}")]
    Panicked(String),
    /// The node stopped by itself.
    #[error(transparent)]
    Node(#[from] NodeError),
}

/// Why a command was not carried out.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The algorithm has no lease: the node may be elected, and never leads for this caller.
    #[error(transparent)]
    NoLease(#[from] NoLease),
    /// The algorithm refused it, in its own words.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// The node was shut down.
    #[error("the node was shut down")]
    ShutDown,
    /// The node stopped by itself.
    #[error(transparent)]
    Node(#[from] NodeError),
}

/// Why a node did not end in good order, though it was told to. It leads nothing any more.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum ShutdownError {
    /// The work had not ended in time, and was dropped where it was. The leadership was given back
    /// after that.
    #[error(
        "the work of the leader had not ended after {0:?} and was dropped: give it longer, or let \
         it look at `ending()`"
    )]
    WorkDropped(Duration),
    /// The work had not ended in time, and could not be dropped either: it blocks its thread, or
    /// nobody polls the future of `lead`, or a guard is still in hand. No other node was asked to
    /// take over.
    #[error(
        "the work of the leader had not ended after {0:?} and goes on, without its leadership: \
         end the process"
    )]
    WorkAbandoned(Duration),
    /// The node itself hangs: its disk, or its transport.
    #[error(
        "the node had not stopped after {0:?}, for its disk or its network hangs: end the process"
    )]
    NotStopped(Duration),
    /// It had stopped by itself before.
    #[error(transparent)]
    Node(#[from] NodeError),
}

/// What a panic said.
pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("(it said nothing)").into()
}
