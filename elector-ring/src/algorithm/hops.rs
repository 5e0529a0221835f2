//! How tokens move: the receiver of each hop acknowledges it, tokens skip silent nodes, and each
//! token ends.

use elector_core::{Delay, NodeId};

use super::Out;
use crate::{Ring, RingMessage, RingTimer, Token, TokenId, token::TokenBody};

impl Ring {
    /// Sends a token to the next live node in its direction, unless it has made its last hop.
    pub(crate) fn forward(&mut self, token: Token, out: &mut Out) {
        if token.left > 0 {
            self.forward_past(None, token, out);
        }
    }

    fn forward_past(&mut self, tried: Option<NodeId>, token: Token, out: &mut Out) {
        let Some(to) = self.next(&token, tried) else {
            return self.on_lap_cut_short(token, out);
        };
        let id = token.id();
        out.send(to, RingMessage::Token(token.clone()));
        if let Some(old) = self.tokens.record_departure(to, token) {
            out.cancel_timer(RingTimer::Hop(old));
        }
        let timeout = Delay::exactly(self.timing.round_trip);
        out.set_timer(RingTimer::Hop(id), timeout);
    }

    pub(super) fn on_hop_ack(&mut self, from: NodeId, id: TokenId, out: &mut Out) {
        if self.tokens.acknowledge(from, id) {
            out.cancel_timer(RingTimer::Hop(id));
        }
    }

    /// Skips the receiver of a token, because the receiver did not acknowledge the token in time or
    /// is suspected. Later tokens skip this node at once.
    pub(super) fn skip_silent(&mut self, id: TokenId, out: &mut Out) {
        let Some((silent, token)) = self.tokens.take(id) else {
            return; // The receiver has acknowledged the token, or a newer token has replaced it.
        };
        self.suspect(silent);
        self.forward_past(Some(silent), token, out);
    }

    /// Handles a token that can go no further. There are two cases. In the first case, the token is
    /// this node's own, and no other node in its direction is alive. In the second case, the origin
    /// of the token is silent. Then the lap ends at the last live node before the origin, which is
    /// this node.
    fn on_lap_cut_short(&mut self, token: Token, out: &mut Out) {
        let own = token.origin == self.me();
        if own && self.round(token.serial).is_none() {
            return; // A COORDINATOR that reaches no node, or a token of an ended election.
        }
        match token.body {
            TokenBody::Gather { ids } => self.finish_lap(token.origin, &ids, out),
            TokenBody::Contend | TokenBody::Probe { .. } if own => self.win(out),
            TokenBody::Contend | TokenBody::Probe { .. } | TokenBody::Reply { .. } => {
                self.restart_election(out);
            }
            TokenBody::Coordinator { .. } => {} // All other live nodes have received the token.
        }
    }
}
