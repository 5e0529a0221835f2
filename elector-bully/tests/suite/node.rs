//! One node under test, and short names for its messages.

use elector_bully::{Bully, BullyConfig, BullyDurable, BullyMessage, BullyTimer};
use elector_core::{
    Command, Driver, Epoch, Input, Membership, Moment, NodeId, Outgoing, Role, Step, View,
};

use BullyMessage::{Answer, Coordinator, Election, Heartbeat};

/// One node of a cluster of five.
pub(crate) struct Node(pub(crate) Driver<Bully>);

impl Node {
    pub(crate) fn new(me: u64, config: &BullyConfig, epoch: u64) -> Self {
        let members = Membership::new(NodeId(me), (1..=5).map(NodeId)).unwrap();
        let durable = BullyDurable {
            epoch: Epoch(epoch),
            coordinator: None,
        };
        Self(Driver::restore(config, members, durable))
    }

    /// A node that follows node 5 in epoch 1.
    pub(crate) fn follower(me: u64, config: &BullyConfig) -> Self {
        let mut node = Self::new(me, config, 0);
        node.step(Input::Started);
        node.receive(5, coordinator(1));
        assert_eq!(node.view(), View::following(Epoch(1), Some(NodeId(5))));
        node
    }

    /// A node that leads epoch 1.
    pub(crate) fn leader(me: u64, config: &BullyConfig) -> Self {
        let mut node = Self::new(me, config, 0);
        node.step(Input::Started);
        node.step(Input::Commanded(Command::Campaign));
        while node.view().role != Role::Leader {
            node.elapse(BullyTimer::Answer);
        }
        assert_eq!(node.view(), View::leading(Epoch(1), NodeId(me)));
        node
    }

    pub(crate) fn step(&mut self, input: Input<BullyMessage, BullyTimer>) -> Box<Step<Bully>> {
        self.0.step(input, Moment::ZERO).unwrap()
    }

    pub(crate) fn receive(&mut self, from: u64, message: BullyMessage) -> Sent {
        let from = NodeId(from);
        self.step(Input::Received { from, message }).sends
    }

    pub(crate) fn elapse(&mut self, timer: BullyTimer) -> Sent {
        self.step(Input::Elapsed(timer)).sends
    }

    pub(crate) fn command(&mut self, command: Command) -> Sent {
        self.step(Input::Commanded(command)).sends
    }

    pub(crate) fn view(&self) -> View {
        self.0.view()
    }
}

pub(crate) type Sent = Vec<Outgoing<BullyMessage>>;

pub(crate) fn all(to: impl IntoIterator<Item = u64>, message: &BullyMessage) -> Sent {
    let outgoing = |to| Outgoing {
        to: NodeId(to),
        message: message.clone(),
    };
    to.into_iter().map(outgoing).collect()
}

pub(crate) fn election(epoch: u64) -> BullyMessage {
    let epoch = Epoch(epoch);
    Election { epoch }
}

pub(crate) fn answer(epoch: u64) -> BullyMessage {
    let epoch = Epoch(epoch);
    Answer { epoch }
}

pub(crate) fn coordinator(epoch: u64) -> BullyMessage {
    Coordinator {
        epoch: Epoch(epoch),
        appointed: false,
    }
}

pub(crate) fn heartbeat(epoch: u64) -> BullyMessage {
    Heartbeat {
        epoch: Epoch(epoch),
        appointed: false,
    }
}

pub(crate) fn preempt() -> BullyConfig {
    BullyConfig::default()
}

pub(crate) fn no_preempt() -> BullyConfig {
    BullyConfig {
        preempt: false,
        ..BullyConfig::default()
    }
}
