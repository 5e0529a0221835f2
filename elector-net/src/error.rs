use std::{io, net::SocketAddr};

use elector_core::{NodeId, debug_as_text};
use thiserror::Error;

/// The reason why a node's network cannot be opened.
/// [`StartError::Open`](elector_core::actor::StartError::Open) contains this error.
///
/// The text of this error contains the error of the operating system, so `source` returns `None`.
#[derive(Error)]
#[non_exhaustive]
pub enum NetError {
    /// The list of peers gives no address for this node.
    #[error("node {0} has no address: give each peer its address, as in (1, \"db1:7100\")")]
    NoAddress(NodeId),
    /// The node has no address to listen on.
    #[error(
        "this node has no address to listen on: give one with --listen (HOST:PORT, or :PORT for \
         all addresses of this machine), or in a program with `.listen(..)`"
    )]
    NoListenAddress,
    /// Two nodes in the list of peers have the same address.
    #[error(
        "nodes {one} and {other} both have the address {address}: give each node an address of its \
         own"
    )]
    SameAddress {
        /// The first of the two nodes with the same address.
        one: NodeId,
        /// The second of the two nodes with the same address.
        other: NodeId,
        /// The address that both nodes have in the list.
        address: String,
    },
    /// The address to listen on cannot be resolved to a socket address.
    #[error("cannot resolve the address {address:?} to listen on: {error}")]
    Unknown {
        /// The address to listen on, as it was configured.
        address: String,
        /// The error of the lookup of this address.
        error: io::Error,
    },
    /// Another process listens at the address, or the address does not belong to this machine.
    #[error(
        "cannot listen on {address}: {error}; is another node running there, or is it the address \
         of another machine?"
    )]
    Listen {
        /// The address to listen on.
        address: SocketAddr,
        /// The error of the operating system.
        error: io::Error,
    },
    /// Other machines can reach the address to listen on, and the node has no TLS. So every process
    /// that reaches the port could pose as a peer, and vote.
    #[error(
        "{0} can be reached from other machines, and without TLS every process that reaches it can \
         pose as a peer: set up TLS, or listen on a loopback address, or allow plain text"
    )]
    Plaintext(SocketAddr),
    /// A peer is on another machine, and the node has no TLS. So the node cannot know which process
    /// answers at the peer's address.
    #[error(
        "node {node} is on another machine, at {address}, and without TLS every host on the way \
         can pose as it: set up TLS, or allow plain text"
    )]
    PlaintextPeer {
        /// The id of the peer.
        node: NodeId,
        /// The address of the peer.
        address: SocketAddr,
    },
    /// The [`RecordHandle`](crate::RecordHandle) in [`Tcp::record`](crate::Tcp::record) belongs to
    /// a storage that has not loaded its record.
    #[error("the record handle is of another storage than the node's: the record was not loaded")]
    NotLoaded,
    /// The node's durable record names other nodes than the list with which the node was started.
    #[error(
        "the node was given the nodes {given}, and its record names {recorded}: use the record \
         handle of the node's own storage"
    )]
    OtherNodes {
        /// The list of nodes with which the node was started.
        given: String,
        /// The nodes that the record names.
        recorded: String,
    },
    /// The settings of the failure detection ([`Detection`](crate::Detection)) break a rule, which
    /// the field describes.
    #[error("failure detection: {0}")]
    Detection(String),
    /// The name of the cluster is too long to be sent in the handshake of a connection. The field
    /// is its length in bytes.
    #[error("the name of the cluster is {0} bytes long: use at most {MAX_NAME_BYTES} bytes")]
    NameTooLong(usize),
    /// The operating system, or the function of
    /// [`Tcp::before_listening`](crate::Tcp::before_listening), returned an error while the node
    /// prepared to accept connections.
    #[error("cannot use the socket: {0}")]
    Socket(io::Error),
}

debug_as_text!(NetError);

/// The maximum length of a cluster's name, in bytes.
pub(crate) const MAX_NAME_BYTES: usize = 256;
