use elector_core::Timing;

use super::*;
use crate::record::LockId;

fn link() -> Link {
    let detection = Detection::of(&Timing::default());
    Link::new(NodeId(2), "127.0.0.1:1".into(), detection)
}

const LONG: Duration = Duration::from_secs(3600);

fn meets(link: &Link, life: u64) -> Met {
    link.meet(life, Hold::default(), LONG)
}

// Two processes under one id would vote twice; the one that was first goes on.
#[test]
fn a_second_life_is_refused_while_the_first_is_heard() {
    let link = link();
    let fresh = Duration::from_secs(3600);
    let first = link.claim(1, fresh).unwrap();
    link.heard();
    assert_eq!(link.claim(2, fresh), Err(Refusal::Claimed(NodeId(2))));
    assert!(!first.is_cancelled());
    let again = link.claim(1, fresh).unwrap();
    assert!(first.is_cancelled(), "the same process has dialled anew");
    link.left(&first);
    assert!(
        link.is_heard(),
        "the end of the old connection is not that of the new one"
    );
    link.left(&again);
    assert!(!link.is_heard());
    assert!(
        link.claim(2, fresh).is_ok(),
        "no other process is connected"
    );
    assert!(
        link.claim(3, Duration::ZERO).is_ok(),
        "the one connected is silent"
    );
}

// Another life says that the one before may be over. The first one says nothing of that kind.
#[test]
fn only_a_change_of_life_is_an_end() {
    let link = link();
    let met = [5, 5, 6, 6].map(|life| meets(&link, life));
    assert_eq!(met, [Met::Again, Met::Again, Met::Another, Met::Again]);
}

// A node that was killed together with its companion, and is started again at once, proves
// itself that its lease is free; but not while a life before that may hold one.
#[test]
fn a_life_that_has_the_lock_of_the_one_before_proves_its_end() {
    let holds = |lock| Hold {
        lock: LockId::of([lock; 16]),
        clock_ns: actor::now().nanos(),
    };
    let link = link();
    let met = [(5, 1), (6, 1), (7, 2), (8, 2)].map(|(life, lock)| {
        let met = link.meet(life, holds(lock), LONG);
        link.heard();
        met
    });
    assert_eq!(met, [Met::Again, Met::Proof, Met::Another, Met::Another]);
    assert_eq!(link.proofs.load(Ordering::Relaxed), 1);
    let met = link.meet(9, holds(2), Duration::ZERO);
    assert_eq!(met, Met::Proof, "no lease is left by then");
}

// A secret that is revealed late, or twice, must not depose a leader in its next life; and what
// the dead life has said before must not make it live again.
#[test]
fn only_the_present_life_is_buried_and_once() {
    let link = link();
    assert!(!link.bury(5, LONG), "it was never met");
    meets(&link, 5);
    link.heard();
    assert!(!link.bury(4, LONG));
    assert!(link.bury(5, LONG));
    assert!(!link.bury(5, LONG));
    link.heard();
    link.answered(0);
    assert_eq!(link.due(), None, "it is not waited for");
    let never = Duration::ZERO;
    assert_eq!(
        link.claim(5, never).unwrap_err(),
        Refusal::Claimed(NodeId(2))
    );
    assert!(link.claim(6, never).is_ok());
    assert_eq!(meets(&link, 6), Met::Another);
    link.heard();
    assert!(link.due().is_some());
    assert!(!link.bury(5, LONG));
    assert!(link.bury(6, LONG), "the one before was proved to be over");
}

// A copied folder, or a virtual machine that was restored, makes a second process of one node:
// its end is not that of the first, which may hold a lease.
#[test]
fn the_end_of_a_life_that_replaced_another_frees_no_voter_at_once() {
    let short = Duration::ZERO;
    let link = link();
    meets(&link, 5);
    meets(&link, 6);
    link.heard();
    assert!(!link.bury(6, LONG));
    assert!(link.tell(Told::Free), "nothing was told");
    meets(&link, 7);
    assert!(!link.bury(5, short));
    assert!(link.bury(7, short), "no lease is left by then");
}

// The algorithm is told once an outage, and once that it is over; but a peer that refuses
// connections may be silent, too, and only its silence frees a voter.
#[test]
fn a_peer_is_told_gone_once_until_it_is_heard() {
    let link = link();
    assert!(!link.heard());
    assert!(link.tell(Told::Suspected));
    assert!(!link.tell(Told::Suspected));
    assert!(link.due().is_some());
    assert!(link.tell(Told::Free));
    assert!(!link.tell(Told::Free) && !link.tell(Told::Suspected));
    assert_eq!(link.due(), None);
    assert!(link.heard() && !link.heard());
    assert!(link.due().is_some());
    assert!(link.tell(Told::Suspected));
    assert_eq!(link.suspicions.load(Ordering::Relaxed), 2);
}

// A dialer must not miss a proof that comes between its check and its wait, and must not take the
// proof of an earlier life for one of the present life.
#[tokio::test]
async fn a_proof_of_death_ends_the_wait_for_it() {
    let link = link();
    meets(&link, 5);
    let (is_proved, _) = tokio::join!(link.is_proved_dead_within(LONG), async {
        link.bury(5, LONG)
    });
    assert!(is_proved);
    assert!(link.is_proved_dead_within(Duration::ZERO).await);
    meets(&link, 6);
    let short = Duration::from_millis(1);
    assert!(!link.is_proved_dead_within(short).await);
}
