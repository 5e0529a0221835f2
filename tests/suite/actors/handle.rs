//! Tests the handle for applications, on real actors.

use std::time::Duration;

use elector_bully::Bully;
use elector_core::{
    ElectionAlgorithm, GuaranteeKind, Quorum, Role, Timing,
    actor::{Builder, Cluster, CommandError, Elector, EventsError, LeadershipLost},
};
use elector_paxos::Paxos;
use elector_raft::{Raft, RaftConfig};
use elector_ring::Ring;
use tokio::sync::mpsc;

use super::{single_node_builder, three_nodes};
use crate::support::{cluster_with, in_time, patient_timing};

async fn one_leads<A: ElectionAlgorithm>() {
    // The timeouts are long, because on a busy machine a node may answer late. Under best effort,
    // its peers would then take it for failed and elect a second leader.
    let setup = cluster_with::<A>(3, patient_timing());
    let cluster = Cluster::<A>::start_with(setup).await.unwrap();
    let leader = in_time(cluster.leader()).await;
    let (leads, mut led) = mpsc::unbounded_channel();
    for elector in cluster.running() {
        let elector = elector.clone();
        let leads = leads.clone();
        let me = elector.node_id();
        tokio::spawn(async move {
            let work = elector.lead(async |leadership| {
                leads.send((me, leadership.epoch())).unwrap();
                leadership.lost().await;
            });
            work.await
        });
    }
    let (node, epoch) = in_time(led.recv()).await.unwrap();
    assert_eq!(node, leader, "the node that leads does the work");
    let status = cluster.node(leader).unwrap().status();
    assert_eq!((status.role, status.epoch), (Role::Leader, epoch));
    assert!(status.holds_leadership());
    let leased = status.lease_remaining().is_some();
    let elector = cluster.node(leader).unwrap();
    assert_eq!(leased, elector.guarantee() == GuaranteeKind::Quorum);
    in_time(cluster.shutdown()).await;
}

// The simplest use: three actors elect a leader, and the work runs on exactly that node.
#[tokio::test(flavor = "multi_thread")]
async fn raft_leads() {
    one_leads::<Raft>().await;
}

// With the other algorithms, too, the work must run on exactly the node that leads. This test has a
// runtime with one thread.
#[tokio::test]
async fn the_other_algorithms_lead() {
    one_leads::<Paxos>().await;
    one_leads::<Bully>().await;
    one_leads::<Ring>().await;
}

// The error must name the broken rule of the builder, before anything runs.
#[tokio::test]
async fn errors_name_the_broken_rule() {
    type Start = Builder<Raft>;
    async fn error(build: impl FnOnce(Start) -> Start) -> String {
        let built = build(Elector::builder("wrong").algorithm::<Raft>());
        built.start().await.unwrap_err().to_string()
    }
    let timing = |change: fn(&mut Timing)| {
        let mut config = RaftConfig::default();
        change(&mut config.timing);
        config
    };
    let single = |start: Start| start.node_id(1).peers([1]);
    assert!(error(|start| start.peers([1])).await.contains("node_id"));
    assert!(error(|start| start.node_id(1)).await.contains("no peers"));
    let absent = error(|start| start.node_id(4).peers([1, 2, 3])).await;
    assert!(absent.contains("own id 4 is not in the list"), "{absent}");
    let twice = error(|start| start.node_id(1).peers([1, 2, 1])).await;
    assert!(twice.contains("node id 1 is listed twice"), "{twice}");
    let zero = timing(|timing| timing.heartbeat = Duration::ZERO);
    let zero = error(|start| single(start).config(zero)).await;
    assert!(
        zero.contains("heartbeat must be longer than zero"),
        "{zero}"
    );
    let long = timing(|timing| timing.lease = Duration::from_millis(200));
    let long = error(|start| single(start).config(long)).await;
    assert!(long.contains("lease (200ms) must be shorter than election_min"));
    assert!(
        error(|start| single(start).queue_share(0))
            .await
            .contains("queue share")
    );
    assert!(
        error(|start| start.node_id(1).peers([1, 2]))
            .await
            .contains("transport")
    );
}

async fn leader_of(electors: &[Elector<Quorum>]) -> usize {
    let mut status = electors[0].subscribe();
    let known = in_time(status.wait_for(|status| status.leader.is_some())).await;
    let leader = known.unwrap().leader.unwrap();
    usize::try_from(leader.0).unwrap() - 1
}

// An application can transfer its leadership. The work of the old leader must have ended before the
// successor leads.
#[tokio::test(flavor = "multi_thread")]
async fn leadership_is_transferred_after_the_work_has_ended() {
    let electors = three_nodes(&RaftConfig::default()).await;
    let leader = leader_of(&electors).await;
    let successor = (leader + 1) % 3;
    let (reports, mut received) = mpsc::unbounded_channel();
    let mut working = Vec::new();
    for (place, elector) in electors.iter().cloned().enumerate() {
        let reports = reports.clone();
        working.push(tokio::spawn(async move {
            let work = elector.lead(async |me| {
                let _end = ReportOnDrop(reports.clone(), (place, false));
                reports.send((place, true)).unwrap();
                me.lost().await;
                std::future::pending::<()>().await;
            });
            work.await
        }));
    }
    assert_eq!(in_time(received.recv()).await, Some((leader, true)));
    let refused = in_time(electors[successor].step_down()).await.unwrap_err();
    assert!(matches!(refused, CommandError::Refused(_)), "{refused}");
    in_time(electors[leader].transfer_to(electors[successor].node_id()))
        .await
        .unwrap();
    assert_eq!(in_time(received.recv()).await, Some((leader, false)));
    assert_eq!(in_time(received.recv()).await, Some((successor, true)));
    in_time(electors[successor].step_down()).await.unwrap();
    assert_eq!(in_time(received.recv()).await, Some((successor, false)));
    let (next, began) = in_time(received.recv()).await.unwrap();
    assert!(
        began && next != successor,
        "it does not campaign in the next election"
    );
    for elector in &electors {
        in_time(elector.shutdown()).await.unwrap();
    }
    for working in working {
        in_time(working).await.unwrap().unwrap();
    }
}

struct ReportOnDrop(mpsc::UnboundedSender<(usize, bool)>, (usize, bool));

impl Drop for ReportOnDrop {
    fn drop(&mut self) {
        let _ = self.0.send(self.1);
    }
}

// Tests a leadership in the caller's hand: it has a token, it ends with `resign`, and there is only
// one such leadership at a time.
#[tokio::test]
async fn a_leadership_in_hand() {
    let elector = single_node_builder::<Raft>();
    let elector = elector.start().await.unwrap();
    let me = in_time(elector.campaign()).await.unwrap();
    let token = me.token().unwrap();
    assert_eq!(token.epoch(), me.epoch());
    assert_eq!(me.guard(async { 7 }).await, Ok(7));
    let other = elector.campaign();
    tokio::pin!(other);
    // This must time out: the caller still holds the first leadership.
    let early = tokio::time::timeout(Duration::from_millis(20), &mut other).await;
    assert!(early.is_err(), "two leaderships at the same time");
    assert!(elector.transfer_to(2).await.is_err(), "not a member");
    assert_eq!(
        me.check(),
        Ok(()),
        "a refused transfer does not end the tenure"
    );
    let cancelled = me.cancellation();
    me.resign();
    in_time(cancelled.cancelled()).await;
    let again = in_time(other).await.unwrap();
    assert!(again.token().unwrap() > token);
    in_time(elector.shutdown()).await.unwrap();
    assert_eq!(again.token(), Err(LeadershipLost));
    assert_eq!(again.guard(async { 7 }).await, Err(LeadershipLost));
}

// After a short outage in which its lease ended, a leader can still be in the same epoch. Its next
// leadership must have a higher token, so that the store can reject late writes of the first
// leadership.
#[tokio::test]
async fn a_lease_that_ended_is_followed_by_a_higher_token() {
    let timing = Timing {
        heartbeat: Duration::from_millis(10),
        lease: Duration::from_millis(100),
        election_min: Duration::from_millis(2000),
        election_max: Duration::from_millis(2500),
        round_trip: Duration::from_millis(20),
    };
    let cluster = Cluster::start_with(cluster_with::<Raft>(3, timing))
        .await
        .unwrap();
    let leader = in_time(cluster.leader()).await;
    let elector = cluster.node(leader).unwrap();
    let me = in_time(elector.campaign()).await.unwrap();
    let first = me.token().unwrap();
    let second = me.next_token().unwrap();
    cluster.isolate(leader);
    in_time(me.lost()).await;
    assert_eq!(me.next_token(), Err(LeadershipLost));
    drop(me); // The node grants the next leadership only after this drop.
    cluster.heal();
    let again = in_time(elector.campaign()).await.unwrap();
    let third = again.token().unwrap();
    assert!(first < second && second < third, "{first} {second} {third}");
    assert!(again.next_token().unwrap() > third);
    drop(again);
    cluster.shutdown().await;
}

// A reader that is too slow misses events. It must get the number of the missed events, so that it
// knows that it must read the status of the node. The numbers of events have no gaps.
#[tokio::test]
async fn a_slow_reader_gets_the_number_of_missed_events() {
    let builder = single_node_builder::<Raft>();
    let elector = builder.event_capacity(4).start().await.unwrap();
    let mut slow = elector.events();
    let mut status = elector.subscribe();
    for _ in 0..4 {
        let me = in_time(elector.campaign()).await.unwrap();
        let epoch = me.epoch();
        drop(me);
        in_time(status.wait_for(|status| !status.holds_leadership() || status.epoch > epoch))
            .await
            .unwrap();
    }
    let missed = match in_time(slow.next()).await {
        Err(EventsError::Lagged { missed }) => missed,
        other => panic!("four tenures are more than four events: {other:?}"),
    };
    let first = in_time(slow.next()).await.unwrap().number;
    assert!(first > missed, "events are numbered from 1");
    assert_eq!(in_time(slow.next()).await.unwrap().number, first + 1);
    in_time(elector.shutdown()).await.unwrap();
    while in_time(slow.next()).await != Err(EventsError::Ended) {}
}

// An application must be able to start a node inside its own actix system, too.
#[test]
fn a_node_starts_inside_an_actix_system() {
    let epoch = actix::System::new().block_on(async {
        let elector = single_node_builder::<Raft>();
        let elector = elector.start().await.unwrap();
        let me = in_time(elector.campaign()).await.unwrap();
        me.epoch()
    });
    assert_eq!(epoch.0, 1);
}
