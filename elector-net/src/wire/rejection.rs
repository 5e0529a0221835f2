use elector_core::NodeId;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::list::NodeList;
use crate::record::DiskId;

/// Why one side does not admit a connection. It is sent to the other side, so variants are only
/// appended, and never changed.
///
/// Both sides report it, each with a text of its own. [`Display`](std::fmt::Display) is the text of
/// the side that rejects. [`RejectedText`](super::RejectedText) is the text of the side that is
/// rejected.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[non_exhaustive]
pub(crate) enum Rejection {
    /// The versions of the side that is rejected.
    #[error(
        "the other side supports the protocol versions {min} to {max}, and this node supports \
         others: upgrade the older side by one release at a time"
    )]
    Version { min: u16, max: u16 },
    /// The cluster of the side that rejects.
    #[error(
        "the other side does not belong to the cluster {0:?} of this node: correct the address, or \
         the cluster's name"
    )]
    Cluster(String),
    /// The algorithm of the side that rejects.
    #[error(
        "the other side does not run {0:?}, as this node does: all nodes of a cluster must run the \
         same algorithm"
    )]
    Algorithm(String),
    #[error(
        "the algorithm's options on the other side differ from those of this node: give all nodes \
         the same configuration"
    )]
    Options,
    /// `theirs` is the list of the side that is rejected.
    #[error(
        "the list of nodes of the other side is {theirs}, and that of this node is {ours}: give \
         the other side the list of its cluster. A list is changed while all nodes are stopped, \
         with `elector members`"
    )]
    Members { theirs: NodeList, ours: NodeList },
    /// The id of the side that is rejected.
    #[error(
        "the other side claims to be node {0}, which is not in this node's list: correct the \
         other side's id"
    )]
    NotAPeer(NodeId),
    /// The node that the side that is rejected has dialled.
    #[error(
        "the other side dialled node {0}, which is not this node: correct the other side's list of \
         addresses"
    )]
    WrongNode(NodeId),
    /// The lease of one side, and the silence of the other one.
    #[error(
        "the lease of one side ({lease_us} µs) is not shorter than the silence that the other side \
         keeps ({silence_us} µs): lower leases first, on all nodes, then timeouts"
    )]
    Timing { lease_us: u64, silence_us: u64 },
    /// The id of the side that is rejected.
    #[error("the certificate of the other side does not name node {0}: issue one that does")]
    Certificate(NodeId),
    /// The id of the side that is rejected.
    #[error(
        "another process is connected as node {0}: stop one of them; each node needs an id of its \
         own"
    )]
    Claimed(NodeId),
    #[error("the other side sent no valid hello")]
    Garbage,
    #[error("the other side replayed a hello of another connection")]
    Replayed,
    #[error("the other side sent no hello in time")]
    Silent,
    #[error("too many connections from addresses of peers wait for their handshake")]
    Busy,
    #[error("the TLS handshake failed")]
    Tls,
    /// As [`Members`](Self::Members).
    #[error(
        "the list of nodes of the other side is {theirs}, and that of this node is {ours}: one of \
         them was not changed. Stop all nodes, and give them the same list and generation with \
         `elector members`"
    )]
    Generation { theirs: NodeList, ours: NodeList },
    /// The id of the side that is rejected, the disk that the other side knows for this id, and the
    /// disk that the rejected side has.
    #[error(
        "the other side has the disk {found}, but node {node} was first admitted with the disk \
         {known}. If the other side belongs to another cluster, correct the address. If the disk \
         was lost, replace the node by one with a new id, with `elector members`, while all nodes \
         are stopped. Only if the wrong disk was admitted at first: `elector members forget`"
    )]
    Disk {
        node: NodeId,
        known: DiskId,
        found: DiskId,
    },
    #[error("too many connections from addresses that belong to no peer wait for their handshake")]
    Crowded,
}

impl Rejection {
    /// All labels, for counters that exist before the first rejection.
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

    /// Returns the position in [`LABELS`](Self::LABELS).
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

    /// Returns `true` if the reason can disappear by itself, because nothing is configured wrongly.
    pub(crate) fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::Claimed(_) | Self::Silent | Self::Busy | Self::Crowded
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{RejectedText, hello::Answer};

    // Any process that answers at a peer's address gets its text into this node's log. The text
    // must not look like lines of this node, and must not control a terminal. The fuzz target
    // `wire` found this, with these bytes.
    #[test]
    fn a_rejection_cannot_write_control_characters_into_the_log() {
        let Some(Answer::Rejected(rejection)) = Answer::read(b"\x01\x02\x01\x01") else {
            panic!("it is a rejection");
        };
        let rejections = [
            rejection,
            Rejection::Cluster("\n".into()),
            Rejection::Algorithm("\x1b".into()),
        ];
        for rejection in rejections {
            for text in [rejection.to_string(), RejectedText(&rejection).to_string()] {
                assert!(!text.chars().any(char::is_control), "{text:?}");
            }
        }
    }
}
