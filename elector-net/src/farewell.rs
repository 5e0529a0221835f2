use std::{error::Error, fmt, io, os::fd::BorrowedFd};

use ring::{
    digest::{SHA256, digest},
    rand::{SecureRandom, SystemRandom},
};

use crate::wire::hello::Commitment;

/// How many bytes a farewell has.
const LENGTH: usize = MARK.len() + SECRET;

/// Begins every farewell. A reader computes a hash only if it finds this.
const MARK: [u8; 16] = *b"\0ELCT farewell\r\n";

const SECRET: usize = 32;

/// What is written on the connections of a process that has ended, by its
/// [companion](crate::Tcp::companion): a secret
/// that was drawn for one life of one node. The node told its peers the hash of it, so they know
/// that this life is over.
///
/// It is not encrypted, also where the connection is: whoever knows the secret can do nothing but
/// tell what is true by then.
#[derive(Clone, PartialEq, Eq)]
pub struct Farewell([u8; LENGTH]);

impl Farewell {
    /// Draws the secret of a new life.
    pub(crate) fn draw() -> io::Result<Self> {
        let mut bytes = [0; LENGTH];
        let (mark, secret) = bytes.split_at_mut(MARK.len());
        mark.copy_from_slice(&MARK);
        let drawn = SystemRandom::new().fill(secret);
        drawn.map_err(|_| io::Error::other("the operating system gives no random numbers"))?;
        Ok(Self(bytes))
    }

    /// What peers are told of it in advance.
    pub(crate) fn commitment(&self) -> Commitment {
        let (_, secret) = self.0.split_at(MARK.len());
        let hash = digest(&SHA256, secret);
        hash.as_ref().try_into().unwrap_or_default()
    }

    /// All that is to be written on each connection.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Without the secret: it must not get into a log.
impl fmt::Debug for Farewell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Farewell").finish_non_exhaustive()
    }
}

/// Lets another process keep a copy of a connection; see [`Tcp::companion`](crate::Tcp::companion).
pub(crate) type Companion = Box<dyn Fn(&Farewell, BorrowedFd<'_>) -> io::Result<()> + Send + Sync>;

/// The farewell of this life, and who writes it.
pub(crate) struct Testament {
    farewell: Farewell,
    companion: Companion,
}

impl Testament {
    pub(crate) fn draw(companion: Companion) -> io::Result<Self> {
        let farewell = Farewell::draw()?;
        Ok(Self {
            farewell,
            companion,
        })
    }

    pub(crate) fn commitment(&self) -> Commitment {
        self.farewell.commitment()
    }

    /// Gives the companion a copy of this connection.
    pub(crate) fn keep(&self, connection: BorrowedFd<'_>) -> io::Result<()> {
        (self.companion)(&self.farewell, connection)
    }
}

/// The last bytes of what was read from a connection. Below TLS and frames: a process can end in
/// the middle of either.
#[derive(Debug)]
pub(crate) struct Tail([u8; LENGTH]);

impl Tail {
    pub(crate) fn new() -> Self {
        Self([0; LENGTH])
    }

    /// Takes what was read; the farewell, if it ends with one.
    pub(crate) fn push(&mut self, read: &[u8]) -> Option<Farewell> {
        let last = &read[read.len().saturating_sub(LENGTH)..];
        self.0.copy_within(last.len().., 0);
        self.0[LENGTH - last.len()..].copy_from_slice(last);
        self.0.starts_with(&MARK).then_some(Farewell(self.0))
    }
}

/// The error of a connection on which a farewell was read.
#[derive(Debug)]
pub(crate) struct Ended(pub(crate) Farewell);

impl Ended {
    pub(crate) fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the companion of its process says that this has ended")
    }
}

impl Error for Ended {}

impl From<Ended> for io::Error {
    fn from(ended: Ended) -> Self {
        Self::other(ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A process can end anywhere in a frame, and what is read comes in pieces of any length.
    #[test]
    fn a_farewell_is_found_after_anything_and_in_pieces() {
        let farewell = Farewell::draw().unwrap();
        for before in [0, 1, 47, 48, 49, 500] {
            let bytes = [&vec![7; before], farewell.bytes()].concat();
            for piece in 1..bytes.len() {
                let mut tail = Tail::new();
                let found: Vec<_> = bytes.chunks(piece).filter_map(|p| tail.push(p)).collect();
                assert_eq!(found.len(), 1, "{before} {piece}");
                assert_eq!(found[0], farewell);
            }
        }
    }

    // Peers that are told a hash must not be able to make the secret, and each life has its own.
    #[test]
    fn a_secret_is_drawn_for_each_life_and_only_its_hash_is_told() {
        let (one, other) = (Farewell::draw().unwrap(), Farewell::draw().unwrap());
        assert_ne!(one.commitment(), other.commitment());
        assert_eq!(one.commitment(), one.clone().commitment());
        assert!(!one.bytes().ends_with(&one.commitment()));
        assert!(!format!("{one:?}").contains(char::is_numeric));
    }

    // The hash goes over the wire between releases: this one is of 32 zeros, by `sha256sum`.
    #[test]
    fn the_commitment_is_sha_256_of_the_secret() {
        let mut bytes = [0; LENGTH];
        bytes[..MARK.len()].copy_from_slice(&MARK);
        let commitment = Farewell(bytes).commitment();
        assert_eq!(commitment[..4], [0x66, 0x68, 0x7a, 0xad]);
    }
}
