use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The length of a file, and its SHA-256 as `sha256sum` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileDigest {
    /// The length in bytes.
    pub(crate) bytes: u64,
    /// The SHA-256, in lower-case hexadecimal digits.
    pub(crate) sha256: String,
}

impl FileDigest {
    /// Returns the digest of a file with these contents.
    #[must_use]
    pub(crate) fn of(contents: &[u8]) -> Self {
        let mut sha256 = String::new();
        for byte in Sha256::digest(contents) {
            // Writing to a string cannot fail.
            let _ = write!(sha256, "{byte:02x}");
        }
        Self {
            bytes: contents.len() as u64,
            sha256,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Users compare the digests with the output of `sha256sum`. The expected digest is from FIPS
    // 180-2, appendix B.1.
    #[test]
    fn the_digest_is_that_of_the_standard() {
        let digest = FileDigest::of(b"abc");
        assert_eq!(digest.bytes, 3);
        assert_eq!(
            digest.sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
