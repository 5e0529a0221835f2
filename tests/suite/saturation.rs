//! Tests nodes in the highest epoch, which has no next epoch. Such nodes must not send messages to
//! each other without end. Hosts (the programs that run an algorithm) drop messages with such an
//! epoch, but an algorithm must not depend on this.

use std::collections::VecDeque;

use elector_bully::{Bully, BullyMessage};
use elector_core::{Command, Driver, ElectionAlgorithm, Epoch, Input, Membership, Moment, NodeId};
use elector_paxos::{Paxos, PaxosMessage};
use elector_raft::{Raft, RaftMessage};
use elector_ring::{Ring, RingMessage};

const LAST: Epoch = Epoch(u64::MAX);

/// Running nodes and the messages in flight. No time passes, so no timer elapses.
struct Exchange<A: ElectionAlgorithm> {
    nodes: Vec<Driver<A>>,
    in_flight: VecDeque<(NodeId, NodeId, A::Message)>,
}

impl<A: ElectionAlgorithm> Exchange<A> {
    fn new(nodes: u64) -> Self {
        let ids = || (1..=nodes).map(NodeId);
        let start = |me| {
            let members = Membership::new(me, ids()).expect("it is a cluster");
            Driver::restore(&A::Config::default(), members, A::Durable::default())
        };
        let mut exchange = Self {
            nodes: ids().map(start).collect(),
            in_flight: VecDeque::new(),
        };
        for node in ids() {
            exchange.input(node, Input::Started);
        }
        exchange
    }

    fn input(&mut self, node: NodeId, input: Input<A::Message, A::Timer>) {
        let place = usize::try_from(node.0 - 1).expect("it is small");
        let step = self.nodes[place].step(input, Moment::ZERO);
        let step = step.expect("the contract holds");
        let sends = step.sends.iter();
        self.in_flight
            .extend(sends.map(|out| (node, out.to, out.message.clone())));
    }

    /// Delivers all messages and their answers, and returns their number.
    fn messages(&mut self, limit: usize) -> usize {
        let mut count = 0;
        while let Some((from, to, message)) = self.in_flight.pop_front() {
            count += 1;
            if count > limit {
                return count;
            }
            self.input(to, Input::Received { from, message });
        }
        count
    }
}

/// Gives each node the message `forged` as if its next peer had sent it, and then the command to
/// campaign. The exchange of messages must end.
fn exchange_ends<A: ElectionAlgorithm>(nodes: u64, forged: &A::Message) {
    const LIMIT: usize = 300;
    let mut exchange = Exchange::<A>::new(nodes);
    let first = exchange.messages(LIMIT);
    for node in 1..=nodes {
        let from = NodeId(node % nodes + 1);
        let message = forged.clone();
        exchange.input(NodeId(node), Input::Received { from, message });
    }
    let second = exchange.messages(LIMIT);
    for node in 1..=nodes {
        exchange.input(NodeId(node), Input::Commanded(Command::Campaign));
    }
    let third = exchange.messages(LIMIT);
    let counts = [first, second, third];
    let ends = counts.iter().all(|&count| count <= LIMIT);
    assert!(ends, "{}, {nodes} nodes, {forged:?}: {counts:?}", A::NAME);
}

// In an earlier version, two nodes that received `Handover` with the highest epoch sent 20,000
// messages in 50 ms.
#[test]
fn the_highest_epoch_causes_no_endless_exchange() {
    let (epoch, sent) = (LAST, Moment::ZERO);
    for nodes in [2, 3, 5] {
        for appointed in [false, true] {
            exchange_ends::<Bully>(nodes, &BullyMessage::Handover { epoch, appointed });
            exchange_ends::<Bully>(nodes, &BullyMessage::Coordinator { epoch, appointed });
        }
        exchange_ends::<Bully>(nodes, &BullyMessage::Outdated { epoch });
        exchange_ends::<Bully>(nodes, &BullyMessage::Election { epoch });
        exchange_ends::<Ring>(nodes, &RingMessage::Handover { epoch });
        let settled = true;
        exchange_ends::<Ring>(nodes, &RingMessage::Heartbeat { epoch, settled });
        let term = LAST;
        exchange_ends::<Raft>(nodes, &RaftMessage::TimeoutNow { term });
        let announce = true;
        let heartbeat = RaftMessage::Heartbeat {
            term,
            sent,
            announce,
        };
        exchange_ends::<Raft>(nodes, &heartbeat);
        exchange_ends::<Paxos>(nodes, &PaxosMessage::Handover { epoch });
        exchange_ends::<Paxos>(nodes, &PaxosMessage::Heartbeat { epoch, sent });
        let leader = NodeId(1);
        let learn = PaxosMessage::Learn {
            epoch,
            leader,
            sent,
        };
        exchange_ends::<Paxos>(nodes, &learn);
    }
}
