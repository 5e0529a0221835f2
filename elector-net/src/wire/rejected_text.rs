use std::fmt;

use super::rejection::Rejection;

/// The text of a rejection on the side that is rejected. "The peer" is the side that rejects; the
/// fields of the [`Rejection`] are from its point of view.
#[derive(Debug)]
pub(crate) struct RejectedText<'a>(pub(crate) &'a Rejection);

impl fmt::Display for RejectedText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Rejection::Version { min, max } => write!(
                f,
                "this node supports the protocol versions {min} to {max}, and the peer supports \
                 others: upgrade the older side by one release at a time"
            ),
            Rejection::Cluster(theirs) => write!(
                f,
                "the peer belongs to the cluster {theirs:?}, and this node to another one: correct \
                 the address, or the cluster's name"
            ),
            Rejection::Algorithm(theirs) => write!(
                f,
                "the peer runs {theirs:?}, and this node another algorithm: all nodes of a cluster \
                 must run the same one"
            ),
            Rejection::Members { theirs, ours } => write!(
                f,
                "the list of nodes of this node is {theirs}, and that of the peer is {ours}: give \
                 this node the list of its cluster. A list is changed while all nodes are stopped, \
                 with `elector members`"
            ),
            Rejection::Generation { theirs, ours } => write!(
                f,
                "the list of nodes of this node is {theirs}, and that of the peer is {ours}: one \
                 of them was not changed. Stop all nodes, and give them the same list and \
                 generation with `elector members`"
            ),
            Rejection::NotAPeer(me) => write!(
                f,
                "this node is node {me}, which is not in the peer's list: correct this node's id"
            ),
            Rejection::WrongNode(dialled) => write!(
                f,
                "this node dialled node {dialled}, and another node is at that address: correct \
                 this node's list of addresses"
            ),
            Rejection::Certificate(me) => write!(
                f,
                "this node's certificate does not name node {me}: issue one that does"
            ),
            Rejection::Disk { node, known, found } => write!(
                f,
                "this node has the disk {found}, but the peer first admitted node {node} with the \
                 disk {known}. If the peer belongs to another cluster, correct the address. If the \
                 disk was lost, replace this node by one with a new id, with `elector members`, \
                 while all nodes are stopped. Only if the wrong disk was admitted at first: \
                 `elector members forget`"
            ),
            Rejection::Options => f.write_str(
                "this node's options of the algorithm differ from those of the peer: give all \
                 nodes the same configuration",
            ),
            other => Self::write_short(other, f),
        }
    }
}

impl RejectedText<'_> {
    fn write_short(rejection: &Rejection, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match rejection {
            Rejection::Garbage => {
                f.write_str("the peer received no valid hello: is this node of another release?")
            }
            Rejection::Replayed => {
                f.write_str("the peer received a hello that belongs to another connection")
            }
            Rejection::Silent => f.write_str("this node sent no hello in time"),
            // These texts name no side.
            other => fmt::Display::fmt(other, f),
        }
    }
}

#[cfg(test)]
mod tests {
    use elector_core::NodeId;

    use super::*;
    use crate::{record::DiskId, wire::NodeList};

    // A rejection is sent as the side that rejects has created it: "a" is the cluster, the
    // algorithm or the list of that side. Both texts must attribute it to the right node.
    #[test]
    fn both_sides_name_what_belongs_to_the_right_one() {
        let list = |ids: &[u64]| {
            let nodes: Vec<NodeId> = ids.iter().copied().map(NodeId).collect();
            NodeList::new(&nodes, 1, [0; 16])
        };
        let (theirs, ours) = (list(&[7, 8]), list(&[1, 2]));
        let (known, found) = (DiskId::from_bytes([1; 16]), DiskId::from_bytes([2; 16]));
        let node = NodeId(9);
        for (rejection, rejecting, rejected) in [
            (
                Rejection::Cluster("a".into()),
                "the other side does not belong to the cluster \"a\" of this node".to_owned(),
                "the peer belongs to the cluster \"a\", and this node to another".to_owned(),
            ),
            (
                Rejection::Algorithm("a".into()),
                "the other side does not run \"a\", as this node does".to_owned(),
                "the peer runs \"a\", and this node another algorithm".to_owned(),
            ),
            (
                Rejection::Version { min: 3, max: 4 },
                "the other side supports the protocol versions 3 to 4".to_owned(),
                "this node supports the protocol versions 3 to 4".to_owned(),
            ),
            (
                Rejection::Members {
                    theirs: theirs.clone(),
                    ours: ours.clone(),
                },
                format!("the list of nodes of the other side is {theirs}, and that of this node"),
                format!("the list of nodes of this node is {theirs}, and that of the peer"),
            ),
            (
                Rejection::WrongNode(node),
                "the other side dialled node 9".to_owned(),
                "this node dialled node 9".to_owned(),
            ),
            (
                Rejection::NotAPeer(node),
                "the other side claims to be node 9".to_owned(),
                "this node is node 9".to_owned(),
            ),
            (
                Rejection::Certificate(node),
                "the certificate of the other side does not name node 9".to_owned(),
                "this node's certificate does not name node 9".to_owned(),
            ),
            (
                Rejection::Disk { node, known, found },
                format!("the other side has the disk {found}"),
                format!("this node has the disk {found}"),
            ),
            (
                Rejection::Silent,
                "the other side sent no hello".to_owned(),
                "this node sent no hello".to_owned(),
            ),
        ] {
            let texts = [rejection.to_string(), RejectedText(&rejection).to_string()];
            assert!(texts[0].starts_with(&rejecting), "{texts:?}");
            assert!(texts[1].starts_with(&rejected), "{texts:?}");
        }
    }
}
