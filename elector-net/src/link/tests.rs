use elector_core::Timing;

use super::*;
use crate::record::LockId;

fn link() -> Link {
    let detection = Detection::of(&Timing::default());
    Link::new(NodeId(2), detection)
}

const LONG: Duration = Duration::from_secs(3600);

fn learn(link: &Link, life: u64) -> LifeChange {
    link.learn_life(life, LockClaim::default(), LONG)
}

// If two processes with one id could vote, the node would vote twice. So the second process is
// rejected as long as the first one sends data.
#[test]
fn a_second_life_is_rejected_while_the_first_sends() {
    let link = link();
    let fresh = Duration::from_secs(3600);
    let first = link.admit_incoming(1, false, fresh).unwrap();
    link.received();
    assert_eq!(
        link.admit_incoming(2, false, fresh),
        Err(Rejection::Claimed(NodeId(2)))
    );
    assert!(!first.is_cancelled());
    let again = link.admit_incoming(1, false, fresh).unwrap();
    assert!(first.is_cancelled(), "the same process has dialled again");
    link.incoming_closed(&first);
    assert!(
        link.is_incoming_open(),
        "the end of the old connection does not end the new one"
    );
    link.incoming_closed(&again);
    assert!(!link.is_incoming_open());
    assert!(
        link.admit_incoming(2, false, fresh).is_ok(),
        "no other process is connected"
    );
    assert!(
        link.admit_incoming(3, false, Duration::ZERO).is_ok(),
        "the connected process is silent"
    );
}

// A process with the id of a voter and another disk must not prevent the voter from connecting:
// only the voter's own disk holds its votes.
#[test]
fn a_voter_takes_the_place_of_a_process_with_another_disk() {
    let link = link();
    let fresh = Duration::from_secs(3600);
    let other = link.admit_incoming(1, true, fresh).unwrap();
    link.received();
    let voter = link.admit_incoming(2, false, fresh).unwrap();
    assert!(other.is_cancelled());
    assert!(link.admit_incoming(3, true, fresh).is_err());
    assert!(!voter.is_cancelled());
}

// If a peer names another life than before, which means another process, the life before may have
// ended. The first life that a peer names is not a change.
#[test]
fn only_another_life_is_a_change() {
    let link = link();
    let changes = [5, 5, 6, 6].map(|life| learn(&link, life));
    let same = LifeChange::Unchanged;
    assert_eq!(changes, [same, same, LifeChange::Unproved, same]);
}

// If a node is killed together with its watcher and is started again at once, the new life
// (process) itself proves that the last life has ended: it holds the same lock. This proof does not
// count as long as an even earlier life, whose end was not proved, may hold a lease.
#[test]
fn a_life_that_has_the_lock_of_the_one_before_proves_its_end() {
    let claim = |lock| LockClaim {
        lock: LockId::of([lock; 16]),
        clock_ns: actor::now().nanos(),
    };
    let link = link();
    let changes = [(5, 1), (6, 1), (7, 2), (8, 2)].map(|(life, lock)| {
        let change = link.learn_life(life, claim(lock), LONG);
        link.received();
        change
    });
    let (first, proved) = (LifeChange::Unchanged, LifeChange::Proved);
    let unproved = LifeChange::Unproved;
    assert_eq!(changes, [first, proved, unproved, unproved]);
    assert_eq!(link.proofs.load(Ordering::Relaxed), 1);
    let change = link.learn_life(9, claim(2), Duration::ZERO);
    assert_eq!(change, proved, "no lease is left by then");
}

// A proof that a life (process) of the peer has ended may arrive twice, or after the peer's next
// life has begun. It must not count against the next life. Old messages of the dead life must not
// count as signs of life.
#[test]
fn a_proof_counts_once_and_for_the_present_life_only() {
    let link = link();
    assert!(!link.prove_dead(5, LONG), "this life is unknown");
    learn(&link, 5);
    link.received();
    assert!(!link.prove_dead(4, LONG));
    assert!(link.prove_dead(5, LONG));
    assert!(!link.prove_dead(5, LONG));
    link.received();
    link.pong_received(Moment::ZERO);
    assert_eq!(link.silence_deadline(), None, "a dead life has none");
    let never = Duration::ZERO;
    assert_eq!(
        link.admit_incoming(5, false, never).unwrap_err(),
        Rejection::Claimed(NodeId(2))
    );
    assert!(link.admit_incoming(6, false, never).is_ok());
    assert_eq!(learn(&link, 6), LifeChange::Unproved);
    link.received();
    assert!(link.silence_deadline().is_some());
    assert!(!link.prove_dead(5, LONG));
    assert!(
        link.prove_dead(6, LONG),
        "the one before was proved to have ended"
    );
}

// If a folder was copied, or a virtual machine was restored, one node can have two processes. The
// end of the second process is not the end of the first one, which may hold a lease.
#[test]
fn the_end_of_a_life_that_replaced_another_frees_no_voter_at_once() {
    let short = Duration::ZERO;
    let link = link();
    learn(&link, 5);
    learn(&link, 6);
    link.received();
    assert!(!link.prove_dead(6, LONG));
    assert!(link.mark(Mark::Released), "the peer is not marked");
    learn(&link, 7);
    assert!(!link.prove_dead(5, short));
    assert!(link.prove_dead(7, short), "no lease is left by then");
}

// The algorithm is notified once that a peer is marked down, and once that the peer is back. A peer
// that refuses connections may fall silent after that. Only the silence, and not the refusal, ends
// the vigil of a voter, which is the time for which it supports no other leader.
#[test]
fn a_peer_is_marked_down_once_until_it_sends_again() {
    let link = link();
    assert!(!link.received());
    assert!(link.mark(Mark::Suspected));
    assert!(!link.mark(Mark::Suspected));
    assert!(link.silence_deadline().is_some());
    assert!(link.mark(Mark::Released));
    assert!(!link.mark(Mark::Released) && !link.mark(Mark::Suspected));
    assert_eq!(link.silence_deadline(), None);
    assert!(link.received() && !link.received());
    assert!(link.silence_deadline().is_some());
    assert!(link.mark(Mark::Suspected));
    assert_eq!(link.suspicions.load(Ordering::Relaxed), 2);
}

// A dialler first checks whether there is a proof of death, and then waits for one. It must not
// miss a proof that arrives between the two. A proof for an earlier life (process) must not count
// as a proof for the present life.
#[tokio::test]
async fn a_proof_of_death_ends_the_wait_for_it() {
    let link = link();
    learn(&link, 5);
    let (is_proved, _) = tokio::join!(link.is_proved_dead_within(LONG), async {
        link.prove_dead(5, LONG)
    });
    assert!(is_proved);
    assert!(link.is_proved_dead_within(Duration::ZERO).await);
    learn(&link, 6);
    let short = Duration::from_millis(1);
    assert!(!link.is_proved_dead_within(short).await);
}
