//! Schedules in which two nodes held a lease at the same time, each once, as regression tests.
//!
//! Each is written down as walks print theirs. To see one as it happens, with what every message
//! says, give it to `elector check --schedule FILE`.

use elector_check::{Finding, Schedule, Walks};
use elector_core::ElectionAlgorithm;
use elector_paxos::{Paxos, PaxosConfig};
use elector_raft::{Raft, RaftConfig};

fn play<A: ElectionAlgorithm>(config: A::Config, schedule: &str) -> Finding {
    let schedule: Schedule = schedule.parse().expect("a schedule");
    let walks = Walks::<A> {
        nodes: Some(3),
        ..Walks::new(config)
    };
    walks.replay(&schedule).expect("a sound configuration")
}

/// Nothing is broken, and the schedule has come to the point: a lease was in danger.
fn holds<A: ElectionAlgorithm>(config: A::Config, schedule: &str, point: &str) {
    let played = play::<A>(config, schedule);
    assert_eq!(played.broken, None, "{played}");
    let text = played.to_string();
    assert!(text.contains(point), "nothing contains {point:?}: {text}");
}

/// Node 3 leads term 1 and hands over to node 1, whose request reaches node 2 late; node 2 restarts
/// meanwhile. `{ask}` is where the candidate of an election without a transfer asks for votes.
fn late_transfer(pre_vote: bool) -> String {
    // With pre-vote, a candidacy takes one exchange more.
    let stand = |number: u32, leader_knows: bool| {
        let voter = if leader_knows { 2 } else { 1 };
        if pre_vote {
            format!(
                "{number}. n3 elapses Stagger\n\
                 {}. n{voter} receives {number}\n\
                 {}. n3 receives {}\n",
                number + 1,
                number + 2,
                number + 1,
            )
        } else {
            format!("{}. n3 elapses Stagger\n", number + 2)
        }
    };
    format!(
        "1. n1 restarts
         2. n2 restarts
         3. n3 restarts
         4. wait 150 ms
         5. n3 elapses Vigil
         6. n1 elapses Vigil
         {}
         13. n3 elapses OwnVote
         14. n3 writes
         15. n1 receives 12 ; the request for its vote
         16. n1 writes
         17. n3 receives 15
         18. n2 receives 17
         19. n2 writes
         20. n3 transfers to n1
         21. n1 receives 20
         22. n1 elapses OwnVote
         23. n1 writes
         24. n3 receives 21
         25. n3 writes
         26. n1 receives 24
         27. n2 receives 26
         28. n2 writes
         29. n1 receives 27
         30. wait 100 ms
         31. n1 elapses Heartbeat
         32. n2 receives 31
         33. n1 receives 32 ; the lease lasts until 220 ms after the transfer
         34. wait 50 ms
         35. n3 elapses Vigil
         36. n2 crashes
         37. n2 restarts
         38. n2 receives 21 ; the late request
         39. n2 writes
         {}
         53. n3 elapses OwnVote
         54. n3 writes
         55. n2 receives 52
         56. n2 writes
         57. n3 receives 55
         58. n2 receives 57
         59. n3 receives 58
        ",
        stand(10, false),
        stand(50, true),
    )
}

// A voter that grants a transfer in its own term a second time, after a restart, still owes silence to
// the leader of that term.
#[test]
fn a_late_transfer_does_not_end_the_silence_of_a_restarted_voter() {
    for variant in RaftConfig::variants() {
        if variant.config.check_quorum {
            let schedule = late_transfer(variant.config.pre_vote);
            holds::<Raft>(variant.config, &schedule, "n1: epoch 2 leader n1 leader");
        }
    }
}
