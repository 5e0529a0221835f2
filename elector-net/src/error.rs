use std::{io, net::SocketAddr};

use elector_core::NodeId;
use thiserror::Error;

/// Why a node's network cannot be opened. Found inside
/// [`StartError::Open`](elector_core::actor::StartError::Open).
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NetError {
    /// A node has no address.
    #[error("node {0} has no address: name the peers with theirs, as in (1, \"db1:7100\")")]
    NoAddress(NodeId),
    /// Two nodes have the same address.
    #[error(
        "the nodes {one} and {other} both have the address {address}: give each node its own, or \
         one of them cannot be reached"
    )]
    SameAddress {
        /// The first of them.
        one: NodeId,
        /// The other one.
        other: NodeId,
        /// What both have.
        address: String,
    },
    /// The address to listen on is not that of a socket.
    #[error("cannot find out what {address:?} is the address of: {source}")]
    Unknown {
        /// As it was given.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// Somebody else listens there, or it is no address of this machine.
    #[error(
        "cannot listen on {address}: {source}; is another node running there, or is it the address \
         of another machine?"
    )]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Without TLS everybody who reaches the port may vote.
    #[error(
        "{0} can be reached from other machines, and without TLS whoever reaches it can pose as a \
         peer: set up TLS, or listen on a loopback address, or say that plain text is wanted"
    )]
    Plaintext(SocketAddr),
    /// Without TLS this node cannot know who answers at the address of another machine.
    #[error(
        "node {node} is on another machine, at {address}, and without TLS every host on the way \
         can pose as it: set up TLS, or say that plain text is wanted"
    )]
    PlaintextPeer {
        /// The peer.
        node: NodeId,
        /// Its address.
        address: SocketAddr,
    },
    /// The record handle is of a storage that was not loaded.
    #[error("the record handle is of another storage than the node's: the record was not loaded")]
    NotLoaded,
    /// The record is of another list of nodes.
    #[error(
        "the node was given the nodes {given}, and its record names {recorded}: use the record \
         handle of the node's own storage"
    )]
    OtherNodes {
        /// The nodes of the node.
        given: String,
        /// The nodes of the record.
        recorded: String,
    },
    /// The failure detection breaks a rule.
    #[error("failure detection: {0}")]
    Detection(String),
    /// The name of the cluster does not fit into a greeting.
    #[error("the name of the cluster is {0} bytes long, and may have {MOST_NAME} at most")]
    NameTooLong(usize),
    /// The socket cannot be used.
    #[error("cannot use the socket: {0}")]
    Socket(#[source] io::Error),
}

/// The longest name of a cluster, in bytes.
pub(crate) const MOST_NAME: usize = 256;
