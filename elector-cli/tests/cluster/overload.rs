//! Machines have other things to do. While they do them, no leader may be taken for gone.

use std::{
    hint::black_box,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use crate::{
    alone, asked,
    cluster::{Cluster, Setup},
};

// The default durations must stand a machine that is used four times over.
#[test]
fn overload_of_the_default_profile() {
    let changes = overloaded("default");
    assert_eq!(changes, 0, "elections though the leader lived");
}

// Those for quiet machines are not meant for this one: it is only told.
#[test]
fn overload_of_the_profile_lan() {
    overloaded("lan");
}

/// How many elections there were meanwhile.
fn overloaded(profile: &str) -> u64 {
    let _alone = alone();
    let long = asked::<u64>("ELECTOR_OVERLOAD");
    let time = Duration::from_secs(long.unwrap_or(3));
    let cores = thread::available_parallelism().unwrap().get();
    let busy = cores * if long.is_some() { 4 } else { 2 };
    let cluster = Cluster::start(Setup {
        settings: format!("profile = '{profile}'"),
        ..Setup::new("raft", 3)
    });
    let (before, _) = cluster.leader();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..busy {
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
        "profile {profile}: {busy} busy threads on {cores} cores for {time:?}: {changes} elections"
    );
    changes
}
