use std::hash::{BuildHasher, Hash};

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

/// Values with numbers: equal values have the same number, and it never changes.
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
    /// The number of `value`. New numbers are given in order, from 0.
    pub(crate) fn number(&mut self, value: T) -> u32 {
        let Self { values, numbers } = self;
        let hash = FxBuildHasher.hash_one(&value);
        if let Some(&known) = numbers.find(hash, |&number| values[number as usize] == value) {
            return known;
        }
        let number = u32::try_from(values.len()).expect("memory ends before the numbers do");
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
