use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// Returns a number that no other process can predict: the hash of a counter, with a key that comes
/// from the operating system.
pub(crate) fn random() -> u64 {
    static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static DRAWN: AtomicU64 = AtomicU64::new(0);
    KEY.hash_one(DRAWN.fetch_add(1, Ordering::Relaxed))
}
