//! Tests that every algorithm does the same in the simulator and on actors.

use std::sync::atomic::{AtomicU64, Ordering};

use elector::conformance::{self, NotConforming, Report};
use elector_bully::Bully;
use elector_core::{ElectionAlgorithm, Input, Moment, NodeId, Outbox, trace::Event};
use elector_paxos::Paxos;
use elector_raft::{Raft, RaftMessage, RaftTimer};
use elector_ring::Ring;

use crate::mutants::{Bug, Mutant, bug};

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

// The same inputs must give the same trace records in both hosts, the simulator and the actors.
// Otherwise a bug could appear in one host only, and tests in the other host would not find it.
#[tokio::test]
async fn both_hosts_do_the_same() {
    conforms::<Raft>().await;
    conforms::<Paxos>().await;
    conforms::<Bully>().await;
    conforms::<Ring>().await;
}

static STEPS: AtomicU64 = AtomicU64::new(0);

bug! {
    /// Raft that sends an extra message at every 97th step. The counter of the steps is not a part
    /// of the state of a node, so two nodes with the same inputs differ.
    SendsExtraMessages {
        fn step(
            mutant: &mut Mutant<Self>,
            input: Input<RaftMessage, RaftTimer>,
            out: &mut Outbox<Mutant<Self>>,
        ) {
            mutant.raft_step(input, out);
            if STEPS.fetch_add(1, Ordering::Relaxed) % 97 == 96
                && let Some(peer) = mutant.members.peers().next()
            {
                let (term, sent) = (mutant.view().epoch, Moment::ZERO);
                out.send(peer, RaftMessage::HeartbeatAck { term, sent });
            }
        }
    }
}

// The conformance test must detect an algorithm with state outside of its own value.
#[tokio::test]
async fn hidden_state_is_detected() {
    match conformance::check::<Mutant<SendsExtraMessages>>(3, 1).await {
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
