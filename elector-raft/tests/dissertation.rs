//! What Ongaro's dissertation adds to the paper: pre-vote (section 9.6), check-quorum (6.2),
//! silence and leases (4.2.3, 6.4.1), transfer (3.10); and the project's own priorities.

mod common;

use std::collections::BTreeMap;

use common::*;
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
        (2, pre_vote(e(0), e(1))), // again from the same
        (3, pre_vote(e(0), e(0))), // about another term
        (4, pre_vote(e(0), e(2))),
        (4, no_pre_vote(e(0), e(1))),
        (5, vote(e(0))), // no pre-vote
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

// However long no majority was to be had, the timeout must be what it was when one is there again.
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

// A pre-vote binds nobody: a node that had to remember it could not grant it to two at once, and
// one that moved its timeout for it could be kept from ever campaigning.
// Invariant: I6.
#[test]
fn a_pre_vote_changes_nothing() {
    let mut node = Node::new(5, &RaftConfig::default());
    for candidate in [2, 3] {
        let step = node.receive(candidate, request_pre_vote(e(4)));
        assert_eq!(sent(&step, candidate), Some(pre_vote(e(0), e(4))));
        assert!(step.persist.is_none() && step.timers.is_empty() && step.view.is_none());
    }
    // The same rule as for votes: in a term in which it has voted, it would not vote for another.
    node.receive(2, request_vote(e(4)));
    let step = node.receive(3, request_pre_vote(e(4)));
    assert_eq!(sent(&step, 3), Some(no_pre_vote(e(4), e(4))));
}

// A node that is behind learns the term from a refused pre-vote; otherwise it would go on asking
// about a term in which everybody has voted.
#[test]
fn a_refused_pre_vote_brings_the_term() {
    let mut node = Node::new(3, &RaftConfig::default());
    node.time_out();
    node.receive(2, no_pre_vote(e(6), e(1)));
    assert_eq!(node.view(), View::following(e(6), None));
    let step = node.time_out();
    assert_eq!(sent(&step, 2), Some(request_pre_vote(e(7))));
}

// Section 4.2.3: "if a server receives a RequestVote request within the minimum election timeout
// of hearing from a current leader, it does not update its term or grant its vote."
// Invariant: I7.
#[test]
fn while_its_leader_is_fresh_a_node_keeps_silence() {
    for config in [RaftConfig::default(), plain()] {
        let mut node = Node::new(3, &config);
        node.receive(2, heartbeat(e(1)));
        let step = node.receive(3, request_vote(e(9)));
        assert_eq!(sent(&step, 3), Some(no_vote(e(1))));
        assert_eq!((step.persist, step.view), (None, None));
        let step = node.receive(3, request_pre_vote(e(9)));
        assert_eq!(sent(&step, 3), Some(no_pre_vote(e(1), e(9))));
        let step = node.command(Command::Campaign);
        assert!(step.refusal.is_some(), "its own vote is owed silence too");
    }
}

// A leader is its own fresh leader: until check-quorum ends its tenure it gives no vote away.
// Invariant: I7.
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

// Entering a higher term does not release a node from its silence: the leader of the older term
// may still count on its acknowledgement.
// Invariant: I7.
#[test]
fn silence_outlasts_the_term() {
    let mut node = Node::new(3, &RaftConfig::default());
    node.receive(2, heartbeat(e(1)));
    node.receive(3, no_vote(e(5)));
    assert_eq!(node.view(), View::following(e(5), None));
    let step = node.receive(3, request_vote(e(6)));
    assert_eq!(sent(&step, 3), Some(no_vote(e(5))));
    // Who was refused for that reason alone is answered again when the silence ends.
    let step = node.elapse(RaftTimer::Vigil);
    assert_eq!(sent(&step, 3), Some(vote(e(6))));
    assert!(
        is_set(&step, RaftTimer::Vigil),
        "a vote starts the timeout anew"
    );
}

// What was refused is forgotten when the leader is heard again: answering it then would help a
// node that is merely cut off from the leader.
#[test]
fn a_sign_of_life_settles_what_was_asked() {
    let mut node = Node::new(3, &plain());
    node.receive(2, heartbeat(e(1)));
    node.receive(3, request_vote(e(2)));
    node.receive(2, heartbeat(e(1)));
    let step = node.elapse(RaftTimer::Vigil);
    assert!(step.sends.is_empty() && step.persist.is_none());
}

// A node that comes back may have acknowledged a heartbeat before its crash, and a node that has
// never run cannot have.
// Invariant: I7.
#[test]
fn a_restarted_node_keeps_silence_for_a_vigil() {
    let mut node = Node::new(3, &RaftConfig::default());
    let step = node.receive(3, request_pre_vote(e(1)));
    assert_eq!(sent(&step, 3), Some(pre_vote(e(0), e(1))));
    node.receive(2, heartbeat(e(1)));
    node.restart();
    let step = node.receive(3, request_vote(e(2)));
    assert_eq!(sent(&step, 3), Some(no_vote(e(1))));
    let step = node.prove(2);
    assert!(
        step.sends.is_empty() && step.timers.is_empty(),
        "it does not know whom it heard"
    );
    let step = node.elapse(RaftTimer::Vigil);
    assert_eq!(sent(&step, 3), Some(vote(e(2))));

    let mut node = Node::new(3, &paper());
    node.receive(2, heartbeat(e(1)));
    node.restart();
    let step = node.receive(3, request_vote(e(2)));
    assert_eq!(sent(&step, 3), Some(vote(e(2))), "no lease, no silence");
}

// Section 6.4.1: the lease counts from the newest round that a majority acknowledged. Without
// check-quorum nobody keeps silence, so there must be none.
// Invariant: I7.
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
// heartbeats to a majority"; in the same term, and not to lead it again.
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
        "its vote in this term is spent"
    );
}

// Section 3.10: the old leader hands over by TimeoutNow. It must have stepped down when that
// leaves it, for the heir's election overrides the silence that protects its lease.
// Invariant: I7.
#[test]
fn a_transfer_comes_after_stepping_down() {
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

// The heir skips the pre-vote and overrides silence, its own too; and it does so only for the
// term whose leader called upon it.
#[test]
fn the_heir_campaigns_at_once() {
    let mut node = Node::new(3, &RaftConfig::default());
    node.receive(2, heartbeat(e(3)));
    let step = node.receive(2, RaftMessage::TimeoutNow { term: e(2) });
    assert!(step.sends.is_empty(), "of a tenure that has ended");
    let step = node.receive(3, RaftMessage::TimeoutNow { term: e(3) });
    assert!(step.sends.is_empty(), "not from the leader");
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

// A node that resigned wants others to lead: it passes over one chance, and only one, as somebody
// must campaign. A leader in between settles it.
#[test]
fn who_resigns_sits_out_once() {
    let mut node = Node::new(3, &RaftConfig::default());
    node.lead();
    let step = node.command(Command::Resign);
    let heir = Some(RaftMessage::TimeoutNow { term: e(1) });
    assert_eq!(
        sent(&step, 2),
        heir,
        "none has acknowledged: the next one around"
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

// Priorities only delay: levels, not numbers, count, so that large numbers cost nothing.
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
        "as node 3, not named"
    );

    let members = Membership::new(NodeId(1), (1..=3).map(NodeId)).unwrap();
    assert_eq!(config(1, 2).validate(&members), Ok(()));
    let mut stranger = config(1, 2);
    stranger.priorities.insert(NodeId(9), 1);
    let error = stranger.validate(&members);
    assert!(matches!(error, Err(TimingError::Option(_))));
}

// A peer that claims the last term there is must not make anybody panic or lead without a vote.
#[test]
fn the_last_term_is_a_dead_end_without_harm() {
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
