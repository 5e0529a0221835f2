//! Tests of `elector check`, the model checker.

use std::fs;

use super::{Folder, elector, stdout_of, usage_error};

// The output must say whether a search has covered all orders of events within its bounds, or has
// stopped early.
#[test]
fn a_search_says_whether_it_was_exhaustive() {
    let whole = stdout_of("check --algorithm raft/plain --nodes 2 --max-epoch 1 --timeouts 2");
    assert!(whole.contains("exhaustive within the bounds"), "{whole}");
    assert!(
        whole.contains("one-leader-per-epoch      holds in every run"),
        "{whole}"
    );
    let cut = stdout_of("check --algorithm raft --nodes 3 --states 1000");
    assert!(!cut.contains("exhaustive within the bounds"), "{cut}");
}

// The result of a bounded search depends on its bounds, so the output must name them. In a search
// with time (`--ticks`), there are other bounds, and leases are checked, too.
#[test]
fn a_search_in_time_names_its_bounds() {
    let output = stdout_of("check --algorithm raft/plain --ticks 4 --led --timeouts 2 --late 0");
    let bounds = "bounds: 3 nodes, led at the beginning, 4 ticks of 1ms, epochs up to 2, \
                  2 timeouts, no crash, no command, no hint, no late message";
    assert!(output.contains(bounds), "{output}");
    assert!(output.contains("exhaustive within the bounds"), "{output}");
    assert!(
        output.contains("exclusive-lease           holds in every run"),
        "{output}"
    );
    assert!(
        output.contains("lease-held                happens"),
        "{output}"
    );
    let untimed = usage_error("check --algorithm raft --late 1");
    assert!(untimed.contains("--ticks"), "{untimed}");
}

// The output must show the limits of a best-effort algorithm: two nodes can lead at the same time,
// and the events that lead to this are printed.
#[test]
fn two_coordinators_are_found_and_shown_step_by_step() {
    let output = stdout_of("check --algorithm bully --nodes 3 --timeouts 2");
    assert!(
        output.contains("two-leaders-in-one-epoch  happens"),
        "{output}"
    );
    assert!(output.contains("n1 elapsed Answer"), "{output}");
}

// If a cluster has too many orders of events, the command must reject it before the search, and not
// run out of memory in the search.
#[test]
fn clusters_that_cannot_be_searched_are_rejected() {
    assert!(usage_error("check --algorithm raft --nodes 10").contains("the limit is 9"));
    let unknown = elector("check --algorithm rft");
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("did you mean \"raft\""));
}

// With `--members`, a search and walks (random runs) must change the members, and the search must
// print the voters to which a run can change them.
#[test]
fn members_change_in_searches_and_walks() {
    let search = "check --algorithm raft --members --max-epoch 1 --commands 1 --timeouts 1";
    let output = stdout_of(search);
    let changes = "first voters 1,2; commands change the voters to 1,2,3 or to 1,3";
    assert!(output.contains(changes), "{output}");
    assert!(output.contains("exhaustive within the bounds"), "{output}");
    assert!(output.contains("32091 of them different"), "{output}");
    let walks = stdout_of("check --algorithm paxos --members --walks 20");
    assert!(walks.contains("no invariant was violated"), "{walks}");
    let fixed = usage_error("check --algorithm bully --members");
    assert!(
        fixed.contains("--members") && fixed.contains("raft, paxos"),
        "{fixed}"
    );
    assert!(usage_error("check --algorithm raft --members --nodes 1").contains("at least 2 nodes"));
}

// A schedule, which is a list of the events of a run, must be repeated with the same first voters
// as a random run (a walk): n1 to n3 of four nodes. Then n1 and n2 are a majority, and n1 is
// elected by the schedule below.
#[test]
fn a_schedule_with_a_change_of_the_members_is_replayed() {
    let schedule = "n1 restarts\nn2 restarts\nn1 campaigns\nn2 receives 3\nn1 receives 4\n\
        n2 receives 5\nn2 writes\nn1 elapses Inner(OwnVote)\nn1 writes\nn1 receives 6\n\
        n1 changes the members to n1\nn1 writes\n";
    let folder = Folder::new("schedule");
    let file = folder.0.join("schedule.txt");
    fs::write(&file, schedule).unwrap();
    let file = file.display();
    let output = stdout_of(&format!(
        "check --algorithm raft --members --schedule {file}"
    ));
    assert!(output.contains("n1: epoch 1 leader n1 leader"), "{output}");
    let change = output.find("n1 changes the members to n1").expect(&output);
    assert!(output[change..].contains("n1 writes"), "{output}");
    assert!(output.ends_with("no violation\n"), "{output}");
}
