//! An algorithm that is chosen at run time, for each that is compiled in.
//!
//! `cargo test --test any --all-features` for all four.

#![cfg(any(
    feature = "raft",
    feature = "paxos",
    feature = "bully",
    feature = "ring"
))]
#![allow(clippy::unwrap_used, reason = "a test says what it expects by failing")]

use std::time::Duration;

use elector::{
    Algorithm, AnyCluster, AnyClusterSetup, AnyLeadership, AnyStartError, Grace, GuaranteeKind,
    LeadershipLost, Timing,
};
use tokio::{sync::mpsc, time::timeout};

const SOON: Duration = Duration::from_secs(30);

async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(SOON, what).await.expect("it happens in time")
}

fn patient() -> AnyClusterSetup {
    let mut setup = AnyClusterSetup::new(3);
    setup.timing = Timing {
        heartbeat: Duration::from_millis(50),
        lease: Duration::from_millis(800),
        election_min: Duration::from_millis(1000),
        election_max: Duration::from_millis(1500),
        round_trip: Duration::from_millis(500),
    };
    setup
}

async fn works(algorithm: Algorithm) {
    let mut cluster = AnyCluster::start_with(algorithm, patient()).await.unwrap();
    assert_eq!(cluster.algorithm(), algorithm);
    let leader = soon(cluster.leader()).await;
    let elector = cluster.node(leader).unwrap();
    let quorum = elector.guarantee() == GuaranteeKind::Quorum;
    let me = soon(elector.campaign()).await.unwrap();
    assert_eq!(matches!(me, AnyLeadership::Quorum(_)), quorum);
    assert_eq!(me.token().unwrap().is_some(), quorum);
    assert_eq!(me.deadline().is_some(), quorum);
    assert_eq!(me.lease_remaining().is_some(), quorum);
    assert_eq!(soon(me.guard(async { 7 })).await, Ok(7));
    let cancelled = me.cancellation();
    let stepping = tokio::spawn({
        let elector = elector.clone();
        async move { elector.step_down().await }
    });
    soon(me.lost()).await;
    soon(cancelled.cancelled()).await;
    assert!(me.is_ending());
    assert_eq!(me.guard(async { 7 }).await, Err(LeadershipLost));
    drop(me);
    soon(stepping).await.unwrap().unwrap();

    let (began, mut begun) = mpsc::unbounded_channel();
    for elector in cluster.running() {
        let began = began.clone();
        tokio::spawn(async move {
            let grace = Grace {
                to_finish: SOON,
                ..Grace::default()
            };
            let node = elector.node_id();
            let work = |me: AnyLeadership| {
                let began = began.clone();
                async move {
                    began.send(node)?;
                    me.ending().await;
                    Ok(me.check()?)
                }
            };
            elector.lead_with(grace, work).await
        });
    }
    let first = soon(begun.recv()).await.unwrap();
    let next = soon(cluster.node(first).unwrap().leave(SOON))
        .await
        .unwrap();
    let second = soon(begun.recv()).await.unwrap();
    assert_eq!(next, Some(second));
    cluster.restart(first).await.unwrap();
    assert!(soon(cluster.kill(second)).await);
    assert_ne!(soon(cluster.leader()).await, second);
    soon(cluster.shutdown()).await;
}

// Who chooses by name must get what the typed handle gives, and see what the guarantee is worth.
#[tokio::test(flavor = "multi_thread")]
async fn each_algorithm_works_by_name() {
    for algorithm in Algorithm::ALL {
        if algorithm.is_available() {
            works(algorithm).await;
        } else {
            let absent = AnyCluster::start(algorithm, 3).await.unwrap_err();
            assert!(matches!(absent, AnyStartError::NotCompiledIn(which) if which == algorithm));
            let named = absent.to_string().contains(algorithm.name());
            assert!(named, "it names the feature to turn on");
        }
    }
}
