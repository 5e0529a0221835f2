//! Tests the choice of an algorithm at run time, for each algorithm that is compiled in.
//!
//! `cargo test --test suite --all-features any` tests all four.

use std::pin::Pin;

use elector::{
    Algorithm, AnyElector, AnyLeadership, AnyStartError, Cluster, ElectionAlgorithm, Grace,
    GuaranteeKind, LeadershipLost, NotCompiledIn, SetUp, Visitor, actor::Builder,
};
use tokio::sync::mpsc;

use crate::support::{TIMEOUT, cluster_with, in_time, patient_timing};

struct Works(Algorithm);

impl Visitor for Works {
    type Output = Pin<Box<dyn Future<Output = ()>>>;

    fn visit<A: ElectionAlgorithm>(self) -> Self::Output {
        Box::pin(works::<A>(self.0))
    }
}

async fn works<A: ElectionAlgorithm>(algorithm: Algorithm) {
    let mut cluster = Cluster::<A>::start_with(cluster_with(3, patient_timing()))
        .await
        .unwrap();
    let leader = in_time(cluster.leader()).await;
    let elector = AnyElector::from(cluster.node(leader).unwrap().clone());
    assert_eq!(elector.algorithm(), algorithm.name());
    assert_eq!(elector.guarantee(), algorithm.guarantee());
    let quorum = elector.guarantee() == GuaranteeKind::Quorum;
    assert_eq!(matches!(elector, AnyElector::Quorum(_)), quorum);
    let me = in_time(elector.campaign()).await.unwrap();
    assert_eq!(matches!(me, AnyLeadership::Quorum(_)), quorum);
    assert_eq!(me.token().unwrap().is_some(), quorum);
    assert_eq!(me.deadline().is_some(), quorum);
    assert_eq!(me.lease_remaining().is_some(), quorum);
    assert_eq!(in_time(me.guard(async { 7 })).await, Ok(7));
    let cancelled = me.cancellation();
    let stepping = tokio::spawn({
        let elector = elector.clone();
        async move { elector.step_down().await }
    });
    in_time(me.lost()).await;
    in_time(cancelled.cancelled()).await;
    assert!(me.is_ending());
    assert_eq!(me.guard(async { 7 }).await, Err(LeadershipLost));
    drop(me);
    in_time(stepping).await.unwrap().unwrap();

    let (began, mut begun) = mpsc::unbounded_channel();
    for elector in cluster.running() {
        let elector = AnyElector::from(elector.clone());
        let began = began.clone();
        tokio::spawn(async move {
            let grace = Grace {
                to_finish: TIMEOUT,
                ..Grace::default()
            };
            let node = elector.node_id();
            let work = async |me: AnyLeadership| {
                began.send(node).unwrap();
                me.ending().await;
                me.check()
            };
            elector.lead_with(grace, work).await
        });
    }
    let first = in_time(begun.recv()).await.unwrap();
    let next = in_time(cluster.node(first).unwrap().leave(TIMEOUT))
        .await
        .unwrap();
    let second = in_time(begun.recv()).await.unwrap();
    assert_eq!(next, Some(second));
    cluster.restart(first).await.unwrap();
    assert!(in_time(cluster.kill(second)).await);
    assert_ne!(in_time(cluster.leader()).await, second);
    in_time(cluster.shutdown()).await;
}

struct SingleNode;

impl SetUp for SingleNode {
    fn set_up<A: ElectionAlgorithm>(self, builder: Builder<A>) -> Builder<A> {
        builder.node_id(1).peers([1])
    }
}

// A handle for an algorithm that is chosen by name must offer the same as a handle with a type for
// the guarantee, and must show the guarantee of the algorithm.
#[tokio::test(flavor = "multi_thread")]
async fn each_algorithm_works_by_name() {
    for algorithm in Algorithm::ALL {
        let started = algorithm.start("single", SingleNode).await;
        match algorithm.visit(Works(algorithm)) {
            Ok(works) => {
                assert_eq!(started.unwrap().algorithm(), algorithm.name());
                works.await;
            }
            Err(absent) => {
                assert!(!algorithm.is_available());
                assert_eq!(absent, NotCompiledIn(algorithm));
                let named = absent.to_string().contains(algorithm.name());
                assert!(named, "the error names the missing feature");
                let refused = started.unwrap_err();
                assert!(matches!(refused, AnyStartError::NotCompiledIn(which) if which == absent));
            }
        }
    }
}

// People read the error, so it must list the known names.
#[test]
fn the_error_for_an_unknown_name_lists_the_known_ones() {
    let error = "zab".parse::<Algorithm>().unwrap_err();
    let text = "there is no algorithm \"zab\": choose raft, paxos, bully or ring";
    assert_eq!(error.to_string(), text);
}
