//! Every algorithm does the same in the simulator and on actors.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

use std::sync::atomic::{AtomicU64, Ordering};

use elector::conformance::{self, NotConforming, Report};
use elector_bully::Bully;
use elector_core::{
    ElectionAlgorithm, Input, Membership, Moment, NodeId, Outbox, Quorum, View, trace::Event,
};
use elector_paxos::Paxos;
use elector_raft::{Raft, RaftConfig, RaftDurable, RaftMessage, RaftTimer};
use elector_ring::Ring;

async fn conforms<A: ElectionAlgorithm>() {
    for (nodes, seed) in [(1, 1), (2, 2), (3, 3), (5, 4), (5, 5)] {
        let Report {
            nodes: compared,
            inputs,
            records,
        } = conformance::check::<A>(nodes, seed).await.unwrap();
        println!(
            "{} of {nodes}: {compared} nodes, {inputs} inputs, {records} records",
            A::NAME
        );
        assert_eq!(compared as u64, nodes, "all nodes run at the end");
        assert!(records > inputs);
    }
}

// The same inputs must give the same records in both hosts. Otherwise a bug shows in one host only.
#[tokio::test]
async fn both_hosts_do_the_same() {
    conforms::<Raft>().await;
    conforms::<Paxos>().await;
    conforms::<Bully>().await;
    conforms::<Ring>().await;
}

/// Raft that sends an extra message now and then, depending on a hidden counter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct SendsExtraMessages(Raft, Membership);

static STEPS: AtomicU64 = AtomicU64::new(0);

impl ElectionAlgorithm for SendsExtraMessages {
    const NAME: &'static str = "sends-extra-messages";
    type Guarantee = Quorum;
    type Config = RaftConfig;
    type Message = RaftMessage;
    type Timer = RaftTimer;
    type Durable = RaftDurable;

    fn restore(config: &RaftConfig, members: Membership, durable: RaftDurable) -> Self {
        Self(Raft::restore(config, members.clone(), durable), members)
    }

    fn durable(&self) -> &RaftDurable {
        self.0.durable()
    }

    fn view(&self) -> View {
        self.0.view()
    }

    fn lease(&self) -> Option<Moment> {
        self.0.lease()
    }

    fn has_lease(config: &RaftConfig) -> bool {
        Raft::has_lease(config)
    }

    fn step(&mut self, input: Input<RaftMessage, RaftTimer>, out: &mut Outbox<Self>) {
        out.scoped(
            |message| message,
            |timer| timer,
            |out| self.0.step(input, out),
        );
        if STEPS.fetch_add(1, Ordering::Relaxed) % 97 == 96
            && let Some(peer) = self.1.peers().next()
        {
            let term = self.view().epoch;
            out.send(
                peer,
                RaftMessage::HeartbeatAck {
                    term,
                    sent: Moment::ZERO,
                },
            );
        }
    }
}

// The test must detect an algorithm with a state outside of itself.
#[tokio::test]
async fn hidden_state_is_detected() {
    match conformance::check::<SendsExtraMessages>(3, 1).await {
        Err(NotConforming::Differs {
            node,
            simulated,
            actor,
            ..
        }) => {
            assert!(node <= NodeId(3));
            let sent =
                |event: Option<Box<Event>>| matches!(event.as_deref(), Some(Event::Sent { .. }));
            assert!(sent(simulated) || sent(actor));
        }
        other => panic!("{other:?}"),
    }
}
