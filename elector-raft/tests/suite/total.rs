//! Tests that no input from any sender breaks a node in any state.

use std::collections::BTreeMap;

use elector_core::{
    Driver, ElectionAlgorithm, Epoch, Input, Membership, Message, Moment, NodeId, Role,
};
use elector_raft::{LogPosition, Raft, RaftConfig, RaftDurable, RaftMessage, RaftTimer};
use proptest::{
    collection::{btree_map, vec},
    option,
    prelude::*,
};

use crate::algorithm::inputs::{any_node, change, epoch, input, run_without_driver};

const ME: NodeId = NodeId(30);

fn log() -> impl Strategy<Value = LogPosition> {
    let position = |(term, index)| LogPosition { term, index };
    prop_oneof![
        4 => Just(LogPosition::default()),
        1 => (epoch(), any::<u64>()).prop_map(position),
    ]
}

fn message() -> impl Strategy<Value = RaftMessage> {
    let moment = any::<u64>().prop_map(Moment::from_nanos);
    let parts = (0..7, epoch(), epoch(), any::<bool>(), log(), moment);
    parts.prop_map(|(kind, term, next_term, flag, last_log, sent)| match kind {
        0 => RaftMessage::RequestPreVote {
            next_term,
            last_log,
        },
        1 => RaftMessage::PreVote {
            term,
            next_term,
            granted: flag,
        },
        2 => RaftMessage::RequestVote {
            term,
            last_log,
            transfer: flag,
        },
        3 => RaftMessage::Vote {
            term,
            granted: flag,
        },
        4 => RaftMessage::Heartbeat {
            term,
            sent,
            announce: flag,
        },
        5 => RaftMessage::HeartbeatAck { term, sent },
        _ => RaftMessage::TimeoutNow { term },
    })
}

fn timer() -> impl Strategy<Value = RaftTimer> {
    prop_oneof![
        4 => Just(RaftTimer::Vigil),
        4 => Just(RaftTimer::Stagger),
        4 => Just(RaftTimer::OwnVote),
        1 => Just(RaftTimer::Heartbeat),
        1 => Just(RaftTimer::Quorum),
    ]
}

fn config() -> impl Strategy<Value = RaftConfig> {
    let priorities = btree_map(any_node(), any::<u32>(), 0..4);
    (any::<(bool, bool)>(), priorities).prop_map(|((pre_vote, check_quorum), priorities)| {
        RaftConfig {
            pre_vote,
            check_quorum,
            priorities,
            ..RaftConfig::default()
        }
    })
}

fn durable() -> impl Strategy<Value = RaftDurable> {
    let voted_for = option::of(any_node());
    (epoch(), voted_for, log()).prop_map(|(term, voted_for, last_log)| RaftDurable {
        term,
        voted_for,
        last_log,
    })
}

fn members(nodes: u64) -> Membership {
    // Node 30 (`ME`, the node under test) is always a member, also of a cluster of one.
    let others = [10, 20, 40, 50].into_iter().map(NodeId);
    let others = others.take(usize::try_from(nodes).unwrap() - 1);
    Membership::new(ME, others.chain([ME])).unwrap()
}

/// For each term, the candidate that the node supported, across all restarts: by a vote that it
/// sent, by a vote on its disk, or by its own tenure.
#[derive(Default)]
struct Support(BTreeMap<Epoch, NodeId>);

impl Support {
    fn add(&mut self, term: Epoch, candidate: NodeId) -> Result<(), TestCaseError> {
        let first = *self.0.entry(term).or_insert(candidate);
        prop_assert_eq!(first, candidate, "a second vote in term {}", term);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1024,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    // A peer may be broken, hostile or of another version. For all messages, a node does not panic
    // and keeps the contract of `ElectionAlgorithm`. After a crash the node has its old term, and
    // it supports at most one candidate in a term, ever. It always waits for a timer: without one
    // it would never act again. At a restart, a host (the program that runs the algorithm) may
    // raise the epoch of a node above a floor, which is a given epoch. After this, the node votes
    // and leads only in epochs above that floor.
    // Invariants: I1 to I4.
    #[test]
    fn any_input_in_any_state(
        config in config(),
        nodes in 1_u64..=5,
        disk in durable(),
        inputs in vec((input(message(), timer()), option::of(epoch())), 0..80),
    ) {
        let mut support = Support::default();
        let (mut disk, mut lowest) = (disk, Epoch::ZERO);
        let mut driver = Driver::<Raft>::restore(&config, members(nodes), disk.clone());
        let mut running = Vec::new();
        for (input, floor) in std::iter::once((Input::Started, None)).chain(inputs) {
            if input == Input::Started {
                prop_assert_eq!(driver.view().epoch, disk.term);
                if let Some(floor) = floor
                    && let Some(raised) = Raft::raised(&disk, floor)
                {
                    prop_assert!(raised.term > floor && raised.term >= disk.term);
                    disk = raised;
                    lowest = lowest.max(floor.next());
                }
                driver = Driver::restore(&config, members(nodes), disk.clone());
                prop_assert_eq!(driver.view().epoch, disk.term);
                running.clear();
            }
            if let Input::Elapsed(timer) = input {
                running.retain(|&other| other != timer);
            }
            let before = disk.clone();
            let step = driver.step(input.clone(), Moment::ZERO);
            let step = step.map_err(|error| TestCaseError::fail(format!("{input:?}: {error}")))?;
            if let Some(durable) = &step.persist {
                disk = durable.clone();
            }
            prop_assert!(disk.term > before.term || before.voted_for.is_none()
                || disk.voted_for == before.voted_for, "the vote changed within a term");
            if let Some(candidate) = disk.voted_for {
                support.add(disk.term, candidate)?;
            }
            for out in &step.sends {
                if let Some(pledge) = out.message.pledge(out.to) {
                    let candidate = pledge.candidate.expect("a vote names its candidate");
                    prop_assert!(pledge.epoch >= lowest, "{:?} is below {:?}", pledge, lowest);
                    support.add(pledge.epoch, candidate)?;
                }
            }
            let view = driver.view();
            if view.role == Role::Leader {
                prop_assert_eq!(disk.voted_for, Some(ME), "a leader has its own vote");
                support.add(view.epoch, ME)?;
                prop_assert!(view.epoch >= lowest);
            }
            prop_assert!(driver.lease().is_none() || config.check_quorum);
            change(&mut running, &step.timers);
            let watched = match view.role {
                Role::Leader => running.contains(&RaftTimer::Heartbeat),
                Role::Follower | Role::PreCandidate | Role::Candidate => {
                    running.contains(&RaftTimer::Vigil) != running.contains(&RaftTimer::Stagger)
                }
            };
            prop_assert!(watched, "after {:?}: {:?} runs, {:?}", input, running, view);
            driver.recycle(step);
        }
    }

    // A node does not panic even without a `Driver`, which would drop the messages of unknown
    // peers.
    #[test]
    fn unknown_peers_cannot_make_it_panic(
        config in config(),
        inputs in vec(input(message(), timer()), 0..80),
    ) {
        run_without_driver(&config, inputs)?;
    }
}
