use std::hash::{BuildHasher, Hash};

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

/// Gives numbers to values: equal values have the same number, and the number of a value never
/// changes.
#[derive(Debug)]
pub(crate) struct Pool<T> {
    values: Vec<T>,
    numbers: HashTable<u32>,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            numbers: HashTable::new(),
        }
    }
}

impl<T: Eq + Hash> Pool<T> {
    /// Returns the number of `value`. A new value gets the next free number; the first number is 0.
    pub(crate) fn number(&mut self, value: T) -> u32 {
        let Self { values, numbers } = self;
        let hash = FxBuildHasher.hash_one(&value);
        if let Some(&known) = numbers.find(hash, |&number| values[number as usize] == value) {
            return known;
        }
        let number = u32::try_from(values.len()).expect("memory holds fewer than 2^32 values");
        values.push(value);
        let hash_of = |&number: &u32| FxBuildHasher.hash_one(&values[number as usize]);
        numbers.insert_unique(hash, number, hash_of);
        number
    }

    pub(crate) fn get(&self, number: u32) -> &T {
        &self.values[number as usize]
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }
}
