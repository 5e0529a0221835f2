//! The parts of the fuzz targets. `fuzz/run` builds and runs the targets.

use std::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};

pub mod draw;
pub mod host;
pub mod observer;
pub mod settings;

/// Serializes a value, and checks that the same value is read from its bytes.
///
/// # Panics
/// Panics if another value is read.
pub fn round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) -> Vec<u8> {
    let bytes = postcard::to_stdvec(value).unwrap_or_else(|error| panic!("{value:?}: {error}"));
    match postcard::take_from_bytes::<T>(&bytes) {
        Ok((read, [])) => assert_eq!(&read, value, "the value that is read differs"),
        other => panic!("{value:?} was written, but {other:?} was read"),
    }
    bytes
}
