//! Tokens on their way: hop by acknowledged hop, past nodes that are silent, and never for ever.

use elector_core::{Delay, NodeId};

use super::Out;
use crate::{Ring, RingMessage, RingTimer, Token, TokenId, token::Errand};

impl Ring {
    /// Sends a token to the next live node of its way.
    pub(crate) fn pass_on(&mut self, token: Token, out: &mut Out) {
        if token.left > 0 {
            self.pass_beyond(None, token, out);
        }
    }

    fn pass_beyond(&mut self, tried: Option<NodeId>, token: Token, out: &mut Out) {
        let Some(to) = self.next(&token, tried) else {
            return self.on_lap_cut_short(token, out);
        };
        let id = token.id();
        out.send(to, RingMessage::Token(token.clone()));
        if let Some(old) = self.passages.depart(to, token) {
            out.cancel_timer(RingTimer::Hop(old));
        }
        let patience = Delay::exactly(self.timing.round_trip);
        out.set_timer(RingTimer::Hop(id), patience);
    }

    pub(super) fn on_hop_ack(&mut self, from: NodeId, id: TokenId, out: &mut Out) {
        if self.passages.acknowledged(from, id) {
            out.cancel_timer(RingTimer::Hop(id));
        }
    }

    /// The node that a token went to is silent: it is skipped, from now on at once.
    pub(super) fn on_silence(&mut self, id: TokenId, out: &mut Out) {
        let Some((silent, token)) = self.passages.take(id) else {
            return; // Acknowledged, or a newer token of that origin left since.
        };
        self.suspect(silent);
        self.pass_beyond(Some(silent), token, out);
    }

    /// A token can go no further. Either it is this node's own, and no other node lives that way;
    /// or its origin is silent, and the lap ends at the last node before it: here.
    fn on_lap_cut_short(&mut self, token: Token, out: &mut Out) {
        let own = token.origin == self.me();
        if own && self.round(token.serial).is_none() {
            return; // A COORDINATOR that reaches no node, or an election that is over.
        }
        match token.errand {
            Errand::Gather { ids } => self.conclude(token.origin, &ids, out),
            Errand::Contend | Errand::Probe { .. } if own => self.win(out),
            Errand::Contend | Errand::Probe { .. } | Errand::Reply { .. } => self.take_over(out),
            Errand::Coordinator { .. } => {} // All others have it.
        }
    }
}
