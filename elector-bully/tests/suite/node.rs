//! A node of the Bully algorithm under test, and short names for its messages.

use elector_bully::{Bully, BullyConfig, BullyDurable, BullyMessage, BullyTimer};
use elector_core::{Command, Epoch, NodeId, Outgoing, Role, View};

use BullyMessage::{Answer, Coordinator, Election, Heartbeat};

use crate::algorithm::node;

pub(crate) type Node = node::Node<Bully>;

impl Node {
    /// Returns node `me` of a cluster of five nodes, before its start. The node's disk has `epoch`.
    pub(crate) fn new(me: u64, config: &BullyConfig, epoch: u64) -> Self {
        let disk = BullyDurable {
            epoch: Epoch(epoch),
            coordinator: None,
        };
        Self::restored(me, 5, config, disk)
    }

    /// Returns node `me` of a cluster of five nodes. It follows node 5 in epoch 1.
    pub(crate) fn follower(me: u64, config: &BullyConfig) -> Self {
        let mut node = Self::new(me, config, 0).start();
        node.receive(5, coordinator(1));
        assert_eq!(node.view(), View::following(Epoch(1), Some(NodeId(5))));
        node
    }

    /// Returns node `me` of a cluster of five nodes. It leads epoch 1.
    pub(crate) fn leader(me: u64, config: &BullyConfig) -> Self {
        let mut node = Self::new(me, config, 0).start();
        node.command(Command::Campaign);
        while node.view().role != Role::Leader {
            node.elapse(BullyTimer::Answer);
        }
        assert_eq!(node.view(), View::leading(Epoch(1), NodeId(me)));
        node
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
