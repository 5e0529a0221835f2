use std::collections::BTreeSet;

use elector_core::NodeId;

use super::Blocked;

/// Lists more than this say no more than their length.
const MOST: usize = 4;

/// What cut links amount to: groups that do not hear each other if that is all there is to it,
/// else nodes that nobody hears or that hear nobody, else the links.
pub(super) fn describe(nodes: &[NodeId], blocked: Blocked<'_>) -> String {
    let links: BTreeSet<(NodeId, NodeId)> = blocked.iter().copied().collect();
    split(nodes, &links)
        .or_else(|| one_sided(nodes, &links))
        .unwrap_or_else(|| listed(&links))
}

/// The groups, if the links cut are exactly those between them.
fn split(nodes: &[NodeId], links: &BTreeSet<(NodeId, NodeId)>) -> Option<String> {
    let cut = |a: NodeId, b: NodeId| links.contains(&(a, b)) && links.contains(&(b, a));
    let mut groups: Vec<Vec<NodeId>> = Vec::new();
    for &node in nodes {
        let home = groups
            .iter_mut()
            .find(|group| group.iter().all(|&member| !cut(member, node)));
        match home {
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
    let words: Vec<String> = groups.iter().map(|group| list(group)).collect();
    (groups.len() > 1 && pairs == links.len()).then(|| words.join(" | "))
}

/// The deaf and the mute, if the links cut are exactly theirs.
fn one_sided(nodes: &[NodeId], links: &BTreeSet<(NodeId, NodeId)>) -> Option<String> {
    let all = |link: &dyn Fn(NodeId) -> (NodeId, NodeId), node: NodeId| {
        let others = nodes.iter().filter(|&&other| other != node);
        others.clone().count() > 0 && others.clone().all(|&other| links.contains(&link(other)))
    };
    let is_deaf = |&node: &NodeId| all(&|other| (other, node), node);
    let is_mute = |&node: &NodeId| all(&|other| (node, other), node);
    let deaf: Vec<NodeId> = nodes.iter().copied().filter(is_deaf).collect();
    let mute: Vec<NodeId> = nodes.iter().copied().filter(is_mute).collect();
    let explained = |(from, to): &(NodeId, NodeId)| deaf.contains(to) || mute.contains(from);
    if links.is_empty() || !links.iter().all(explained) {
        return None;
    }
    let deaf = deaf.iter().map(|node| format!("{node:?} hears nobody"));
    let mute = mute.iter().map(|node| format!("nobody hears {node:?}"));
    Some(deaf.chain(mute).collect::<Vec<_>>().join(", "))
}

fn listed(links: &BTreeSet<(NodeId, NodeId)>) -> String {
    let both = |&(from, to): &(NodeId, NodeId)| links.contains(&(to, from));
    let shown = links.iter().filter(|&link| !both(link) || link.0 < link.1);
    let words: Vec<String> = shown
        .map(|link| match both(link) {
            true => format!("{:?} ↮ {:?}", link.0, link.1),
            false => format!("{:?} ↛ {:?}", link.0, link.1),
        })
        .collect();
    if words.len() > MOST {
        return format!("{} links cut", words.len());
    }
    words.join(", ")
}

fn list(group: &[NodeId]) -> String {
    match group {
        [first, .., last] if group.len() > 2 && last.0 - first.0 == group.len() as u64 - 1 => {
            format!("{first:?}–{last:?}")
        }
        _ if group.len() > MOST + 2 => format!("{} nodes", group.len()),
        _ => {
            let words: Vec<String> = group.iter().map(|node| format!("{node:?}")).collect();
            words.join(" ")
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

    // A cut is the cause of what follows: it must be told apart from others at a glance.
    #[test]
    fn cuts_are_told_by_their_shape() {
        let nodes: Vec<NodeId> = (1..=4).map(NodeId).collect();
        let word = |links: &[(u64, u64)]| describe(&nodes, &pairs(links));
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
        assert_eq!(word(&halves), "n1 n2 | n3 n4");
        let alone = [(1, 2), (2, 1), (1, 3), (3, 1), (1, 4), (4, 1)];
        assert_eq!(word(&alone), "n1 | n2–n4");
        assert_eq!(word(&[(2, 1), (3, 1), (4, 1)]), "n1 hears nobody");
        assert_eq!(word(&[(1, 2), (1, 3), (1, 4)]), "nobody hears n1");
        assert_eq!(word(&[(1, 2), (2, 1), (3, 4)]), "n1 ↮ n2, n3 ↛ n4");
        let many = [(1, 2), (1, 3), (2, 3), (3, 4), (4, 2)];
        assert_eq!(word(&many), "5 links cut");
    }
}
