use std::fmt;

use elector_core::{DiskId, NodeId};
use serde::{Deserialize, Serialize};

use super::list::NodeList;

/// The reason why one side does not admit a connection. The rejection is sent to the other side,
/// which may run another release. So a new variant must come after all others, and a variant is
/// never changed.
///
/// Both sides report the rejection, and each uses its own names for the two sides:
/// [`Display`](fmt::Display) on the side that rejects, and [`RejectedText`] on the side that is
/// rejected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub(crate) enum Rejection {
    /// The sides have no version of the protocol in common. The fields are the versions of the side
    /// that is rejected.
    Version { min: u16, max: u16 },
    /// The sides belong to different clusters. The field is the cluster of the side that rejects.
    Cluster(String),
    /// The sides run different algorithms. The field is the algorithm of the side that rejects.
    Algorithm(String),
    /// The sides have different options of the algorithm.
    Options,
    /// The sides have different lists of nodes. `theirs` is the list of the side that is rejected.
    Members { theirs: NodeList, ours: NodeList },
    /// The side that is rejected claims this id, which is not a peer of the side that rejects.
    NotAPeer(NodeId),
    /// The side that is rejected has dialled the node in the field, but the side that rejects is
    /// another node.
    WrongNode(NodeId),
    /// The lease of one side is not shorter than the silence of the other side, which is the time
    /// after which the other side may support another leader.
    Timing { lease_us: u64, silence_us: u64 },
    /// The certificate of the side that is rejected does not name the node that this side claims to
    /// be. The field is the id of this node.
    Certificate(NodeId),
    /// The side that is rejected claims this id, but another process is connected with this id, or
    /// there is a proof that the process of the rejected side has ended.
    Claimed(NodeId),
    /// The side that is rejected sent no valid hello, the frame in which it describes itself.
    Garbage,
    /// The side that is rejected sent a hello (a description of a node) that was recorded on
    /// another connection.
    Replayed,
    /// The side that is rejected did not complete the handshake in time.
    Silent,
    /// Too many connections from addresses of peers have pending handshakes, or began at the same
    /// time.
    Busy,
    /// The TLS handshake failed.
    Tls,
    /// The lists of nodes of the two sides have different generations: only one of the lists was
    /// changed. The fields are as in [`Members`](Self::Members).
    Generation { theirs: NodeList, ours: NodeList },
    /// The side that is rejected has another disk than before. The fields are the id of the side
    /// that is rejected, the disk that the side that rejects knows for this id, and the disk that
    /// was found.
    Disk {
        node: NodeId,
        known: DiskId,
        found: DiskId,
    },
    /// Too many connections from addresses that are not those of peers have pending handshakes, or
    /// began at the same time.
    Crowded,
    /// The sides belong to different lineages of a cluster: `elector recover` was used on one of
    /// them, and the other one has an older record. Since version 3.
    Lineage,
    /// Too many nodes that are no members are connected. Since version 3.
    TooManyNodes,
}

impl Rejection {
    /// The labels of all kinds of rejections. With this list, each kind has a counter before its
    /// first rejection.
    pub(crate) const LABELS: [&str; 20] = [
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
        "lineage",
        "too_many_nodes",
    ];

    /// Returns the position of this rejection in [`LABELS`](Self::LABELS).
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
            Self::Lineage => 18,
            Self::TooManyNodes => 19,
        }
    }

    /// Returns `true` if the reason can disappear without a change of the settings by an operator.
    pub(crate) fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::Claimed(_) | Self::Silent | Self::Busy | Self::Crowded
        )
    }

    /// Returns the text. `rejected` and `rejecting` are the names of the side that is rejected and
    /// of the side that rejects.
    fn text(&self, rejected: &str, rejecting: &str) -> String {
        match self {
            Self::Version { min, max } => format!(
                "{rejected} supports the protocol versions {min} to {max}, and {rejecting} \
                 supports others: upgrade the older side by one release at a time"
            ),
            Self::Cluster(cluster) => format!(
                "{rejected} does not belong to the cluster {cluster:?} of {rejecting}: correct the \
                 address, or the cluster's name"
            ),
            Self::Algorithm(algorithm) => format!(
                "{rejected} does not run {algorithm:?}, as {rejecting} does: all nodes of a \
                 cluster must run the same algorithm"
            ),
            Self::Options => format!(
                "the options of the algorithm on {rejected} differ from those on {rejecting}: give \
                 all nodes the same configuration"
            ),
            Self::WrongNode(node) => format!(
                "{rejected} dialled node {node}, and {rejecting} is another node: correct the \
                 addresses in the list of {rejected}"
            ),
            Self::Timing {
                lease_us,
                silence_us,
            } => format!(
                "the lease of one side ({lease_us} µs) is not shorter than the silence that the \
                 other side keeps ({silence_us} µs): lower leases first, on all nodes, then \
                 timeouts"
            ),
            Self::Certificate(node) => format!(
                "the certificate of {rejected} does not name node {node}: issue one that does"
            ),
            Self::Claimed(node) => format!(
                "another process is connected as node {node}: stop one of them; each node needs an \
                 id of its own"
            ),
            Self::Garbage => format!("{rejected} sent no valid hello: is it of another release?"),
            Self::Replayed => format!("{rejected} replayed a hello of another connection"),
            Self::Silent => format!("{rejected} sent no hello in time"),
            Self::Tls => "the TLS handshake failed".to_owned(),
            Self::Busy => "too many connections from addresses of peers are pending".to_owned(),
            Self::Crowded => "too many connections from other addresses are pending".to_owned(),
            Self::NotAPeer(node) => format!(
                "{rejected} claims to be node {node}, which is not in the list of {rejecting}: \
                 correct the id of {rejected}"
            ),
            Self::TooManyNodes => format!(
                "too many nodes that are no members are connected to {rejecting}: stop them, or \
                 restart {rejecting}"
            ),
            Self::Members { theirs, ours } => format!(
                "the list of nodes of {rejected} is {theirs}, and that of {rejecting} is {ours}: \
                 give {rejected} the list of its cluster. {CHANGE_OF_LIST}"
            ),
            Self::Generation { theirs, ours } => format!(
                "the list of nodes of {rejected} is {theirs}, and that of {rejecting} is {ours}: \
                 {OLD_GENERATION}"
            ),
            Self::Disk { node, known, found } => format!(
                "{rejected} has the disk {found}, but {rejecting} first admitted node {node} with \
                 the disk {known}. {}",
                what_to_do_about_disk(*node)
            ),
            Self::Lineage => OLD_LINEAGE.to_owned(),
        }
    }
}

/// What to do if two nodes have different lists of nodes.
const CHANGE_OF_LIST: &str = "Under raft and paxos, a node joins a running cluster with --join. If \
    the members are fixed, a list is changed while all nodes are stopped, with \
    `elector record set`";

/// What to do if two nodes have lists of nodes with different generations. The generation counts
/// the changes of a list.
const OLD_GENERATION: &str = "one of them was not changed. Stop all nodes, and give them the same \
    list and generation with `elector record set`";

/// What to do if two nodes belong to different lineages, because only one of them has been
/// recovered with `elector recover`.
const OLD_LINEAGE: &str = "one of the two nodes was recovered with `elector recover`, and the \
    other one has a record from before that. Stop the node with the older record, delete its data \
    folder, and let it join again with --join";

/// Returns what to do if a node has another disk than before.
fn what_to_do_about_disk(node: NodeId) -> String {
    format!(
        "If the two belong to different clusters, correct the address. If the disk was lost under \
         raft or paxos: `elector members remove {node}`, and then `elector members add {node}`. If \
         the members are fixed: put a node with a new id in its place with `elector record set`, \
         while all nodes are stopped. Only if the wrong disk was admitted at first: `elector \
         record forget`"
    )
}

/// Formats the text of the rejection for the side that rejects.
impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text("the other side", "this node"))
    }
}

/// Formats the text of a rejection for the side that is rejected.
#[derive(Debug)]
pub(crate) struct RejectedText<'a>(pub(crate) &'a Rejection);

impl fmt::Display for RejectedText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text("this node", "the peer"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::hello::Answer;

    // Any process that answers at a peer's address can bring its text into this node's log. The
    // text must not look like lines of this node, and must not control a terminal. The fuzz target
    // `wire` found a fault here, with these bytes.
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

    // A rejection is created on the side that rejects, and is sent unchanged. So "a" is the
    // cluster, and `ours` is the list, of the side that rejects. Both texts must attribute these
    // values to the right side.
    #[test]
    fn both_sides_name_what_belongs_to_the_right_one() {
        let list = |ids: &[u64]| {
            let nodes: Vec<NodeId> = ids.iter().copied().map(NodeId).collect();
            NodeList::new(&nodes, 1, [0; 16])
        };
        let (theirs, ours) = (list(&[7, 8]), list(&[1, 2]));
        let (known, found) = (DiskId::from_bytes([1; 16]), DiskId::from_bytes([2; 16]));
        let their_disk = format!("the other side has the disk {found}, but this node first ");
        let own_disk = format!("this node has the disk {found}, but the peer first ");
        let node = NodeId(9);
        for (rejection, rejecting, rejected) in [
            (
                Rejection::Cluster("a".into()),
                "the other side does not belong to the cluster \"a\" of this node: ",
                "this node does not belong to the cluster \"a\" of the peer: ",
            ),
            (
                Rejection::Algorithm("a".into()),
                "the other side does not run \"a\", as this node does: ",
                "this node does not run \"a\", as the peer does: ",
            ),
            (
                Rejection::Version { min: 3, max: 4 },
                "the other side supports the protocol versions 3 to 4, and this node ",
                "this node supports the protocol versions 3 to 4, and the peer ",
            ),
            (
                Rejection::Members { theirs, ours },
                "the list of nodes of the other side is 7, 8 (generation 1), and that of this node",
                "the list of nodes of this node is 7, 8 (generation 1), and that of the peer is 1",
            ),
            (
                Rejection::WrongNode(node),
                "the other side dialled node 9, and this node is another node: ",
                "this node dialled node 9, and the peer is another node: ",
            ),
            (
                Rejection::NotAPeer(node),
                "the other side claims to be node 9, which is not in the list of this node: ",
                "this node claims to be node 9, which is not in the list of the peer: ",
            ),
            (
                Rejection::Certificate(node),
                "the certificate of the other side does not name node 9: ",
                "the certificate of this node does not name node 9: ",
            ),
            (
                Rejection::Disk { node, known, found },
                their_disk.as_str(),
                own_disk.as_str(),
            ),
            (
                Rejection::Silent,
                "the other side sent no hello",
                "this node sent no hello",
            ),
        ] {
            let texts = [rejection.to_string(), RejectedText(&rejection).to_string()];
            assert!(texts[0].starts_with(rejecting), "{texts:?}");
            assert!(texts[1].starts_with(rejected), "{texts:?}");
        }
    }
}
