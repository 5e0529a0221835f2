//! What is done to a cluster: the same for the same seed. When a node notices is the machine's
//! affair, and differs from run to run.

use std::time::Duration;

use clap::ValueEnum;
use fastrand::Rng;

use crate::path::{Barrier, Path};

/// One fault of a plan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    /// How long after the one before.
    pub(super) after: Duration,
    pub(super) kind: Kind,
    pub(super) fault: Fault,
    pub(super) victim: Victim,
    /// How long until it is undone: started again, continued, healed, mended.
    pub(super) lasts: Duration,
}

/// What happens to the victim.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fault {
    /// To a process of the victim.
    Hit(Hit),
    /// To the packets on these paths.
    Paths(Path, Side),
    /// SIGKILL to the proxy in front of the node.
    Proxy,
    /// The disk answers no write.
    Hang,
    /// Each write to the disk fails.
    Fail,
}

/// A signal, and the process that gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hit {
    /// SIGKILL to the node.
    Kill,
    /// SIGKILL to the guardian of its command.
    KillGuardian,
    /// SIGKILL to both, as soon after each other as can be.
    KillBoth,
    /// SIGTERM to the node.
    End,
    /// SIGSTOP to the node, and SIGCONT when it is undone. Not to the guardian, too: that the
    /// command then outlives its lease is documented.
    Pause,
    /// The same to the guardian, while the node runs.
    PauseGuardian,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Victim {
    Leader,
    /// Counted from 0.
    Node(usize),
}

/// Which paths have the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// All to and from the victim.
    Alone,
    /// Those between the victim with its next ones, a minority, and all others.
    Half,
    /// Those between the victim and its next one.
    Pair,
    /// What the victim says.
    Mute,
    /// What is said to the victim.
    Deaf,
}

const SIDES: [Side; 5] = [Side::Alone, Side::Half, Side::Pair, Side::Mute, Side::Deaf];

/// What kind of fault a step is.
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

/// Each round of this many faults has all kinds, in an order of its own.
pub(super) const ROUND: usize = 20;

/// The kinds of one round: each once, and kills of the node three times.
fn round() -> Vec<Kind> {
    let more = [Kind::Kill; 2];
    more.iter().chain(Kind::value_variants()).copied().collect()
}

/// The faults that this seed stands for, so many of them, of these kinds.
pub(super) fn plan(
    seed: u64,
    nodes: usize,
    faults: usize,
    lease: Duration,
    of: impl Fn(Kind) -> bool,
) -> Vec<Step> {
    let mut rng = Rng::with_seed(seed);
    let mut kinds = round();
    kinds.retain(|&kind| of(kind));
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
    // Half of the time a fault meets those before it, half of the time a cluster that may have
    // elected since.
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
        // It writes only when it votes.
        Kind::FailDisk => (4.0, 12.0),
        Kind::Loss | Kind::Delay => (1.0, 6.0),
        _ => (0.5, 4.0),
    };
    let fault = fault(rng, kind, lease);
    let victim = if rng.f32() < 0.6 {
        Victim::Leader
    } else {
        Victim::Node(rng.usize(..nodes))
    };
    Step {
        after,
        kind,
        fault,
        victim,
        lasts: between(rng, lease, least, most),
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
    let any = SIDES[rng.usize(..SIDES.len())];
    match kind {
        Kind::Kill => Fault::Hit(Hit::Kill),
        Kind::KillGuardian => Fault::Hit(Hit::KillGuardian),
        Kind::KillBoth => Fault::Hit(Hit::KillBoth),
        Kind::End => Fault::Hit(Hit::End),
        Kind::Pause => Fault::Hit(Hit::Pause),
        Kind::PauseGuardian => Fault::Hit(Hit::PauseGuardian),
        Kind::CutAlone => barrier(Barrier::Cut, Side::Alone),
        Kind::CutHalf => barrier(Barrier::Cut, Side::Half),
        Kind::CutPair => barrier(Barrier::Cut, Side::Pair),
        Kind::CutMute => barrier(Barrier::Cut, Side::Mute),
        Kind::CutDeaf => barrier(Barrier::Cut, Side::Deaf),
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
        Kind::HangDisk => Fault::Hang,
        Kind::FailDisk => Fault::Fail,
    }
}

fn between(rng: &mut Rng, lease: Duration, least: f32, most: f32) -> Duration {
    lease.mul_f32(least + rng.f32() * (most - least))
}

impl Side {
    /// Whether what `from` says to `to` has the fault, of nodes counted from 0.
    pub(super) fn has(self, nodes: usize, victim: usize, from: usize, to: usize) -> bool {
        // How many nodes after the victim, in a circle.
        let place = |node: usize| (node + nodes - victim) % nodes;
        let (from, to) = (place(from), place(to));
        match self {
            Self::Alone => from == 0 || to == 0,
            Self::Half => (from < nodes / 2) != (to < nodes / 2),
            Self::Pair => from + to == 1,
            Self::Mute => from == 0,
            Self::Deaf => to == 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const LEASE: Duration = Duration::from_millis(160);

    // Who replays a failure must get the same faults, and another seed gives others.
    #[test]
    fn a_plan_is_its_seed() {
        let of = |seed| plan(seed, 5, 200, LEASE, |_| true);
        assert_eq!(of(7), of(7));
        assert_ne!(of(7), of(8));
        // A longer run begins as a shorter one.
        assert_eq!(plan(7, 5, 20, LEASE, |_| true), of(7)[..20]);
    }

    // A kind that is never drawn would be reported as endured.
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

    // A cut that cuts nothing, or everything, would test nothing.
    #[test]
    fn each_side_has_its_paths() {
        let counted = |side: Side| {
            let pairs = (0..5).flat_map(|from| (0..5).map(move |to| (from, to)));
            let pairs = pairs.filter(|(from, to)| from != to);
            pairs.filter(|&(from, to)| side.has(5, 3, from, to)).count()
        };
        assert_eq!(SIDES.map(counted), [8, 12, 2, 4, 4]);
        assert!(Side::Half.has(5, 3, 4, 0) && !Side::Half.has(5, 3, 3, 4));
        assert!(Side::Mute.has(5, 3, 3, 0) && !Side::Mute.has(5, 3, 0, 3));
    }
}
