//! What the fuzz targets are made of. `fuzz/run` builds and runs them.

use std::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};

pub mod draw;
pub mod host;
pub mod observer;
pub mod settings;

/// The bytes of a value.
///
/// # Panics
/// If another value is read from them.
pub fn round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) -> Vec<u8> {
    let bytes = postcard::to_stdvec(value).unwrap_or_else(|error| panic!("{value:?}: {error}"));
    match postcard::take_from_bytes::<T>(&bytes) {
        Ok((read, [])) => assert_eq!(&read, value, "written, and read again"),
        other => panic!("{value:?} was written, and read as {other:?}"),
    }
    bytes
}
