//! Tests the rules that Ongaro's dissertation adds to the paper: pre-vote (section 9.6),
//! check-quorum (6.2), silence and leases (4.2.3, 6.4.1), transfer (3.10). Also tests the
//! priorities, which are this project's own rule.

use std::collections::BTreeMap;

use crate::node::*;
use elector_core::{
    Command, Configuration, Delay, Membership, Moment, NodeId, Role, TimerChange, TimingError, View,
};
use elector_raft::{RaftConfig, RaftMessage, RaftTimer};

// Section 9.6: "a candidate would only increment its term if it first learned from a majority of
// the cluster that they would be willing to grant the candidate their votes".
#[test]
fn no_term_starts_without_a_majority_of_pre_votes() {
    let mut node = Node::new(5, &RaftConfig::default());
    let step = node.time_out();
    assert_eq!(sent(&step, 2), Some(request_pre_vote(e(1))));
    for (from, message) in [
        (2, pre_vote(e(0), e(1))),
        (2, pre_vote(e(0), e(1))), // again from the same peer
        (3, pre_vote(e(0), e(0))), // about another term
        (4, pre_vote(e(0), e(2))),
        (4, no_pre_vote(e(0), e(1))),
        (5, vote(e(0))), // a vote is no pre-vote
    ] {
        let step = node.receive(from, message);
        assert!(
            step.sends.is_empty() && step.persist.is_none(),
            "{message:?}"
        );
    }
    let step = node.receive(3, pre_vote(e(0), e(1)));
    assert_eq!(sent(&step, 5), Some(request_vote(e(1))));
}

// A node that reaches no majority may ask for pre-votes many times without success. When it reaches
// a majority again, its election timeout must not be wider than before.
#[test]
fn failing_pre_votes_do_not_widen_the_timeout() {
    let mut node = Node::new(5, &RaftConfig::default());
    for _ in 0..9 {
        let step = node.elapse(RaftTimer::Vigil);
        let first = RaftConfig::default().timing.stagger(0);
        assert_eq!(step.timers, [TimerChange::Set(RaftTimer::Stagger, first)]);
        node.elapse(RaftTimer::Stagger);
    }
}

// A pre-vote does not bind its sender. A node that had to remember a pre-vote could not grant
// pre-votes to two candidates. A node that restarted its timeout for a pre-vote might never
// campaign.
// Invariant: I6.
#[test]
fn a_pre_vote_changes_nothing() {
    let mut node = Node::new(5, &RaftConfig::default());
    for candidate in [2, 3] {
        let step = node.receive(candidate, request_pre_vote(e(4)));
        assert_eq!(sent(&step, candidate), Some(pre_vote(e(0), e(4))));
        assert!(step.persist.is_none() && step.timers.is_empty() && step.view.is_none());
    }
    // The rule for pre-votes is the same as for votes: for a term in which the node has voted, it
    // grants no pre-vote to another candidate.
    node.receive(2, request_vote(e(4)));
    let step = node.receive(3, request_pre_vote(e(4)));
    assert_eq!(sent(&step, 3), Some(no_pre_vote(e(4), e(4))));
}

// A node in an old term learns the newer term from a refused pre-vote. Otherwise it would continue
// to ask about a term in which all nodes have voted.
#[test]
fn a_refused_pre_vote_carries_the_term() {
    let mut node = Node::new(3, &RaftConfig::default());
    node.time_out();
    node.receive(2, no_pre_vote(e(6), e(1)));
    assert_eq!(node.view(), View::following(e(6), None));
    let step = node.time_out();
    assert_eq!(sent(&step, 2), Some(request_pre_vote(e(7))));
}

// Section 4.2.3: "if a server receives a RequestVote request within the minimum election timeout"
// after a heartbeat of a current leader, "it does not update its term or grant its vote".
// Invariant: I7.
#[test]
fn a_node_with_a_live_leader_keeps_silence() {
    for config in [RaftConfig::default(), plain()] {
        let mut node = Node::new(3, &config);
        node.receive(2, heartbeat(e(1)));
        let step = node.receive(3, request_vote(e(9)));
        assert_eq!(sent(&step, 3), Some(no_vote(e(1))));
        assert_eq!((step.persist, step.view), (None, None));
        let step = node.receive(3, request_pre_vote(e(9)));
        assert_eq!(sent(&step, 3), Some(no_pre_vote(e(1), e(9))));
        let step = node.command(Command::Campaign);
        assert!(step.refusal.is_some(), "it must not vote for itself");
    }
}

// A leader keeps its own lease: it votes for no other node until check-quorum ends its tenure,
// because a majority has not answered for `election_min`.
#[test]
fn a_leader_keeps_silence_for_itself() {
    let mut node = Node::new(3, &RaftConfig::default());
    node.lead();
    let step = node.receive(2, request_vote(e(9)));
    assert_eq!(sent(&step, 2), Some(no_vote(e(1))));
    let step = node.receive(2, request_pre_vote(e(9)));
    assert_eq!(sent(&step, 2), Some(no_pre_vote(e(1), e(9))));
    assert_eq!(node.view().role, Role::Leader);
}

// A node that enters a higher term still owes silence (it votes for no node): the leader of the
// older term may hold a lease that counts this node's acknowledgement. Invariant: I7.
#[test]
fn silence_outlasts_the_term() {
    let mut node = Node::new(3, &RaftConfig::default());
    node.receive(2, heartbeat(e(1)));
    node.receive(3, no_vote(e(5)));
    assert_eq!(node.view(), View::following(e(5), None));
    let step = node.receive(3, request_vote(e(6)));
    assert_eq!(sent(&step, 3), Some(no_vote(e(5))));
    // When the silence ends (`election_min` after the last heartbeat), the node answers the request
    // that it refused only because of the silence.
    let step = node.elapse(RaftTimer::Vigil);
    assert_eq!(sent(&step, 3), Some(vote(e(6))));
    assert!(
        is_set(&step, RaftTimer::Vigil),
        "a vote restarts the timeout"
    );
}

// A node refuses a request because of its silence (for `election_min` after a heartbeat it votes
// for no other node). It keeps the request, but drops the request at the next heartbeat of the
// leader. The leader is alive, so an answer would help a candidate that is only cut off from the
// leader.
#[test]
fn a_heartbeat_drops_the_request_that_was_set_aside() {
    let mut node = Node::new(3, &plain());
    node.receive(2, heartbeat(e(1)));
    node.receive(3, request_vote(e(2)));
    node.receive(2, heartbeat(e(1)));
    let step = node.elapse(RaftTimer::Vigil);
    assert!(step.sends.is_empty() && step.persist.is_none());
}

// A node that restarts after a crash may have acknowledged a heartbeat before the crash, so it
// keeps silence for `election_min`: it votes for no node. Otherwise it could help to elect a second
// leader during a lease. A node that has never run cannot have acknowledged a heartbeat. Invariant:
// I7.
#[test]
fn a_restarted_node_keeps_silence_for_a_vigil() {
    let mut node = Node::new(3, &RaftConfig::default());
    let step = node.receive(3, request_pre_vote(e(1)));
    assert_eq!(sent(&step, 3), Some(pre_vote(e(0), e(1))));
    node.receive(2, heartbeat(e(1)));
    node.restart();
    let step = node.receive(3, request_vote(e(2)));
    assert_eq!(sent(&step, 3), Some(no_vote(e(1))));
    let step = node.prove_dead(2);
    assert!(
        step.sends.is_empty() && step.timers.is_empty(),
        "it does not know which leader it acknowledged"
    );
    let step = node.elapse(RaftTimer::Vigil);
    assert_eq!(sent(&step, 3), Some(vote(e(2))));

    let mut node = Node::new(3, &paper());
    node.receive(2, heartbeat(e(1)));
    node.restart();
    let step = node.receive(3, request_vote(e(2)));
    assert_eq!(sent(&step, 3), Some(vote(e(2))), "no lease, no silence");
}

// Section 6.4.1: the lease counts from the send time of the newest round of heartbeats that a
// majority acknowledged. Without check-quorum, followers may vote for another node at any time
// (they keep no silence), so there must be no lease. Invariant: I7.
#[test]
fn the_lease_counts_from_the_round_of_a_majority() {
    let mut node = Node::new(5, &RaftConfig::default());
    node.lead();
    let first = node.moment();
    node.receive(2, ack(e(1), first));
    assert_eq!(node.lease(), None, "two of five");
    node.receive(3, ack(e(1), first));
    assert_eq!(node.lease(), Some(first));
    node.elapse(RaftTimer::Heartbeat);
    let second = node.moment();
    node.receive(3, ack(e(1), second));
    assert_eq!(node.lease(), Some(first));
    node.receive(4, ack(e(0), second));
    assert_eq!(
        node.lease(),
        Some(first),
        "an acknowledgement of an earlier tenure"
    );
    node.receive(4, ack(e(1), second));
    assert_eq!(node.lease(), Some(second));
    node.command(Command::Resign);
    assert_eq!(node.lease(), None);

    let mut node = Node::new(1, &paper());
    node.lead();
    assert_eq!((node.view().role, node.lease()), (Role::Leader, None));
}

// Section 6.2: a leader steps down "if an election timeout elapses without a successful round of
// heartbeats to a majority". The node stays in the same term, and does not lead that term again.
// Invariant: I4.
#[test]
fn a_leader_without_a_quorum_steps_down() {
    let mut node = Node::new(5, &RaftConfig::default());
    let step = node.lead();
    assert!(is_set(&step, RaftTimer::Quorum));
    let sent_at = node.moment();
    for (peer, complete) in [(2, false), (2, false), (3, true), (3, false), (4, true)] {
        let step = node.receive(peer, ack(e(1), sent_at));
        assert_eq!(is_set(&step, RaftTimer::Quorum), complete, "{peer}");
    }
    node.elapse(RaftTimer::Quorum);
    assert_eq!(node.view(), View::following(e(1), None));
    node.receive(4, vote(e(1)));
    node.elapse(RaftTimer::Heartbeat);
    assert_eq!(node.view(), View::following(e(1), None));
    assert_eq!(
        node.disk.voted_for,
        Some(1.into()),
        "it has used its vote in this term"
    );
}

// Section 3.10: the old leader transfers its leadership with a TimeoutNow. It must step down before
// it sends this message, because the voters then vote for the successor at once. Without this
// transfer, they would vote for no other node during the old leader's lease. Invariant: I7.
#[test]
fn a_leader_steps_down_before_it_transfers() {
    let mut node = Node::new(3, &RaftConfig::default());
    node.lead();
    node.receive(2, ack(e(1), node.moment()));
    assert!(node.lease().is_some());
    let step = node.command(Command::TransferTo(3.into()));
    assert_eq!(sent(&step, 3), Some(RaftMessage::TimeoutNow { term: e(1) }));
    assert_eq!(step.view, Some(View::following(e(1), None)));
    assert_eq!(node.lease(), None);
    let step = node.receive(3, transfer_request(e(2)));
    assert_eq!(sent(&step, 3), Some(vote(e(2))));
}

// The successor skips the pre-vote. It campaigns, and the voters vote for it, although all of them
// still owe the old leader silence, which means that they refuse any other candidate. A node
// campaigns in this way only if the leader of its present term has named it as successor.
#[test]
fn the_successor_campaigns_at_once() {
    let mut node = Node::new(3, &RaftConfig::default());
    node.receive(2, heartbeat(e(3)));
    let step = node.receive(2, RaftMessage::TimeoutNow { term: e(2) });
    assert!(step.sends.is_empty(), "that tenure has ended");
    let step = node.receive(3, RaftMessage::TimeoutNow { term: e(3) });
    assert!(step.sends.is_empty(), "the sender does not lead");
    let step = node.receive(2, RaftMessage::TimeoutNow { term: e(3) });
    assert_eq!(sent(&step, 3), Some(transfer_request(e(4))));
    node.elapse(RaftTimer::OwnVote);
    node.receive(3, vote(e(4)));
    assert_eq!(node.view(), View::leading(e(4), 1.into()));

    let mut voter = Node::new(3, &RaftConfig::default());
    voter.receive(2, heartbeat(e(3)));
    let step = voter.receive(3, transfer_request(e(4)));
    assert_eq!(sent(&step, 3), Some(vote(e(4))));
}

// A node that resigned wants another node to lead, so it does not campaign at its next timeout. It
// campaigns at the timeout after that, because some node must campaign. When there is a new leader,
// the node skips no further election.
#[test]
fn a_node_that_resigned_skips_one_election() {
    let mut node = Node::new(3, &RaftConfig::default());
    node.lead();
    let step = node.command(Command::Resign);
    let handover = Some(RaftMessage::TimeoutNow { term: e(1) });
    assert_eq!(
        sent(&step, 2),
        handover,
        "no peer has acknowledged, so the next one in the ring succeeds"
    );
    assert!(node.time_out().sends.is_empty());
    assert!(!node.time_out().sends.is_empty());

    let mut node = Node::new(3, &RaftConfig::default());
    node.lead();
    node.receive(3, ack(e(1), node.moment()));
    let step = node.command(Command::Resign);
    assert_eq!(sent(&step, 3), Some(RaftMessage::TimeoutNow { term: e(1) }));
    node.receive(3, heartbeat(e(2)));
    assert!(!node.time_out().sends.is_empty());
}

// Priorities only delay campaigns. The order of the priorities counts, and not their values, so
// large numbers cause no longer delay.
#[test]
fn lower_priorities_wait_longer() {
    let config = |mine: u32, theirs: u32| RaftConfig {
        priorities: BTreeMap::from([(NodeId(1), mine), (NodeId(2), theirs)]),
        ..plain()
    };
    let stagger = |config: &RaftConfig| {
        let mut node = Node::new(3, config);
        let step = node.elapse(RaftTimer::Vigil);
        match step.timers[..] {
            [TimerChange::Set(RaftTimer::Stagger, Delay { min, max })] => {
                (min.as_millis(), max.as_millis())
            }
            ref other => panic!("{other:?}"),
        }
    };
    assert_eq!(stagger(&config(7, 7)), (0, 150));
    assert_eq!(stagger(&config(7, u32::MAX)), (150, 300));
    assert_eq!(
        stagger(&config(0, u32::MAX)),
        (150, 300),
        "node 3 is not named and has 0"
    );

    let members = Membership::new(NodeId(1), (1..=3).map(NodeId)).unwrap();
    assert_eq!(config(1, 2).validate(&members), Ok(()));
    let mut unknown_node = config(1, 2);
    unknown_node.priorities.insert(NodeId(9), 1);
    let error = unknown_node.validate(&members);
    assert!(matches!(error, Err(TimingError::NoMember(_))));
}

// A peer may claim the highest term that exists (`u64::MAX`). A message of this term must not make
// a node panic or lead without votes.
#[test]
fn the_last_term_does_no_harm() {
    for config in [RaftConfig::default(), plain()] {
        let mut node = Node::new(3, &config);
        node.receive(2, heartbeat(e(u64::MAX)));
        node.time_out();
        node.receive(2, pre_vote(e(0), e(u64::MAX)));
        node.elapse(RaftTimer::OwnVote);
        node.receive(2, vote(e(u64::MAX)));
        node.receive(3, vote(e(u64::MAX)));
        assert_ne!(node.view().role, Role::Leader);
        assert_eq!(node.lease(), None::<Moment>);
    }
}
