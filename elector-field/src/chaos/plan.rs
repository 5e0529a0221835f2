//! The plan: the faults of a trial. The same seed gives the same faults at the same planned times.
//! The time at which a node notices a fault depends on the machine, and differs from run to run.

use std::time::Duration;

use clap::ValueEnum;
use fastrand::Rng;

use crate::path::{Barrier, Path};

/// One fault of a plan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    /// The time from the previous fault to this fault.
    pub(super) after: Duration,
    pub(super) kind: Kind,
    pub(super) fault: Fault,
    pub(super) target: Target,
    /// The time from the fault to its repair.
    pub(super) duration: Duration,
}

/// The effect of a fault on its target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fault {
    /// A signal to the process of the target, or to the guardian of its command. A guardian is the
    /// process that kills the command before the lease ends.
    Process(ProcessFault),
    /// A fault of the packets on the paths that the side selects for the target.
    Paths(Path, Side),
    /// SIGKILL to the TCP proxy in front of the node.
    Proxy,
    /// Writes to the disk do not return.
    FreezeDisk,
    /// Writes to the disk fail.
    FailDisk,
}

/// A signal, and the process that receives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProcessFault {
    /// SIGKILL to the node.
    Kill,
    /// SIGKILL to the guardian, the process that kills the node's command before the lease ends.
    KillGuardian,
    /// SIGKILL to the node and to its guardian (the process that kills the command before the lease
    /// ends), one directly after the other.
    KillBoth,
    /// SIGTERM to the node.
    End,
    /// SIGSTOP to the node, and SIGCONT as the repair. The guardian of the node's command continues
    /// to run. If the guardian were stopped too, nothing would kill the command before the end of
    /// the lease. The documentation of `elector run` names this limit.
    Pause,
    /// SIGSTOP to the guardian (the process that kills the node's command before the lease ends),
    /// and SIGCONT as the repair, while the node runs.
    PauseGuardian,
}

/// The node that a fault is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Leader,
    /// The node with this number, counted from 0.
    Node(usize),
}

/// Selects the paths that have a fault, as seen from the target. A path is the direction from one
/// node to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Side {
    /// All paths to and from the target.
    Alone,
    /// The paths between two groups: one half of the nodes (rounded down), which is the target with
    /// the nodes after it, and the rest.
    Half,
    /// The paths between the target and the node after it.
    Pair,
    /// The paths from the target.
    Output,
    /// The paths to the target.
    Input,
}

/// The kind of a fault, as it is selected on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Kind {
    Kill,
    KillGuardian,
    KillBoth,
    End,
    Pause,
    PauseGuardian,
    CutAlone,
    CutHalf,
    CutPair,
    CutMute,
    CutDeaf,
    Loss,
    Delay,
    Reset,
    Unreachable,
    KillProxy,
    HangDisk,
    FailDisk,
}

/// The number of faults in a round. Each round has all kinds of faults, in a random order.
pub(super) const ROUND: usize = 20;

/// Returns the kinds of faults of one round: each kind once, but `Kind::Kill` three times.
fn round() -> Vec<Kind> {
    let more = [Kind::Kill; 2];
    more.iter().chain(Kind::value_variants()).copied().collect()
}

/// Draws this number of faults from the seed, only of the kinds that `is_selected` accepts.
pub(super) fn plan(
    seed: u64,
    nodes: usize,
    faults: usize,
    lease: Duration,
    is_selected: impl Fn(Kind) -> bool,
) -> Vec<Step> {
    let mut rng = Rng::with_seed(seed);
    let mut kinds = round();
    kinds.retain(|&kind| is_selected(kind));
    let mut steps = Vec::with_capacity(faults + kinds.len());
    while steps.len() < faults && !kinds.is_empty() {
        let mut round = kinds.clone();
        rng.shuffle(&mut round);
        steps.extend(
            round
                .into_iter()
                .map(|kind| step(&mut rng, kind, nodes, lease)),
        );
    }
    steps.truncate(faults);
    steps
}

fn step(rng: &mut Rng, kind: Kind, nodes: usize, lease: Duration) -> Step {
    // Half of the faults come while earlier faults may still last. The other half come when the
    // cluster may have elected a new leader.
    let after = if rng.bool() {
        between(rng, lease, 0.0, 1.0)
    } else {
        between(rng, lease, 1.5, 3.0)
    };
    let (least, most) = match kind {
        Kind::Kill | Kind::KillGuardian | Kind::KillBoth | Kind::End | Kind::KillProxy => {
            (0.0, 3.0)
        }
        Kind::Pause | Kind::PauseGuardian => (1.2, 3.0),
        Kind::HangDisk => (0.5, 3.0),
        // A node notices that its disk fails only when it writes, and it writes only when it votes.
        Kind::FailDisk => (4.0, 12.0),
        Kind::Loss | Kind::Delay => (1.0, 6.0),
        _ => (0.5, 4.0),
    };
    let fault = fault(rng, kind, lease);
    let target = if rng.f32() < 0.6 {
        Target::Leader
    } else {
        Target::Node(rng.usize(..nodes))
    };
    Step {
        after,
        kind,
        fault,
        target,
        duration: between(rng, lease, least, most),
    }
}

fn fault(rng: &mut Rng, kind: Kind, lease: Duration) -> Fault {
    let barrier = |barrier, side| {
        let path = Path {
            barrier,
            ..Path::default()
        };
        Fault::Paths(path, side)
    };
    let sides = Side::value_variants();
    let any = sides[rng.usize(..sides.len())];
    match kind {
        Kind::Kill => Fault::Process(ProcessFault::Kill),
        Kind::KillGuardian => Fault::Process(ProcessFault::KillGuardian),
        Kind::KillBoth => Fault::Process(ProcessFault::KillBoth),
        Kind::End => Fault::Process(ProcessFault::End),
        Kind::Pause => Fault::Process(ProcessFault::Pause),
        Kind::PauseGuardian => Fault::Process(ProcessFault::PauseGuardian),
        Kind::CutAlone => barrier(Barrier::Cut, Side::Alone),
        Kind::CutHalf => barrier(Barrier::Cut, Side::Half),
        Kind::CutPair => barrier(Barrier::Cut, Side::Pair),
        Kind::CutMute => barrier(Barrier::Cut, Side::Output),
        Kind::CutDeaf => barrier(Barrier::Cut, Side::Input),
        Kind::Reset => barrier(Barrier::Reset, any),
        Kind::Unreachable => barrier(Barrier::Unreachable, any),
        Kind::Loss => {
            let loss = 0.05 + rng.f32() * 0.55;
            let path = Path {
                loss,
                ..Path::default()
            };
            Fault::Paths(path, any)
        }
        Kind::Delay => {
            let delay = between(rng, lease, 0.02, 0.5);
            let jitter = delay.mul_f32(rng.f32());
            let path = Path {
                delay,
                jitter,
                ..Path::default()
            };
            Fault::Paths(path, any)
        }
        Kind::KillProxy => Fault::Proxy,
        Kind::HangDisk => Fault::FreezeDisk,
        Kind::FailDisk => Fault::FailDisk,
    }
}

/// Draws a duration between `least` leases and `most` leases.
fn between(rng: &mut Rng, lease: Duration, least: f32, most: f32) -> Duration {
    lease.mul_f32(least + rng.f32() * (most - least))
}

impl Side {
    /// Returns `true` if the path from `from` to `to` has the fault of the target. Nodes are
    /// counted from 0.
    pub(super) fn has(self, nodes: usize, target: usize, from: usize, to: usize) -> bool {
        // The number of nodes from the target to this node, if the nodes are in a circle.
        let distance = |node: usize| (node + nodes - target) % nodes;
        let (from, to) = (distance(from), distance(to));
        match self {
            Self::Alone => from == 0 || to == 0,
            Self::Half => (from < nodes / 2) != (to < nodes / 2),
            Self::Pair => from + to == 1,
            Self::Output => from == 0,
            Self::Input => to == 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const LEASE: Duration = Duration::from_millis(160);

    // A failure can be repeated only if its seed gives the same faults.
    #[test]
    fn a_plan_follows_from_its_seed() {
        let drawn = |seed| plan(seed, 5, 200, LEASE, |_| true);
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
        // A longer plan begins with the faults of the shorter one.
        assert_eq!(plan(7, 5, 20, LEASE, |_| true), drawn(7)[..20]);
    }

    // If a round lacked a kind of fault, a trial could pass without this kind.
    #[test]
    fn each_round_has_each_kind() {
        let kinds = |steps: &[Step]| steps.iter().map(|step| step.kind).collect::<BTreeSet<_>>();
        assert_eq!(round().len(), ROUND);
        for round in plan(7, 3, 100, LEASE, |_| true).chunks(ROUND) {
            assert_eq!(kinds(round).len(), 18);
        }
        let cuts = plan(7, 3, 100, LEASE, |kind| kind == Kind::CutDeaf);
        assert_eq!((cuts.len(), kinds(&cuts).len()), (100, 1));
        assert_eq!(plan(7, 3, 100, LEASE, |_| false), []);
    }

    // A cut of no path, or of all paths, would test nothing.
    #[test]
    fn each_side_has_its_paths() {
        let count = |side: Side| {
            let pairs = (0..5).flat_map(|from| (0..5).map(move |to| (from, to)));
            let pairs = pairs.filter(|(from, to)| from != to);
            pairs.filter(|&(from, to)| side.has(5, 3, from, to)).count()
        };
        let sides = Side::value_variants().iter();
        assert_eq!(
            sides.copied().map(count).collect::<Vec<_>>(),
            [8, 12, 2, 4, 4]
        );
        assert!(Side::Half.has(5, 3, 4, 0) && !Side::Half.has(5, 3, 3, 4));
        assert!(Side::Output.has(5, 3, 3, 0) && !Side::Output.has(5, 3, 0, 3));
    }
}
