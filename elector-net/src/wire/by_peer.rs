use std::fmt;

use super::refusal::Refusal;

/// A refusal of this node by a peer, as this node tells it: "it" is the peer. What the refusal has
/// was said by the peer, which is the side that rejects.
#[derive(Debug)]
pub(crate) struct ByPeer<'a>(pub(crate) &'a Refusal);

impl fmt::Display for ByPeer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Refusal::Version { min, max } => write!(
                f,
                "this node speaks versions {min} to {max} of the protocol, and it others: upgrade \
                 the older side by one release at a time"
            ),
            Refusal::Cluster(theirs) => write!(
                f,
                "it belongs to the cluster {theirs:?}, and this node to another one: correct the \
                 address, or the cluster's name"
            ),
            Refusal::Algorithm(theirs) => write!(
                f,
                "it runs {theirs:?}, and this node another algorithm: all nodes of a cluster must \
                 run the same one"
            ),
            Refusal::Members { theirs, ours } => write!(
                f,
                "this node's list of nodes is {theirs}, and its list is {ours}: give this node the \
                 list of its cluster. A list is changed while all nodes are stopped, with `elector \
                 members`"
            ),
            Refusal::Generation { theirs, ours } => write!(
                f,
                "this node's list of nodes is {theirs}, and its list is {ours}: one of them was \
                 not changed. Stop all nodes, and give them the same list and generation with \
                 `elector members`"
            ),
            Refusal::NotAPeer(me) => write!(
                f,
                "this node is node {me}, which is no peer of it: correct this node's id"
            ),
            Refusal::WrongNode(looked_for) => write!(
                f,
                "this node looks for node {looked_for}, and another node is at that address: \
                 correct this node's list of addresses"
            ),
            Refusal::Certificate(me) => write!(
                f,
                "this node's certificate does not name node {me}: issue it one that does"
            ),
            Refusal::Disk { node, known, found } => write!(
                f,
                "this node has the disk {found}, and it first admitted node {node} with the disk \
                 {known}. If it belongs to another cluster, correct the address. If the disk was \
                 lost, replace this node by one with a new id, with `elector members`, while all \
                 nodes are stopped. Only if the wrong disk was admitted at first: `elector members \
                 forget`"
            ),
            other => ByPeer::shortly(other, f),
        }
    }
}

impl ByPeer<'_> {
    fn shortly(refusal: &Refusal, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match refusal {
            Refusal::Options => f.write_str(
                "this node's options of the algorithm are not its own: give all nodes the same \
                 configuration",
            ),
            Refusal::Garbage => {
                f.write_str("what this node sent is no hello to it: is it of another release?")
            }
            Refusal::Replayed => f.write_str("the hello that it got was of another connection"),
            Refusal::Silent => f.write_str("this node said nothing in time"),
            // These name no side.
            other => fmt::Display::fmt(other, f),
        }
    }
}

#[cfg(test)]
mod tests {
    use elector_core::NodeId;

    use super::*;
    use crate::{record::DiskId, wire::NodeList};

    // The refusal goes over the wire as the side that rejects has made it: "a" is its cluster, its
    // algorithm, its list. Either side must say so of the right node.
    #[test]
    fn both_sides_name_what_belongs_to_the_right_one() {
        let list = |ids: &[u64]| {
            let nodes: Vec<NodeId> = ids.iter().copied().map(NodeId).collect();
            NodeList::new(&nodes, 1, [0; 16])
        };
        let (theirs, ours) = (list(&[7, 8]), list(&[1, 2]));
        let (known, found) = (DiskId::from_bytes([1; 16]), DiskId::from_bytes([2; 16]));
        let node = NodeId(9);
        for (refusal, rejecting, rejected) in [
            (
                Refusal::Cluster("a".into()),
                "it does not belong to the cluster \"a\" of this node".to_owned(),
                "it belongs to the cluster \"a\", and this node to another one".to_owned(),
            ),
            (
                Refusal::Algorithm("a".into()),
                "it does not run \"a\", as this node does".to_owned(),
                "it runs \"a\", and this node another algorithm".to_owned(),
            ),
            (
                Refusal::Version { min: 3, max: 4 },
                "it speaks versions 3 to 4".to_owned(),
                "this node speaks versions 3 to 4".to_owned(),
            ),
            (
                Refusal::Members {
                    theirs: theirs.clone(),
                    ours: ours.clone(),
                },
                format!("its list of nodes is {theirs}, and this node's is {ours}"),
                format!("this node's list of nodes is {theirs}, and its list is {ours}"),
            ),
            (
                Refusal::WrongNode(node),
                "it looks for node 9".to_owned(),
                "this node looks for node 9".to_owned(),
            ),
            (
                Refusal::NotAPeer(node),
                "it says that it is node 9".to_owned(),
                "this node is node 9".to_owned(),
            ),
            (
                Refusal::Certificate(node),
                "its certificate does not name node 9".to_owned(),
                "this node's certificate does not name node 9".to_owned(),
            ),
            (
                Refusal::Disk { node, known, found },
                format!("it has the disk {found}"),
                format!("this node has the disk {found}"),
            ),
            (
                Refusal::Silent,
                "it said nothing".to_owned(),
                "this node said nothing".to_owned(),
            ),
        ] {
            let told = [refusal.to_string(), ByPeer(&refusal).to_string()];
            assert!(told[0].starts_with(&rejecting), "{told:?}");
            assert!(told[1].starts_with(&rejected), "{told:?}");
        }
    }
}
