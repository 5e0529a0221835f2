use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use elector_core::NodeId;

use crate::hashed::hash_of;

/// A message in flight.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Envelope<M> {
    pub(crate) from: NodeId,
    pub(crate) to: NodeId,
    pub(crate) message: M,
}

/// The set of messages in flight. Any of them may be delivered next, so messages overtake each
/// other; one that is never delivered is lost. A set, so that heartbeats do not pile up: two equal
/// messages in flight are one.
#[derive(Debug)]
pub(crate) struct Network<M> {
    // In ascending order. Shared: most steps send nothing new.
    envelopes: Arc<Vec<Envelope<M>>>,
    // The sum of the envelopes' hashes: kept up to date without hashing the whole set again.
    hash: u64,
}

impl<M: Clone + Ord + Hash> Network<M> {
    pub(crate) fn new() -> Self {
        Self {
            envelopes: Arc::new(Vec::new()),
            hash: 0,
        }
    }

    pub(crate) fn envelopes(&self) -> &[Envelope<M>] {
        &self.envelopes
    }

    pub(crate) fn insert(&mut self, envelope: Envelope<M>) {
        if let Err(place) = self.envelopes.binary_search(&envelope) {
            self.hash = self.hash.wrapping_add(hash_of(&envelope));
            Arc::make_mut(&mut self.envelopes).insert(place, envelope);
        }
    }

    pub(crate) fn remove(&mut self, place: usize) {
        if place < self.envelopes.len() {
            let envelope = Arc::make_mut(&mut self.envelopes).remove(place);
            self.hash = self.hash.wrapping_sub(hash_of(&envelope));
        }
    }
}

impl<M> Clone for Network<M> {
    fn clone(&self) -> Self {
        Self {
            envelopes: Arc::clone(&self.envelopes),
            hash: self.hash,
        }
    }
}

impl<M: PartialEq> PartialEq for Network<M> {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.envelopes == other.envelopes
    }
}

impl<M: Eq> Eq for Network<M> {}

impl<M> Hash for Network<M> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash.hash(state);
    }
}
