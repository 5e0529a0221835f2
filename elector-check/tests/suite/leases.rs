//! Regression tests. With each of these schedules, an earlier version of an algorithm let two nodes
//! hold a lease at the same time.
//!
//! The schedules have the format in which walks print them. To see the content of every message,
//! replay a schedule with `elector check --schedule FILE`.

use elector_check::{Finding, Schedule, Walks};
use elector_core::{Comparable, ElectionAlgorithm};
use elector_paxos::Paxos;
use elector_raft::Raft;

fn play<A: ElectionAlgorithm>(config: A::Config, schedule: &str) -> Finding {
    let schedule: Schedule = schedule.parse().expect("a schedule");
    let walks = Walks::<A> {
        nodes: Some(3),
        ..Walks::new(config)
    };
    walks.replay(&schedule).expect("a valid configuration")
}

/// Checks that the replay of the schedule violates no invariant, and that its text contains
/// `point`. This is the event after which, in an earlier version of the algorithm, two nodes held a
/// lease at the same time.
fn holds<A: ElectionAlgorithm>(config: A::Config, schedule: &str, point: &str) {
    let played = play::<A>(config, schedule);
    assert_eq!(played.violation, None, "{played}");
    let text = played.to_string();
    assert!(text.contains(point), "no line contains {point:?}: {text}");
}

/// Returns the lines of a schedule in which a candidate asks for votes. The event `begins` starts
/// this. Line `number + 2` sends the requests for votes. With pre-vote, the lines `number` and
/// `number + 1` are an exchange with one voter before that.
fn ask(number: u32, begins: &str, candidate: u64, voter: u64, pre_vote: bool) -> String {
    let (answered, asked) = (number + 1, number + 2);
    if !pre_vote {
        return format!("{asked}. {begins}");
    }
    format!(
        "{number}. {begins}
         {answered}. n{voter} receives {number}
         {asked}. n{candidate} receives {answered}"
    )
}

/// Node 3 leads term 1 and transfers leadership to node 1. The request of node 1 for the vote of
/// node 2 is late, and node 2 restarts before the request arrives. Meanwhile node 3 has received no
/// heartbeat from node 1, and campaigns.
fn late_transfer(pre_vote: bool) -> String {
    let first = ask(10, "n3 elapses Stagger", 3, 1, pre_vote);
    let second = ask(50, "n3 elapses Stagger", 3, 2, pre_vote);
    format!(
        "1. n1 restarts
         2. n2 restarts
         3. n3 restarts
         4. wait 150 ms
         5. n3 elapses Vigil
         6. n1 elapses Vigil
         {first}
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
         {second}
         53. n3 elapses OwnVote
         54. n3 writes
         55. n2 receives 52
         56. n2 writes
         57. n3 receives 55
         58. n2 receives 57
         59. n3 receives 58
        "
    )
}

/// Node 1 leads term 1, and its first heartbeat to node 3 is late. Node 1 transfers leadership to
/// node 2, and node 2 transfers it back to node 1. So node 1 leads term 3, with the vote of node 3.
/// When the late heartbeat of term 1 arrives, node 3 has not received a heartbeat of term 3 yet.
fn late_heartbeat(pre_vote: bool) -> String {
    let first = ask(10, "n1 elapses Stagger", 1, 2, pre_vote);
    let second = ask(50, "n3 campaigns", 3, 2, pre_vote);
    format!(
        "1. n1 restarts
         2. n2 restarts
         3. n3 restarts
         4. wait 150 ms
         5. n1 elapses Vigil
         6. n2 elapses Vigil
         7. n3 elapses Vigil
         {first}
         13. n1 elapses OwnVote
         14. n1 writes
         15. n2 receives 12
         16. n2 writes
         17. n1 receives 15 ; leads term 1
         18. n2 receives 17
         20. n1 transfers to n2
         21. n2 receives 20
         22. n2 elapses OwnVote
         23. n2 writes
         24. n1 receives 21
         25. n1 writes
         26. n2 receives 24 ; leads term 2
         27. n2 transfers to n1
         28. n1 receives 27
         29. n1 elapses OwnVote
         30. n1 writes
         31. n3 receives 28
         32. n3 writes
         33. n1 receives 31 ; leads term 3
         34. n3 receives 17 ; the late heartbeat of term 1
         35. n1 receives 34
         {second}
         53. n3 elapses OwnVote
         54. n3 writes
         55. n2 receives 52
         56. n2 writes
         57. n3 receives 55 ; leads term 4
         58. n2 receives 57
         59. n3 receives 58
        "
    )
}

/// Node 1 becomes the first leader of a Paxos cluster, in epoch 1, with the acceptance of node 2.
/// With distinguished learning, line 16 sends the first round of heartbeats. With broadcast
/// learning, line 17 sends it.
const PAXOS_LED: &str = "
    1. n1 restarts
    2. n2 restarts
    3. n3 restarts
    4. wait 150 ms
    5. n1 elapses Vigil
    6. n1 elapses Stagger
    7. n1 elapses OwnPromise
    8. n1 writes
    9. n2 receives 6
    10. n2 writes
    11. n1 receives 9
    12. n1 elapses OwnAccept
    13. n1 writes
    14. n2 receives 11
    15. n2 writes
    16. n1 receives 14
    17. n1 elapses Heartbeat
    18. n2 receives 16
    19. n2 receives 17
";

/// The continuation of `PAXOS_LED`. Nodes 2 and 3 receive nothing for an election timeout, and
/// propose. Node 2 promises the ballot of node 3, and then receives a heartbeat of its leader, node
/// 1, again. Node 2 learns of epoch 2 only later, when node 3 rejects the proposal of node 2.
const LATE_PREPARE: &str = "
    20. n3 receives 6 ; so that its ballot will be the higher one
    21. n3 writes
    22. n3 receives 16
    23. n3 receives 17
    24. n3 writes
    25. wait 150 ms
    26. n2 elapses Vigil
    27. n3 elapses Vigil
    28. n2 elapses Stagger
    29. n2 elapses OwnPromise
    30. n3 elapses Stagger
    31. n3 elapses OwnPromise
    32. n2 receives 30
    33. n1 elapses Heartbeat
    34. n2 receives 33
    35. n1 receives 34 ; a lease
    36. n3 receives 32
    37. n3 elapses OwnAccept
    38. n3 writes
    39. n3 receives 28 ; the late proposal of node 2
    40. n2 receives 39
    41. n2 writes
    42. n2 receives 36 ; accept node 3 as the leader of epoch 2
    43. n2 writes
    44. n3 receives 42
    45. n3 elapses Heartbeat
    46. n2 receives 44
    47. n2 receives 45
    48. n3 receives 46
    49. n3 receives 47
";

/// The continuation of `PAXOS_LED`: the counterpart of `late_heartbeat` in Paxos. Node 2 learns who
/// leads epoch 3 without a heartbeat of that leader: an old proposal of node 2 arrives again, and
/// the rejection of it names the leader.
const LATE_ROUND: &str = "
    20. n1 transfers to n2
    21. n2 receives 20
    22. n2 elapses OwnPromise
    23. n2 writes
    24. n1 receives 21
    25. n1 writes
    26. n2 receives 24
    27. n2 elapses OwnAccept
    28. n2 writes
    29. n1 receives 26
    30. n1 writes
    31. n2 receives 29 ; leads epoch 2
    32. n2 transfers to n1
    33. n1 receives 32
    34. n1 elapses OwnPromise
    35. n1 writes
    36. n3 receives 33
    37. n3 writes
    38. n1 receives 36
    39. n1 elapses OwnAccept
    40. n1 writes
    41. n3 receives 38
    42. n3 writes
    43. n1 receives 41 ; leads epoch 3
    44. n1 elapses Heartbeat
    45. n3 receives 16 ; the late round of epoch 1
    46. n3 receives 17
    47. n1 receives 45
    48. n1 receives 46
    49. n1 receives 21 ; again
    50. n2 receives 49
    51. n2 writes
    52. n2 campaigns
    53. n2 elapses OwnPromise
    54. n2 writes
    55. n3 receives 52
    56. n3 writes
    57. n2 receives 55
    58. n2 elapses OwnAccept
    59. n2 writes
    60. n3 receives 57
    61. n3 writes
    62. n2 receives 60 ; leads epoch 4
    63. n2 elapses Heartbeat
    64. n3 receives 62
    65. n3 receives 63
    66. n2 receives 64
    67. n2 receives 65
";

// A transfer lets a candidate win votes while a lease lasts. If a restarted voter grants a late
// vote request of such a transfer, in its own term, it must still support no other node until the
// lease of the leader of that term has ended.
#[test]
fn a_late_transfer_does_not_end_the_silence_of_a_restarted_voter() {
    for variant in Raft::variants() {
        if variant.config.check_quorum {
            let schedule = late_transfer(variant.config.pre_vote);
            holds::<Raft>(variant.config, &schedule, "n1: epoch 2 leader n1 leader");
        }
    }
}

// A vote for a leader does not acknowledge a heartbeat of its tenure. So if a node has voted for a
// leader, and then answers a late heartbeat of an earlier tenure of the same leader, the answer
// must not give that leader a lease.
#[test]
fn a_late_heartbeat_of_an_earlier_tenure_gives_no_lease() {
    for variant in Raft::variants() {
        if variant.config.check_quorum {
            let schedule = late_heartbeat(variant.config.pre_vote);
            holds::<Raft>(variant.config, &schedule, "n3: epoch 4 leader n3 leader");
        }
    }
    for variant in Paxos::variants() {
        let schedule = format!("{PAXOS_LED}{LATE_ROUND}");
        holds::<Paxos>(variant.config, &schedule, "n2: epoch 4 leader n2 leader");
    }
}

// If an acceptor has learned of a newer epoch, but not of the leader of that epoch, it must still
// support no other node until the lease of the leader that it has acknowledged last has ended.
#[test]
fn a_late_proposal_does_not_end_the_silence_of_an_acceptor() {
    for variant in Paxos::variants() {
        let schedule = format!("{PAXOS_LED}{LATE_PREPARE}");
        holds::<Paxos>(variant.config, &schedule, "n2: epoch 2 leader - follower");
    }
}
