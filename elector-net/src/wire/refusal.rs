use elector_core::NodeId;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::list::NodeList;
use crate::record::DiskId;

/// Why a connection is not let in, as one side tells it to the other. Appended to, never changed:
/// it goes over the wire.
///
/// Both sides tell it, each in a text of its own: [`Display`](std::fmt::Display) is that of the
/// side that rejects, in which "it" is the other side; [`ByPeer`](super::ByPeer) is that of the
/// side that is rejected.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[non_exhaustive]
pub(crate) enum Refusal {
    /// The versions of the side that is rejected.
    #[error(
        "it speaks versions {min} to {max} of the protocol, and this node others: upgrade the \
         older side by one release at a time"
    )]
    Version { min: u16, max: u16 },
    /// The cluster of the side that rejects.
    #[error(
        "it does not belong to the cluster {0:?} of this node: correct the address, or the \
         cluster's name"
    )]
    Cluster(String),
    /// The algorithm of the side that rejects.
    #[error(
        "it does not run {0:?}, as this node does: all nodes of a cluster must run the same \
         algorithm"
    )]
    Algorithm(String),
    #[error(
        "its options of the algorithm are not those of this node: give all nodes the same \
         configuration"
    )]
    Options,
    /// `theirs` is the list of the side that is rejected.
    #[error(
        "its list of nodes is {theirs}, and this node's is {ours}: give it the list of its \
         cluster. A list is changed while all nodes are stopped, with `elector members`"
    )]
    Members { theirs: NodeList, ours: NodeList },
    /// The id of the side that is rejected.
    #[error("it says that it is node {0}, which is no peer of this node: correct its id")]
    NotAPeer(NodeId),
    /// The node that the side that is rejected has looked for.
    #[error("it looks for node {0}, which is not this node: correct its list of addresses")]
    WrongNode(NodeId),
    /// The lease of one side and the silence of the other one.
    #[error(
        "the lease of one side ({lease_us} µs) is not shorter than the silence that the other side \
         keeps ({silence_us} µs): lower leases first, on all nodes, then timeouts"
    )]
    Timing { lease_us: u64, silence_us: u64 },
    /// The id of the side that is rejected.
    #[error("its certificate does not name node {0}: issue it one that does")]
    Certificate(NodeId),
    /// The id of the side that is rejected.
    #[error(
        "another process is connected as node {0}: stop one of them; each node needs an id of its \
         own"
    )]
    Claimed(NodeId),
    #[error("what it sent is no hello")]
    Garbage,
    #[error("it played back a hello of another connection")]
    Replayed,
    #[error("it said nothing in time")]
    Silent,
    #[error("too many connections from addresses of peers wait to be let in")]
    Busy,
    #[error("the TLS handshake failed")]
    Tls,
    /// As [`Members`](Self::Members).
    #[error(
        "its list of nodes is {theirs}, and this node's is {ours}: one of them was not changed. \
         Stop all nodes, and give them the same list and generation with `elector members`"
    )]
    Generation { theirs: NodeList, ours: NodeList },
    /// The id of the side that is rejected, the disk that the other side knows of it, and the disk
    /// that it has.
    #[error(
        "it has the disk {found}, and node {node} was first admitted with the disk {known}. If it \
         belongs to another cluster, correct the address. If the disk was lost, replace the node \
         by one with a new id, with `elector members`, while all nodes are stopped. Only if the \
         wrong disk was admitted at first: `elector members forget`"
    )]
    Disk {
        node: NodeId,
        known: DiskId,
        found: DiskId,
    },
    #[error("too many connections from addresses that belong to no peer wait to be let in")]
    Crowded,
}

impl Refusal {
    /// All labels, for counters that exist before anything has happened.
    pub(crate) const LABELS: [&str; 18] = [
        "version",
        "cluster",
        "algorithm",
        "options",
        "members",
        "not_a_peer",
        "wrong_node",
        "timing",
        "certificate",
        "claimed",
        "garbage",
        "replayed",
        "silent",
        "busy",
        "tls",
        "generation",
        "disk",
        "crowded",
    ];

    /// Its place in [`LABELS`](Self::LABELS).
    pub(crate) fn index(&self) -> usize {
        match self {
            Self::Version { .. } => 0,
            Self::Cluster(_) => 1,
            Self::Algorithm(_) => 2,
            Self::Options => 3,
            Self::Members { .. } => 4,
            Self::NotAPeer(_) => 5,
            Self::WrongNode(_) => 6,
            Self::Timing { .. } => 7,
            Self::Certificate(_) => 8,
            Self::Claimed(_) => 9,
            Self::Garbage => 10,
            Self::Replayed => 11,
            Self::Silent => 12,
            Self::Busy => 13,
            Self::Tls => 14,
            Self::Generation { .. } => 15,
            Self::Disk { .. } => 16,
            Self::Crowded => 17,
        }
    }

    /// Whether it may pass by itself: nothing is configured wrongly.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Claimed(_) | Self::Silent | Self::Busy | Self::Crowded
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{ByPeer, hello::Answer};

    // Whoever answers at a peer's address has its words in this node's log: they must not look like
    // lines of its own, nor steer a terminal. Found by the fuzz target `wire`, with these bytes.
    #[test]
    fn a_refusal_cannot_write_into_the_log() {
        let Some(Answer::Refused(refusal)) = Answer::read(b"\x01\x02\x01\x01") else {
            panic!("it is a refusal");
        };
        let refusals = [
            refusal,
            Refusal::Cluster("\n".into()),
            Refusal::Algorithm("\x1b".into()),
        ];
        for refusal in refusals {
            for told in [refusal.to_string(), ByPeer(&refusal).to_string()] {
                assert!(!told.chars().any(char::is_control), "{told:?}");
            }
        }
    }
}
