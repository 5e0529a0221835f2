use std::collections::BTreeSet;

use elector_core::NodeId;

use super::Blocked;

/// The maximum number of links in a list. If there are more, the description gives only their
/// number. A list of nodes can have two entries more than a list of links.
const MAX_LISTED: usize = 4;

/// Describes cut links in a few words. The first exact description of these is used: groups of
/// nodes without links between the groups; nodes that cannot receive or cannot send; a list of the
/// links.
pub(super) fn describe(nodes: &[NodeId], blocked: Blocked<'_>) -> String {
    let links: BTreeSet<(NodeId, NodeId)> = blocked.iter().copied().collect();
    split(nodes, &links)
        .or_else(|| one_sided(nodes, &links))
        .unwrap_or_else(|| listed(&links))
}

/// Describes the cut as groups of nodes. Returns `None` unless exactly the links between the groups
/// are cut.
fn split(nodes: &[NodeId], links: &BTreeSet<(NodeId, NodeId)>) -> Option<String> {
    let cut = |a: NodeId, b: NodeId| links.contains(&(a, b)) && links.contains(&(b, a));
    let mut groups: Vec<Vec<NodeId>> = Vec::new();
    for &node in nodes {
        let own_group = groups
            .iter_mut()
            .find(|group| group.iter().all(|&member| !cut(member, node)));
        match own_group {
            Some(group) => group.push(node),
            None => groups.push(vec![node]),
        }
    }
    let group_of = |node: NodeId| groups.iter().position(|group| group.contains(&node));
    let mut pairs = 0;
    for &from in nodes {
        for &to in nodes {
            let apart = group_of(from) != group_of(to);
            pairs += usize::from(apart);
            if apart && !links.contains(&(from, to)) {
                return None;
            }
        }
    }
    let texts: Vec<String> = groups.iter().map(|group| list(group)).collect();
    (groups.len() > 1 && pairs == links.len()).then(|| texts.join(" | "))
}

/// Describes the cut by the nodes that cannot receive and the nodes that cannot send. Returns
/// `None` unless each cut link goes to such a node or comes from it.
fn one_sided(nodes: &[NodeId], links: &BTreeSet<(NodeId, NodeId)>) -> Option<String> {
    let all = |link: &dyn Fn(NodeId) -> (NodeId, NodeId), node: NodeId| {
        let others = nodes.iter().filter(|&&other| other != node);
        others.clone().count() > 0 && others.clone().all(|&other| links.contains(&link(other)))
    };
    let cannot_receive = |&node: &NodeId| all(&|other| (other, node), node);
    let cannot_send = |&node: &NodeId| all(&|other| (node, other), node);
    let without_input: Vec<NodeId> = nodes.iter().copied().filter(cannot_receive).collect();
    let without_output: Vec<NodeId> = nodes.iter().copied().filter(cannot_send).collect();
    let explained =
        |(from, to): &(NodeId, NodeId)| without_input.contains(to) || without_output.contains(from);
    if links.is_empty() || !links.iter().all(explained) {
        return None;
    }
    let without_input = without_input
        .iter()
        .map(|node| format!("{node:?} receives nothing"));
    let without_output = without_output
        .iter()
        .map(|node| format!("nothing from {node:?} arrives"));
    Some(
        without_input
            .chain(without_output)
            .collect::<Vec<_>>()
            .join(", "),
    )
}

fn listed(links: &BTreeSet<(NodeId, NodeId)>) -> String {
    let both = |&(from, to): &(NodeId, NodeId)| links.contains(&(to, from));
    let shown = links.iter().filter(|&link| !both(link) || link.0 < link.1);
    let texts: Vec<String> = shown
        .map(|link| match both(link) {
            true => format!("{:?} ↮ {:?}", link.0, link.1),
            false => format!("{:?} ↛ {:?}", link.0, link.1),
        })
        .collect();
    if texts.len() > MAX_LISTED {
        return format!("{} links cut", texts.len());
    }
    texts.join(", ")
}

fn list(group: &[NodeId]) -> String {
    match group {
        [first, .., last] if group.len() > 2 && last.0 - first.0 == group.len() as u64 - 1 => {
            format!("{first:?}–{last:?}")
        }
        _ if group.len() > MAX_LISTED + 2 => format!("{} nodes", group.len()),
        _ => {
            let texts: Vec<String> = group.iter().map(|node| format!("{node:?}")).collect();
            texts.join(" ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(u64, u64)]) -> Vec<(NodeId, NodeId)> {
        let link = |&(from, to): &(u64, u64)| (NodeId(from), NodeId(to));
        pairs.iter().map(link).collect()
    }

    // A cut is often the cause of the events after it, so readers must recognise immediately what
    // kind of cut it is.
    #[test]
    fn cuts_are_described_by_their_shape() {
        let nodes: Vec<NodeId> = (1..=4).map(NodeId).collect();
        let text = |links: &[(u64, u64)]| describe(&nodes, &pairs(links));
        let halves = [
            (1, 3),
            (1, 4),
            (2, 3),
            (2, 4),
            (3, 1),
            (4, 1),
            (3, 2),
            (4, 2),
        ];
        assert_eq!(text(&halves), "n1 n2 | n3 n4");
        let alone = [(1, 2), (2, 1), (1, 3), (3, 1), (1, 4), (4, 1)];
        assert_eq!(text(&alone), "n1 | n2–n4");
        assert_eq!(text(&[(2, 1), (3, 1), (4, 1)]), "n1 receives nothing");
        assert_eq!(text(&[(1, 2), (1, 3), (1, 4)]), "nothing from n1 arrives");
        assert_eq!(text(&[(1, 2), (2, 1), (3, 4)]), "n1 ↮ n2, n3 ↛ n4");
        let many = [(1, 2), (1, 3), (2, 3), (3, 4), (4, 2)];
        assert_eq!(text(&many), "5 links cut");
    }
}
