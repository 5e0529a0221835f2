//! On a machine that is busy with other work, the nodes must not replace a leader that is alive.

use std::{
    hint::black_box,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use crate::{
    alone,
    cluster::{Cluster, Setup},
    number_from,
};

// With the default durations, the cluster must tolerate four busy threads per core (two in the
// short version) without an election.
#[test]
fn overload_of_the_default_profile() {
    let changes = elections_under_load("default");
    assert_eq!(changes, 0, "elections, although the leader was alive");
}

// The profile `lan` is for machines that are not busy, so the test only prints the number of
// elections.
#[test]
fn overload_of_the_profile_lan() {
    elections_under_load("lan");
}

/// Runs a cluster while other threads keep the machine busy. Returns the number of elections in
/// this time.
fn elections_under_load(profile: &str) -> u64 {
    let _alone = alone();
    let long = number_from::<u64>("ELECTOR_OVERLOAD");
    let time = Duration::from_secs(long.unwrap_or(3));
    let cores = thread::available_parallelism().unwrap().get();
    let threads = cores * if long.is_some() { 4 } else { 2 };
    let cluster = Cluster::start(Setup {
        settings: format!("profile = '{profile}'"),
        ..Setup::new("raft", 3)
    });
    let (before, _) = cluster.leader();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    (0..10_000_u64).for_each(|number| {
                        black_box(number);
                    });
                }
            });
        }
        thread::sleep(time);
        over.store(true, Ordering::Relaxed);
    });
    let (after, _) = cluster.leader();
    let changes = after - before;
    println!(
        "profile {profile}, {threads} busy threads on {cores} cores for {time:?}: \
         {changes} elections"
    );
    changes
}
