use std::{
    sync::{Mutex, PoisonError},
    vec::Vec,
};

use crate::{Membership, NodeId};

/// The places of the peers in a [`Queue`](super::queue::Queue), as indexes: first the nodes of the
/// list with which the node was started, in the order of their ids, then the peers that the node
/// has met since.
#[derive(Debug)]
pub(super) struct Places {
    members: Membership,
    /// How many further peers can get a place. Because of this bound, a process that is not trusted
    /// cannot make the queue grow without end.
    spare: usize,
    met: Mutex<Vec<NodeId>>,
}

impl Places {
    pub(super) fn new(members: Membership, spare: usize) -> Self {
        Self {
            members,
            spare,
            met: Mutex::default(),
        }
    }

    pub(super) fn me(&self) -> NodeId {
        self.members.me()
    }

    /// Returns the number of places in the queue, for known and for further peers.
    pub(super) fn count(&self) -> usize {
        self.members.len() + self.spare
    }

    /// Returns the place of a peer. A peer that was not met before gets the next free place.
    /// Returns `None` for the node itself, and if no place is free.
    pub(super) fn of(&self, peer: NodeId) -> Option<usize> {
        if peer == self.me() {
            return None;
        }
        self.members.position(peer).or_else(|| self.met(peer))
    }

    fn met(&self, peer: NodeId) -> Option<usize> {
        if self.spare == 0 {
            return None;
        }
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        let known = met.iter().position(|&known| known == peer);
        let place = known.or_else(|| {
            let is_free = met.len() < self.spare;
            is_free.then(|| {
                met.push(peer);
                met.len() - 1
            })
        })?;
        Some(self.members.len() + place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Messages of two nodes must never share a place in the queue: one node could use up the share
    // of the other. If too many unknown nodes were not rejected, the queue would grow without end.
    #[test]
    fn nodes_that_are_met_get_places_until_none_is_free() {
        let members = Membership::new(NodeId(1), [1, 2].map(NodeId)).unwrap();
        let places = Places::new(members.clone(), 2);
        let of = |node| places.of(NodeId(node));
        assert_eq!(places.count(), 4);
        assert_eq!((of(1), of(2)), (None, Some(1)));
        assert_eq!((of(9), of(8), of(9)), (Some(2), Some(3), Some(2)));
        assert_eq!(of(7), None);
        assert_eq!(Places::new(members, 0).of(NodeId(9)), None);
    }
}
