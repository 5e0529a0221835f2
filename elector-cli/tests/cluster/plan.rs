//! The plan of the faults in a cluster. The same seed gives the same plan. But the time at which a
//! node notices a fault depends on the machine, and differs from run to run.

use std::time::Duration;

use elector_sim::Rng;

use crate::proxy::Mode;

/// One fault of a plan: what happens to which node, when, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// The time from the previous fault to this fault.
    pub(crate) after: Duration,
    pub(crate) fault: Fault,
    pub(crate) victim: Victim,
    /// The time from this fault to its repair: the test starts or continues the node, or heals the
    /// cut.
    pub(crate) lasts: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// SIGKILL to the node.
    Kill,
    /// SIGKILL to the guardian of the node, which is the process that stops its command.
    KillGuardian,
    /// SIGKILL to the node, and right after that SIGKILL to its guardian.
    KillBoth,
    /// SIGSTOP to the node.
    Stop,
    /// SIGTERM to the node.
    End,
    /// The wires on this side of the node get this mode, which drops or delays data. A wire is a
    /// proxy for the connections from one node to another.
    Cut(Mode, Side),
    /// All connections of the node break. The node can connect again at once.
    Reset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Victim {
    Leader,
    Node(u64),
}

/// Which wires a cut concerns. A wire is a proxy for the connections from one node to another. The
/// victim is the node that the fault hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// All connections between the victim and the other nodes.
    Alone,
    /// All connections between a minority and the other nodes. The minority consists of the victim
    /// and the nodes after it.
    Half,
    /// All connections between the victim and the node after it in the order of the ids.
    Pair,
    /// The connections that the victim makes to other nodes.
    Outgoing,
    /// The connections that other nodes make to the victim.
    Incoming,
}

/// Returns the faults for this seed.
pub(crate) fn plan(seed: u64, nodes: u64, faults: usize, lease: Duration) -> Vec<Step> {
    let mut rng = Rng::new(seed);
    (0..faults).map(|_| step(&mut rng, nodes, lease)).collect()
}

fn step(rng: &mut Rng, nodes: u64, lease: Duration) -> Step {
    let millis = |rng: &mut Rng, min, max| Duration::from_millis(rng.between(min, max));
    let lease = u64::try_from(lease.as_millis()).unwrap_or(u64::MAX);
    // One half of the faults occur soon after the previous fault, which may still last. The other
    // half occur later, when the cluster may have elected a leader again.
    let after = if rng.chance(0.5) {
        millis(rng, 0, lease)
    } else {
        millis(rng, lease * 3 / 2, lease * 3)
    };
    let (fault, lasts) = match rng.below(100) {
        0..26 => (Fault::Kill, millis(rng, 0, 400)),
        26..32 => (Fault::KillGuardian, millis(rng, 0, 400)),
        32..36 => (Fault::KillBoth, millis(rng, 0, 400)),
        36..56 => (Fault::Stop, millis(rng, lease + lease / 5, lease * 3)),
        56..68 => (Fault::End, millis(rng, 0, 400)),
        68..76 => (Fault::Reset, Duration::ZERO),
        _ => (cut(rng), millis(rng, lease / 2, lease * 4)),
    };
    let victim = if rng.chance(0.6) {
        Victim::Leader
    } else {
        Victim::Node(1 + rng.below(nodes))
    };
    Step {
        after,
        fault,
        victim,
        lasts,
    }
}

fn cut(rng: &mut Rng) -> Fault {
    let mode = if rng.chance(0.5) {
        Mode::Swallows
    } else {
        Mode::Holds
    };
    let side = match rng.below(10) {
        0..4 => Side::Alone,
        4..6 => Side::Half,
        6..8 => Side::Pair,
        8 => Side::Outgoing,
        _ => Side::Incoming,
    };
    Fault::Cut(mode, side)
}

impl Side {
    /// Returns `true` if the cut concerns the wire (proxy) from the node `from` to the node `to`.
    /// Node ids start at 1.
    pub(crate) fn cuts(self, nodes: u64, victim: u64, from: u64, to: u64) -> bool {
        // The distance from the victim to a node, if the nodes are in a circle in the order of
        // their ids.
        let position = |node: u64| (node + nodes - victim) % nodes;
        let (from, to) = (position(from), position(to));
        match self {
            Self::Alone => from == 0 || to == 0,
            Self::Half => (from < nodes / 2) != (to < nodes / 2),
            Self::Pair => from + to == 1,
            Self::Outgoing => from == 0,
            Self::Incoming => to == 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A developer repeats a failure with its seed, so the same seed must give the same faults.
    // Another seed must give other faults.
    #[test]
    fn a_plan_depends_only_on_its_seed() {
        let lease = Duration::from_millis(120);
        let of = |seed| plan(seed, 5, 200, lease);
        assert_eq!(of(7), of(7));
        assert_ne!(of(7), of(8));
        let longest = of(7).iter().map(|step| step.lasts).max();
        assert!(
            longest > Some(2 * lease),
            "no fault lasts longer than a lease"
        );
    }

    // If a side contained no wire or all wires (proxies between the nodes), the cut would test
    // nothing.
    #[test]
    fn each_side_cuts_the_right_wires() {
        let count = |side: Side| {
            let pairs = (1..=5).flat_map(|from| (1..=5).map(move |to| (from, to)));
            let pairs = pairs.filter(|(from, to)| from != to);
            pairs
                .filter(|&(from, to)| side.cuts(5, 4, from, to))
                .count()
        };
        let sides = [
            Side::Alone,
            Side::Half,
            Side::Pair,
            Side::Outgoing,
            Side::Incoming,
        ];
        assert_eq!(sides.map(count), [8, 12, 2, 4, 4]);
        assert!(Side::Half.cuts(5, 4, 5, 1) && !Side::Half.cuts(5, 4, 4, 5));
        assert!(Side::Outgoing.cuts(5, 4, 4, 1) && !Side::Outgoing.cuts(5, 4, 1, 4));
    }
}
