//! The handle that applications hold, on real actors.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by failing")]

use std::time::Duration;

use elector_bully::Bully;
use elector_core::{
    Configuration as _, ElectionAlgorithm, GuaranteeKind, NodeId, Quorum, Role, Timing,
    actor::{
        Builder, Cluster, ClusterSetup, CommandError, Elector, EventsError, Leadership,
        LeadershipLost, MemoryNetwork,
    },
};
use elector_paxos::Paxos;
use elector_raft::{Raft, RaftConfig};
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
    // Patient: under best effort a late answer, on a machine that is busy, makes a second leader.
    let mut setup = ClusterSetup::<A>::new(3);
    *setup.config.timing_mut() = Timing {
        heartbeat: Duration::from_millis(50),
        lease: Duration::from_millis(800),
        election_min: Duration::from_millis(1000),
        election_max: Duration::from_millis(1500),
        round_trip: Duration::from_millis(500),
    };
    let cluster = Cluster::<A>::start_with(setup).await.unwrap();
    let leader = soon(cluster.leader()).await;
    let (leads, mut led) = mpsc::unbounded_channel();
    for elector in cluster.running() {
        let elector = elector.clone();
        let leads = leads.clone();
        let me = elector.node_id();
        tokio::spawn(async move {
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

// Every rule of the builder must be named, before anything runs.
#[tokio::test]
async fn broken_rules_are_named() {
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
    let alone = |start: Start| start.node_id(1).peers([1]);
    assert!(error(|start| start.peers([1])).await.contains("node_id"));
    assert!(error(|start| start.node_id(1)).await.contains("no peers"));
    let absent = error(|start| start.node_id(4).peers([1, 2, 3])).await;
    assert!(absent.contains("own id 4 is not in the list"), "{absent}");
    let twice = error(|start| start.node_id(1).peers([1, 2, 1])).await;
    assert!(twice.contains("node id 1 is listed twice"), "{twice}");
    let zero = timing(|timing| timing.heartbeat = Duration::ZERO);
    let zero = error(|start| alone(start).config(zero)).await;
    assert!(
        zero.contains("heartbeat must be longer than zero"),
        "{zero}"
    );
    let long = timing(|timing| timing.lease = Duration::from_millis(200));
    let long = error(|start| alone(start).config(long)).await;
    assert!(long.contains("lease (200ms) must be shorter than election_min"));
    assert!(
        error(|start| alone(start).queue_share(0))
            .await
            .contains("queue share")
    );
    assert!(
        error(|start| start.node_id(1).peers([1, 2]))
            .await
            .contains("transport")
    );
}

/// Three nodes with a thread each, as in three processes.
async fn three() -> Vec<Elector<Quorum>> {
    let network = MemoryNetwork::<Raft>::new([1, 2, 3].map(NodeId)).unwrap();
    let mut electors = Vec::new();
    for node in 1..=3 {
        let builder = Elector::builder("three")
            .algorithm::<Raft>()
            .node_id(node)
            .peers([1, 2, 3]);
        electors.push(
            builder
                .transport(network.transport())
                .start()
                .await
                .unwrap(),
        );
    }
    electors
}

async fn leader_of(electors: &[Elector<Quorum>]) -> usize {
    let mut status = electors[0].subscribe();
    let known = soon(status.wait_for(|status| status.leader.is_some())).await;
    let leader = known.unwrap().leader.unwrap();
    usize::try_from(leader.0).unwrap() - 1
}

// An application must be able to hand over on purpose, and its work must have ended before that.
#[tokio::test(flavor = "multi_thread")]
async fn leadership_is_handed_over_after_the_work_has_ended() {
    let electors = three().await;
    let leader = leader_of(&electors).await;
    let heir = (leader + 1) % 3;
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut working = Vec::new();
    for (place, elector) in electors.iter().cloned().enumerate() {
        let tell = tell.clone();
        working.push(tokio::spawn(async move {
            let work = |me: Leadership<Quorum>| {
                let tell = tell.clone();
                async move {
                    let _end = Told(tell.clone(), (place, false));
                    tell.send((place, true))?;
                    me.lost().await;
                    std::future::pending().await
                }
            };
            elector.lead(work).await
        }));
    }
    assert_eq!(soon(told.recv()).await, Some((leader, true)));
    let refused = soon(electors[heir].step_down()).await.unwrap_err();
    assert!(matches!(refused, CommandError::Refused(_)), "{refused}");
    soon(electors[leader].transfer_to(electors[heir].node_id()))
        .await
        .unwrap();
    assert_eq!(soon(told.recv()).await, Some((leader, false)));
    assert_eq!(soon(told.recv()).await, Some((heir, true)));
    soon(electors[heir].step_down()).await.unwrap();
    assert_eq!(soon(told.recv()).await, Some((heir, false)));
    let (next, began) = soon(told.recv()).await.unwrap();
    assert!(began && next != heir, "it sits out the next election");
    for elector in &electors {
        soon(elector.shutdown()).await.unwrap();
    }
    for working in working {
        soon(working).await.unwrap().unwrap();
    }
}

struct Told(mpsc::UnboundedSender<(usize, bool)>, (usize, bool));

impl Drop for Told {
    fn drop(&mut self) {
        let _ = self.0.send(self.1);
    }
}

// A guard in hand: its token, its end by `resign`, and that there is one at a time.
#[tokio::test]
async fn a_guard_in_hand() {
    let elector = Elector::builder("alone")
        .algorithm::<Raft>()
        .node_id(1)
        .peers([1]);
    let elector = elector.start().await.unwrap();
    let me = soon(elector.campaign()).await.unwrap();
    let token = me.token().unwrap();
    assert_eq!(token.epoch(), me.epoch());
    assert_eq!(me.guard(async { 7 }).await, Ok(7));
    let other = elector.campaign();
    tokio::pin!(other);
    // A wait that is to end without anything having happened: the first is still in hand.
    let early = tokio::time::timeout(Duration::from_millis(20), &mut other).await;
    assert!(early.is_err(), "two guards at once");
    assert!(elector.transfer_to(2).await.is_err(), "a stranger");
    assert_eq!(me.check(), Ok(()), "what is refused ends nothing");
    let cancelled = me.cancellation();
    me.resign();
    soon(cancelled.cancelled()).await;
    let again = soon(other).await.unwrap();
    assert!(again.token().unwrap() > token);
    soon(elector.shutdown()).await.unwrap();
    assert_eq!(again.token(), Err(LeadershipLost));
    assert_eq!(again.guard(async { 7 }).await, Err(LeadershipLost));
}

// A lease that ends in a short outage leaves the leader in its epoch. The next grant there must
// have a higher token: the resource has to refuse what the work of the first still writes.
#[tokio::test]
async fn a_lease_that_ended_is_followed_by_a_higher_token() {
    let mut setup = ClusterSetup::<Raft>::new(3);
    *setup.config.timing_mut() = Timing {
        heartbeat: Duration::from_millis(10),
        lease: Duration::from_millis(100),
        election_min: Duration::from_millis(2000),
        election_max: Duration::from_millis(2500),
        round_trip: Duration::from_millis(20),
    };
    let cluster = Cluster::start_with(setup).await.unwrap();
    let leader = soon(cluster.leader()).await;
    let elector = cluster.node(leader).unwrap();
    let me = soon(elector.campaign()).await.unwrap();
    let first = me.token().unwrap();
    let second = me.next_token().unwrap();
    cluster.isolate(leader);
    soon(me.lost()).await;
    assert_eq!(me.next_token(), Err(LeadershipLost));
    drop(me); // Only one is in hand at a time.
    cluster.heal();
    let again = soon(elector.campaign()).await.unwrap();
    let third = again.token().unwrap();
    assert!(first < second && second < third, "{first} {second} {third}");
    assert!(again.next_token().unwrap() > third);
    drop(again);
    cluster.shutdown().await;
}

// Events are numbered without gaps, and a reader that was too slow is told how many it missed.
#[tokio::test]
async fn events_cannot_be_missed_unnoticed() {
    let builder = Elector::builder("alone")
        .algorithm::<Raft>()
        .node_id(1)
        .peers([1]);
    let elector = builder.event_capacity(4).start().await.unwrap();
    let mut slow = elector.events();
    let mut status = elector.subscribe();
    for _ in 0..4 {
        let me = soon(elector.campaign()).await.unwrap();
        let epoch = me.epoch();
        drop(me);
        soon(status.wait_for(|status| !status.holds_leadership() || status.epoch > epoch))
            .await
            .unwrap();
    }
    let missed = match soon(slow.next()).await {
        Err(EventsError::Lagged { missed }) => missed,
        other => panic!("four tenures are more than four events: {other:?}"),
    };
    let first = soon(slow.next()).await.unwrap().number;
    assert!(first > missed, "events are numbered from 1");
    assert_eq!(soon(slow.next()).await.unwrap().number, first + 1);
    soon(elector.shutdown()).await.unwrap();
    while soon(slow.next()).await != Err(EventsError::Ended) {}
}

// An application that is made of actors already must be able to start one too.
#[test]
fn a_node_starts_inside_an_actix_system() {
    let epoch = actix::System::new().block_on(async {
        let elector = Elector::builder("inside")
            .algorithm::<Raft>()
            .node_id(1)
            .peers([1]);
        let elector = elector.start().await.unwrap();
        let me = soon(elector.campaign()).await.unwrap();
        me.epoch()
    });
    assert_eq!(epoch.0, 1);
}
