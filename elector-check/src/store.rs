use std::hash::Hasher;

use hashbrown::{HashTable, hash_table::Entry};
use rustc_hash::FxHasher;

/// The nominal size of a chunk in bytes. Entries lie one after the other in a chunk, and every
/// entry begins within its first `CHUNK` bytes.
const CHUNK: usize = 1 << 20;
/// The extra space of a chunk in bytes, for the part of its last entry that lies beyond the first
/// `CHUNK` bytes.
const CHUNK_OVERFLOW: usize = 1 << 10;

/// The place of an entry: the number of its chunk times [`CHUNK`], plus the offset in the chunk.
pub(crate) type Place = u64;

/// A place in five bytes, which are enough for a terabyte of states.
type ShortPlace = [u8; 5];

/// All distinct states in their packed form (encoded as bytes), each with the state from which the
/// search reached it (its parent), in the order in which they were found. States are compared byte
/// by byte, so two different states are never confused.
#[derive(Debug, Default)]
pub(crate) struct Store {
    // An entry is the length of the packed state (two bytes), the place of its parent (five bytes),
    // and the packed state.
    chunks: Vec<Vec<u8>>,
    index: HashTable<ShortPlace>,
}

const HEADER: usize = 7;

impl Store {
    /// Adds a state in its packed form (encoded as bytes) that was reached from the state in
    /// `parent`, and returns its place. Returns `None` if the state is already known.
    pub(crate) fn insert(&mut self, packed: &[u8], parent: Place) -> Option<Place> {
        let chunks = &self.chunks;
        let hash_of = |&short: &ShortPlace| hash(entry(chunks, long(short)).1);
        let is_same = |&short: &ShortPlace| entry(chunks, long(short)).1 == packed;
        let Entry::Vacant(vacant) = self.index.entry(hash(packed), is_same, hash_of) else {
            return None;
        };
        if self.chunks.last().is_none_or(|chunk| chunk.len() >= CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK + CHUNK_OVERFLOW));
        }
        let number = self.chunks.len() - 1;
        let chunk = &mut self.chunks[number];
        let place = (number * CHUNK + chunk.len()) as Place;
        let length = u16::try_from(packed.len()).expect("a state is a few hundred bytes");
        chunk.extend(length.to_le_bytes());
        chunk.extend(short(parent));
        chunk.extend(packed);
        vacant.insert(short(place));
        Some(place)
    }

    /// Returns the place of the parent of the state in `place`, and the state itself in its packed
    /// form (encoded as bytes).
    pub(crate) fn get(&self, place: Place) -> (Place, &[u8]) {
        entry(&self.chunks, place)
    }

    /// Returns the place of the state that was found directly after the state in `place`.
    pub(crate) fn after(&self, place: Place) -> Option<Place> {
        let number = place as usize / CHUNK;
        let end = place as usize % CHUNK + HEADER + self.get(place).1.len();
        if end < self.chunks[number].len() {
            return Some((number * CHUNK + end) as Place);
        }
        (number + 1 < self.chunks.len()).then_some(((number + 1) * CHUNK) as Place)
    }

    /// Returns the number of states.
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// Returns how many bytes the states and their index take.
    pub(crate) fn bytes(&self) -> usize {
        self.chunks.iter().map(Vec::capacity).sum::<usize>() + self.index.allocation_size()
    }
}

fn entry(chunks: &[Vec<u8>], place: Place) -> (Place, &[u8]) {
    let from = &chunks[place as usize / CHUNK][place as usize % CHUNK..];
    let length = usize::from(u16::from_le_bytes([from[0], from[1]]));
    let parent = long([from[2], from[3], from[4], from[5], from[6]]);
    (parent, &from[HEADER..HEADER + length])
}

fn short(place: Place) -> ShortPlace {
    let [a, b, c, d, e, ..] = place.to_le_bytes();
    [a, b, c, d, e]
}

fn long([a, b, c, d, e]: ShortPlace) -> Place {
    Place::from_le_bytes([a, b, c, d, e, 0, 0, 0])
}

fn hash(packed: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(packed);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    // The search reads the states from the first one on, while it adds new states at the end. It
    // must skip no state at the end of a chunk, and read no state twice.
    #[test]
    fn states_are_returned_in_order_across_chunks() {
        let packed = |number: u32| number.to_le_bytes().repeat(1 + number as usize % 50);
        let mut store = Store::default();
        let mut places = Vec::new();
        for number in 0..30_000 {
            let parent = places.last().copied().unwrap_or(0);
            let place = store.insert(&packed(number), parent);
            places.push(place.expect("it is new"));
            assert_eq!(store.insert(&packed(number / 2), 0), None);
        }
        assert!(store.chunks.len() > 2 && store.len() == 30_000);
        let walk = std::iter::successors(Some(0), |&place| store.after(place));
        assert_eq!(walk.collect::<Vec<_>>(), places);
        for (number, &place) in (0..).zip(&places).skip(1) {
            let parent = places[number as usize - 1];
            assert_eq!(store.get(place), (parent, &*packed(number)));
        }
    }
}
