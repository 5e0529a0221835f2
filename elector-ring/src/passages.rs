use alloc::vec::Vec;

use elector_core::NodeId;

use crate::{Course, Serial, Token, TokenId};

/// The tokens that came by: what makes a second copy of one known, and keeps a token in hand
/// until the next node has acknowledged it.
///
/// For every origin and course only the newest token is kept, so the size is bounded by the
/// membership. Serials are compared for equality alone: a node that lost its disk numbers from
/// the start again, and must not be taken for its own past for ever.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Passages(Vec<Passage>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Passage {
    origin: NodeId,
    course: Course,
    /// The newest token met.
    seen: Option<Serial>,
    /// The token that waits for an acknowledgement, and from whom.
    pending: Option<(NodeId, Token)>,
}

impl Passages {
    /// Remembers a token that arrived; whether this is its first copy.
    pub(crate) fn first_sight(&mut self, id: TokenId) -> bool {
        let passage = self.passage(id);
        let first = passage.seen != Some(id.serial);
        passage.seen = Some(id.serial);
        first
    }

    /// Keeps a token that leaves for `to`. Gives the older one that it makes pointless, if that
    /// was still waiting.
    pub(crate) fn depart(&mut self, to: NodeId, token: Token) -> Option<TokenId> {
        let id = token.id();
        let old = self.passage(id).pending.replace((to, token));
        old.map(|(_, token)| token.id()).filter(|&old| old != id)
    }

    /// `from` has the token: lets it go; whether it was waited for.
    pub(crate) fn acknowledged(&mut self, from: NodeId, id: TokenId) -> bool {
        let waiting = self.pending(id).is_some_and(|to| to == from);
        waiting && self.take(id).is_some()
    }

    /// Takes a token that waits back, with the node that it waited for.
    pub(crate) fn take(&mut self, id: TokenId) -> Option<(NodeId, Token)> {
        self.pending(id)?;
        self.passage(id).pending.take()
    }

    /// The tokens that wait for `peer`.
    pub(crate) fn waiting_for(&self, peer: NodeId) -> Vec<TokenId> {
        let pending = self.0.iter().filter_map(|passage| passage.pending.as_ref());
        let for_peer = pending.filter(|&&(to, _)| to == peer);
        for_peer.map(|(_, token)| token.id()).collect()
    }

    /// Whom this very token waits for.
    fn pending(&self, id: TokenId) -> Option<NodeId> {
        let place = self.place(id).ok()?;
        let (to, token) = self.0.get(place)?.pending.as_ref()?;
        (token.serial == id.serial).then_some(*to)
    }

    fn place(&self, id: TokenId) -> Result<usize, usize> {
        let key = (id.origin, id.course);
        self.0
            .binary_search_by_key(&key, |passage| (passage.origin, passage.course))
    }

    fn passage(&mut self, id: TokenId) -> &mut Passage {
        let place = self.place(id).unwrap_or_else(|place| {
            let passage = Passage {
                origin: id.origin,
                course: id.course,
                seen: None,
                pending: None,
            };
            self.0.insert(place, passage);
            place
        });
        &mut self.0[place]
    }
}
