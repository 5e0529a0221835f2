//! A node of the ring elections under test, and short names for its messages.

use elector_core::{Command, Epoch, NodeId, Outgoing, View};
use elector_ring::{
    Ring, RingConfig, RingDurable, RingMessage, RingTimer, RingVariant, Serial, Token, TokenBody,
};

use crate::algorithm::node;

pub(crate) type Node = node::Node<Ring>;

/// The receiver and the token of a hop.
pub(crate) type Hop = (u64, Token);

impl Node {
    /// Returns node `me` of a cluster of five nodes, after its start.
    pub(crate) fn new(me: u64, variant: RingVariant) -> Self {
        Self::with_disk(me, variant, RingDurable::default())
    }

    pub(crate) fn with_disk(me: u64, variant: RingVariant, disk: RingDurable) -> Self {
        let config = RingConfig {
            variant,
            ..RingConfig::default()
        };
        Self::restored(me, 5, &config, disk).start()
    }

    /// Returns node `me` of a cluster of five nodes. It follows node 5 in epoch 1.
    pub(crate) fn follower(me: u64, variant: RingVariant) -> Self {
        let mut node = Self::new(me, variant);
        node.receive(5, heartbeat(1, false));
        assert_eq!(node.view(), View::following(Epoch(1), Some(NodeId(5))));
        node
    }

    /// Returns the hops that the node makes when it receives this token. Asserts that the first
    /// message that the node sends is the acknowledgement of the token.
    pub(crate) fn receive_token(&mut self, from: u64, token: &Token) -> Vec<Hop> {
        let mut sends = self.receive(from, RingMessage::Token(token.clone())).sends;
        let ack = sends.remove(0);
        let token = token.id();
        assert_eq!(ack.to, NodeId(from));
        assert_eq!(ack.message, RingMessage::HopAck { token });
        hops(&sends)
    }

    /// Returns the hops that the node makes when this timer elapses.
    pub(crate) fn hops_after(&mut self, timer: RingTimer) -> Vec<Hop> {
        hops(&self.elapse(timer).sends)
    }

    /// Makes the node start an election. Returns the hops of its first tokens.
    pub(crate) fn campaign(&mut self) -> Vec<Hop> {
        hops(&self.command(Command::Campaign).sends)
    }
}

/// Returns the tokens among these messages.
pub(crate) fn hops(sends: &[Outgoing<RingMessage>]) -> Vec<Hop> {
    let tokens = sends.iter().filter_map(|out| match &out.message {
        RingMessage::Token(token) => Some((out.to.0, token.clone())),
        RingMessage::HopAck { .. }
        | RingMessage::Heartbeat { .. }
        | RingMessage::Handover { .. }
        | RingMessage::Present { .. } => None,
    });
    tokens.collect()
}

/// Returns a token that `origin` has created after its first start. The serial of the token has
/// this count, and the token has made `made` hops of the lap of a ring of five nodes.
pub(crate) fn token(origin: u64, count: u64, epoch: u64, made: u32, body: TokenBody) -> Token {
    Token {
        origin: NodeId(origin),
        serial: Serial { life: 1, count },
        epoch: Epoch(epoch),
        left: 5 - made,
        body,
    }
}

pub(crate) fn gather(ids: &[u64]) -> TokenBody {
    let ids = ids.iter().copied().map(NodeId).collect();
    TokenBody::Gather { ids }
}

pub(crate) fn coordinator(leader: u64) -> TokenBody {
    let leader = NodeId(leader);
    TokenBody::Coordinator { leader }
}

pub(crate) fn heartbeat(epoch: u64, settled: bool) -> RingMessage {
    let epoch = Epoch(epoch);
    RingMessage::Heartbeat { epoch, settled }
}
