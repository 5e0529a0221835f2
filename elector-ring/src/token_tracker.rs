use alloc::vec::Vec;

use elector_core::NodeId;

use crate::{Course, Serial, Token, TokenId};

/// The tokens that have visited this node. The tracker detects second copies, and keeps each token
/// until the next node has acknowledged it.
///
/// The tracker keeps only the newest token of each origin and course, so the number of members
/// bounds its size. The tracker only compares serials for equality: the serials of a node that has
/// lost its disk begin from the start again, and the tracker must not take this node's new tokens
/// for old ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct TokenTracker(Vec<TrackedToken>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct TrackedToken {
    origin: NodeId,
    course: Course,
    /// The serial of the newest token that arrived.
    seen: Option<Serial>,
    /// The receiver of a token, and the token, until the receiver acknowledges it.
    pending: Option<(NodeId, Token)>,
}

impl TokenTracker {
    /// Remembers a token that arrived. Returns `true` if this is its first copy.
    pub(crate) fn record_arrival(&mut self, id: TokenId) -> bool {
        let tracked = self.tracked(id);
        let first = tracked.seen != Some(id.serial);
        tracked.seen = Some(id.serial);
        first
    }

    /// Keeps a token that this node sends to `to`. Returns the older token that the new token
    /// replaces, if the receiver of the older one has not acknowledged it.
    pub(crate) fn record_departure(&mut self, to: NodeId, token: Token) -> Option<TokenId> {
        let id = token.id();
        let old = self.tracked(id).pending.replace((to, token));
        old.map(|(_, token)| token.id()).filter(|&old| old != id)
    }

    /// Removes a token that `from` has acknowledged. Returns `false`, and removes nothing, if the
    /// token does not wait for an acknowledgement of `from`.
    pub(crate) fn acknowledge(&mut self, from: NodeId, id: TokenId) -> bool {
        let waiting = self.pending(id).is_some_and(|to| to == from);
        waiting && self.take(id).is_some()
    }

    /// Removes a token that its receiver has not acknowledged, and returns the receiver and the
    /// token.
    pub(crate) fn take(&mut self, id: TokenId) -> Option<(NodeId, Token)> {
        self.pending(id)?;
        self.tracked(id).pending.take()
    }

    /// Returns the tokens that `peer` has not acknowledged.
    pub(crate) fn waiting_for(&self, peer: NodeId) -> Vec<TokenId> {
        let pending = self.0.iter().filter_map(|tracked| tracked.pending.as_ref());
        let for_peer = pending.filter(|&&(to, _)| to == peer);
        for_peer.map(|(_, token)| token.id()).collect()
    }

    /// Returns the node that must still acknowledge exactly this token.
    fn pending(&self, id: TokenId) -> Option<NodeId> {
        let place = self.place(id).ok()?;
        let (to, token) = self.0.get(place)?.pending.as_ref()?;
        (token.serial == id.serial).then_some(*to)
    }

    fn place(&self, id: TokenId) -> Result<usize, usize> {
        let key = (id.origin, id.course);
        self.0
            .binary_search_by_key(&key, |tracked| (tracked.origin, tracked.course))
    }

    fn tracked(&mut self, id: TokenId) -> &mut TrackedToken {
        let place = self.place(id).unwrap_or_else(|place| {
            let tracked = TrackedToken {
                origin: id.origin,
                course: id.course,
                seen: None,
                pending: None,
            };
            self.0.insert(place, tracked);
            place
        });
        &mut self.0[place]
    }
}
