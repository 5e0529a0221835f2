//! The handle that applications hold, on real actors.

use std::time::Duration;

use elector_bully::Bully;
use elector_core::{ElectionAlgorithm, GuaranteeKind, Role, actor::Cluster};
use elector_paxos::Paxos;
use elector_raft::Raft;
use elector_ring::Ring;
use tokio::sync::mpsc;

/// For anything that is to happen; a test that waits longer has failed.
const SOON: Duration = Duration::from_secs(30);

async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, what)
        .await
        .expect("it happens in time")
}

async fn one_leads<A: ElectionAlgorithm>() {
    let cluster = Cluster::<A>::start(3).await.unwrap();
    let leader = soon(cluster.leader()).await;
    let (leads, mut led) = mpsc::unbounded_channel();
    for elector in cluster.running().cloned() {
        let leads = leads.clone();
        tokio::spawn(async move {
            let me = elector.node_id();
            elector
                .lead(|leadership| {
                    let leads = leads.clone();
                    async move {
                        leads.send((me, leadership.epoch()))?;
                        leadership.lost().await;
                        Ok(())
                    }
                })
                .await
        });
    }
    let (node, epoch) = soon(led.recv()).await.unwrap();
    assert_eq!(node, leader, "the node that leads does the work");
    let status = cluster.node(leader).unwrap().status();
    assert_eq!((status.role, status.epoch), (Role::Leader, epoch));
    assert!(status.holds_leadership());
    let leased = status.lease_remaining().is_some();
    let elector = cluster.node(leader).unwrap();
    assert_eq!(leased, elector.guarantee() == GuaranteeKind::Quorum);
    soon(cluster.shutdown()).await;
}

// The thinnest path: three actors elect, and the work runs on exactly the one that leads.
#[tokio::test(flavor = "multi_thread")]
async fn raft_leads() {
    one_leads::<Raft>().await;
}

// The same for the others, on a runtime of one thread.
#[tokio::test]
async fn the_others_lead() {
    one_leads::<Paxos>().await;
    one_leads::<Bully>().await;
    one_leads::<Ring>().await;
}
