use std::{
    num::NonZeroUsize,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use elector_core::{ElectionAlgorithm, Guarantee, MembersChange, Membership};

use crate::{
    CheckError,
    check::memberships,
    walk::{
        event::{Event, Line},
        note::annotate,
        report::{Finding, WalkReport},
        runner::{Counts, Runner},
        schedule::Schedule,
        shrink::shrink,
    },
};

/// Random walks of one algorithm: `Walks::<Raft>::new(config).run()`.
///
/// In a walk, an adversary chooses every event. Each message arrives promptly, late, several times
/// or never. Timers elapse on time or late. Writes end one by one, and a crash keeps the writes
/// that have ended. The rates of clocks stay so close to the true rate that every lease is over
/// when `election_min` has passed on any other clock. Nodes restart, and get commands, suspicions
/// and true proofs of death. The seed of a walk determines the habits of its adversary. At the end
/// of each walk, all faults end, and the nodes must agree on a leader.
#[derive(Clone, Debug)]
pub struct Walks<A: ElectionAlgorithm> {
    /// The configuration of the algorithm, the same on all nodes.
    pub config: A::Config,
    /// The size of the cluster. With `None`, the seed of each walk determines the size: mostly
    /// three nodes.
    pub nodes: Option<u64>,
    /// The number of walks.
    pub walks: u64,
    /// The seed of the first walk. Each further walk has the next number as its seed.
    pub seed: u64,
    /// The number of threads; `None` for one per core. The result does not depend on this number.
    pub jobs: Option<NonZeroUsize>,
    /// Whether a node may get a proof of death of a peer that runs. With such proofs, no quorum
    /// algorithm can guarantee exclusive leases.
    pub false_proofs: bool,
    /// The changes of the members that the adversary commands the leader to make, in random order.
    pub changes: Vec<MembersChange>,
}

/// The number of walks that a thread takes over at a time, before it asks for the next ones.
const BATCH: u64 = 16;

impl<A: ElectionAlgorithm> Walks<A> {
    /// Creates the default walks: a thousand walks from seed 1, on all cores.
    #[must_use]
    pub fn new(config: A::Config) -> Self {
        Self {
            config,
            nodes: None,
            walks: 1_000,
            seed: 1,
            jobs: None,
            false_proofs: false,
            changes: Vec::new(),
        }
    }

    /// Does the walks in the order of their seeds, until a walk violates an invariant. Then shrinks
    /// the schedule of that walk.
    ///
    /// # Errors
    /// Returns an error if the algorithm's configuration is not valid, or if there are no nodes.
    pub fn run(&self) -> Result<WalkReport, CheckError> {
        let most = self.nodes.unwrap_or(MAX_NODES);
        for nodes in self.nodes.unwrap_or(MIN_NODES)..=most {
            memberships(nodes, &self.config)?;
        }
        let jobs = self.jobs.or_else(|| thread::available_parallelism().ok());
        let (next, found) = (AtomicU64::new(0), AtomicU64::new(u64::MAX));
        let counts = thread::scope(|scope| {
            let work = || self.work(&next, &found);
            let threads: Vec<_> = (0..jobs.map_or(1, NonZeroUsize::get))
                .map(|_| scope.spawn(work))
                .collect();
            let done = threads.into_iter().map(thread::ScopedJoinHandle::join);
            // A panic of the algorithm does not arrive here: it is caught, and becomes a violation
            // in the report. A panic that arrives here comes from the code of the walk itself.
            done.map(|counts| counts.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .fold((0, Counts::default()), |all, one| {
                    (all.0 + one.0, all.1.plus(one.1))
                })
        });
        let found = found.into_inner();
        let (walks, counts) = counts;
        Ok(WalkReport {
            algorithm: A::NAME,
            guarantee: A::Guarantee::KIND,
            walks,
            seed: self.seed,
            counts,
            finding: (found < u64::MAX).then(|| self.finding(self.seed.wrapping_add(found))),
        })
    }

    /// Replays a schedule in a cluster of `nodes` nodes, or of three nodes if `nodes` is `None`.
    /// Returns the events that were possible, and the first violation.
    ///
    /// # Errors
    /// Returns an error if the algorithm's configuration is not valid, or if there are no nodes.
    pub fn replay(&self, schedule: &Schedule) -> Result<Finding, CheckError> {
        let nodes = self.nodes.unwrap_or(3);
        let members = memberships(nodes, &self.config)?;
        let runner = self.runner(&members);
        let walked = runner.play_text(&schedule.lines);
        Ok(Finding {
            type_name: std::any::type_name::<A>(),
            seed: None,
            nodes,
            length: schedule.lines.len(),
            schedule: annotate(&runner, &walked.lines),
            violation: walked.violation,
        })
    }

    fn runner<'a>(&'a self, members: &'a [Membership]) -> Runner<'a, A> {
        Runner {
            config: &self.config,
            members,
            false_proofs: self.false_proofs,
            changes: &self.changes,
        }
    }

    /// Does batches of walks until no walk is left, or until all walks before the first one with a
    /// violation are done. Each thread calls this method. Returns the number of walks of this
    /// thread, and the sum of their counts.
    fn work(&self, next: &AtomicU64, found: &AtomicU64) -> (u64, Counts) {
        let (mut walks, mut counts) = (0, Counts::default());
        loop {
            let first = next.fetch_add(BATCH, Ordering::Relaxed);
            for number in first..first + BATCH {
                if number >= self.walks || number > found.load(Ordering::Relaxed) {
                    return (walks, counts);
                }
                let is_clean = self.walk_one(number, &mut counts);
                walks += 1;
                if !is_clean {
                    found.fetch_min(number, Ordering::Relaxed);
                    return (walks, counts);
                }
            }
        }
    }

    /// Does the walk with this number, and adds its counts (of events, tenures, crashes and others)
    /// to `counts`. Returns `true` if the walk violates no invariant.
    fn walk_one(&self, number: u64, counts: &mut Counts) -> bool {
        let seed = self.seed.wrapping_add(number);
        memberships(self.size(seed), &self.config).map_or(true, |members| {
            let walked = self.runner(&members).walk(seed);
            *counts = counts.plus(walked.counts);
            walked.violation.is_none()
        })
    }

    fn finding(&self, seed: u64) -> Finding {
        let nodes = self.size(seed);
        let members = memberships(nodes, &self.config).unwrap_or_default();
        let runner = self.runner(&members);
        let walked = runner.walk(seed);
        let length = walked.lines.len();
        let lines = match &walked.violation {
            Some(violation) => shrink(&runner, walked.lines, violation.invariant),
            None => walked.lines,
        };
        let lines = renumbered(&lines);
        let schedule = annotate(&runner, &lines);
        Finding {
            type_name: std::any::type_name::<A>(),
            seed: Some(seed),
            nodes,
            length,
            violation: runner.play(&lines).violation.or(walked.violation),
            schedule,
        }
    }

    /// Returns the size of the cluster of the walk with this seed.
    fn size(&self, seed: u64) -> u64 {
        const DRAWN: [u64; 8] = [3, 3, 3, 3, 3, 5, MIN_NODES, 4];
        self.nodes
            .unwrap_or(DRAWN[(seed % DRAWN.len() as u64) as usize])
    }
}

/// The numbers of nodes of the smallest and of the largest cluster that a seed can determine.
const MIN_NODES: u64 = 2;
const MAX_NODES: u64 = 5;

/// Returns the same lines with new numbers, from 1 and without gaps. The names of messages refer to
/// the new numbers.
fn renumbered<T: Clone>(lines: &[Line<T>]) -> Vec<Line<T>> {
    let number = |old: u32| {
        let place = lines.iter().position(|line| line.number == old);
        place.map_or(0, |place| place as u32 + 1)
    };
    lines
        .iter()
        .map(|line| {
            let mut event = line.event.clone();
            if let Event::Received { message, .. } = &mut event {
                message.line = number(message.line);
            }
            Line {
                number: number(line.number),
                event,
            }
        })
        .collect()
}
