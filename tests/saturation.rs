//! At the end of the numbers there is no next epoch. Nodes that come there must not talk without
//! end: hosts let no such epoch in, but an algorithm must not rely on that.

use std::collections::VecDeque;

use elector_bully::{Bully, BullyMessage};
use elector_core::{Command, Driver, ElectionAlgorithm, Epoch, Input, Membership, Moment, NodeId};
use elector_paxos::{Paxos, PaxosMessage};
use elector_raft::{Raft, RaftMessage};
use elector_ring::{Ring, RingMessage};

const LAST: Epoch = Epoch(u64::MAX);

/// Nodes that run, and what is on its way between them. No time passes, so no timer elapses.
struct Talk<A: ElectionAlgorithm> {
    nodes: Vec<Driver<A>>,
    under_way: VecDeque<(NodeId, NodeId, A::Message)>,
}

impl<A: ElectionAlgorithm> Talk<A> {
    fn new(nodes: u64) -> Self {
        let ids = || (1..=nodes).map(NodeId);
        let start = |me| {
            let members = Membership::new(me, ids()).expect("it is a cluster");
            Driver::restore(&A::Config::default(), members, A::Durable::default())
        };
        let mut talk = Self {
            nodes: ids().map(start).collect(),
            under_way: VecDeque::new(),
        };
        for node in ids() {
            talk.input(node, Input::Started);
        }
        talk
    }

    fn input(&mut self, node: NodeId, input: Input<A::Message, A::Timer>) {
        let place = usize::try_from(node.0 - 1).expect("it is small");
        let step = self.nodes[place].step(input, Moment::ZERO);
        let step = step.expect("the contract holds");
        let sends = step.sends.iter();
        self.under_way
            .extend(sends.map(|out| (node, out.to, out.message.clone())));
    }

    /// Delivers all that is said, and the answers to it; how many messages that were.
    fn messages(&mut self, most: usize) -> usize {
        let mut count = 0;
        while let Some((from, to, message)) = self.under_way.pop_front() {
            count += 1;
            if count > most {
                return count;
            }
            self.input(to, Input::Received { from, message });
        }
        count
    }
}

/// All nodes hear this of their next one, which has said no such thing; and some campaign.
fn talk_ends<A: ElectionAlgorithm>(nodes: u64, said: &A::Message) {
    const MOST: usize = 300;
    let mut talk = Talk::<A>::new(nodes);
    let first = talk.messages(MOST);
    for node in 1..=nodes {
        let from = NodeId(node % nodes + 1);
        let message = said.clone();
        talk.input(NodeId(node), Input::Received { from, message });
    }
    let second = talk.messages(MOST);
    for node in 1..=nodes {
        talk.input(NodeId(node), Input::Commanded(Command::Campaign));
    }
    let third = talk.messages(MOST);
    let counts = [first, second, third];
    let ends = counts.iter().all(|&count| count <= MOST);
    assert!(ends, "{}, {nodes} nodes, {said:?}: {counts:?}", A::NAME);
}

// `Handover` with the last epoch to two nodes made 20,000 messages in 50 ms.
#[test]
fn the_last_epoch_starts_no_storm() {
    let (epoch, sent) = (LAST, Moment::ZERO);
    for nodes in [2, 3, 5] {
        for appointed in [false, true] {
            talk_ends::<Bully>(nodes, &BullyMessage::Handover { epoch, appointed });
            talk_ends::<Bully>(nodes, &BullyMessage::Coordinator { epoch, appointed });
        }
        talk_ends::<Bully>(nodes, &BullyMessage::Outdated { epoch });
        talk_ends::<Bully>(nodes, &BullyMessage::Election { epoch });
        talk_ends::<Ring>(nodes, &RingMessage::Handover { epoch });
        let settled = true;
        talk_ends::<Ring>(nodes, &RingMessage::Heartbeat { epoch, settled });
        let term = LAST;
        talk_ends::<Raft>(nodes, &RaftMessage::TimeoutNow { term });
        let announce = true;
        let heartbeat = RaftMessage::Heartbeat {
            term,
            sent,
            announce,
        };
        talk_ends::<Raft>(nodes, &heartbeat);
        talk_ends::<Paxos>(nodes, &PaxosMessage::Handover { epoch });
        talk_ends::<Paxos>(nodes, &PaxosMessage::Heartbeat { epoch, sent });
        let leader = NodeId(1);
        let learn = PaxosMessage::Learn {
            epoch,
            leader,
            sent,
        };
        talk_ends::<Paxos>(nodes, &learn);
    }
}
