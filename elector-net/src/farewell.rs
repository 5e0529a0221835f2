use std::{error::Error, fmt, io, os::fd::BorrowedFd};

use ring::{
    digest::{SHA256, digest},
    rand::{SecureRandom, SystemRandom},
};

use crate::wire::hello::Commitment;

/// The length of a [`Farewell`] in bytes.
const LENGTH: usize = MARK.len() + SECRET_LENGTH;

/// The first bytes of every [`Farewell`]. A peer that reads a connection computes a hash only after
/// it has found these bytes.
const MARK: [u8; 16] = *b"\0ELCT farewell\r\n";

const SECRET_LENGTH: usize = 32;

/// The bytes that a [watcher](crate::Tcp::watcher) writes on the connections of a process after
/// that process has ended. They contain a secret, a random number for one life of one node. The
/// node has sent the hash of the secret to its peers before. So the peers know from the secret that
/// this life has ended.
///
/// The farewell is not encrypted, even if the connection is. Its disclosure does no harm: when the
/// secret is on the wire, the life has already ended.
#[derive(Clone, PartialEq, Eq)]
pub struct Farewell([u8; LENGTH]);

impl Farewell {
    /// Creates the farewell of a new life, which is one process of a node, with a random secret.
    pub(crate) fn draw() -> io::Result<Self> {
        let mut bytes = [0; LENGTH];
        let (mark, secret) = bytes.split_at_mut(MARK.len());
        mark.copy_from_slice(&MARK);
        let drawn = SystemRandom::new().fill(secret);
        drawn.map_err(|_| io::Error::other("the operating system gives no random numbers"))?;
        Ok(Self(bytes))
    }

    /// Returns the hash of the secret. This node sends the hash to its peers in the handshake, in
    /// advance.
    pub(crate) fn commitment(&self) -> Commitment {
        let (_, secret) = self.0.split_at(MARK.len());
        let hash = digest(&SHA256, secret);
        hash.as_ref().try_into().unwrap_or_default()
    }

    /// Returns the bytes that the [watcher](crate::Tcp::watcher) must write on each connection, all
    /// of them.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Does not print the secret, which must not get into a log.
impl fmt::Debug for Farewell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Farewell").finish_non_exhaustive()
    }
}

/// A function that gives a copy of a connection to the watcher; see
/// [`Tcp::watcher`](crate::Tcp::watcher).
pub(crate) type Watcher = Box<dyn Fn(&Farewell, BorrowedFd<'_>) -> io::Result<()> + Send + Sync>;

/// The farewell of this process, and the watcher, which is another process and writes the farewell
/// to the peers after this process has ended.
pub(crate) struct DeathProof {
    farewell: Farewell,
    watcher: Watcher,
}

impl DeathProof {
    pub(crate) fn draw(watcher: Watcher) -> io::Result<Self> {
        let farewell = Farewell::draw()?;
        Ok(Self { farewell, watcher })
    }

    pub(crate) fn commitment(&self) -> Commitment {
        self.farewell.commitment()
    }

    /// Gives the watcher a copy of this connection, and the farewell that the watcher must write on
    /// the copy.
    pub(crate) fn keep(&self, connection: BorrowedFd<'_>) -> io::Result<()> {
        (self.watcher)(&self.farewell, connection)
    }
}

/// The last bytes that this node has read from a connection. They are collected below TLS and
/// frames: a process can end in the middle of a TLS record or a frame, and the [`Farewell`], which
/// is not encrypted, follows there.
#[derive(Debug)]
pub(crate) struct Tail([u8; LENGTH]);

impl Tail {
    pub(crate) fn new() -> Self {
        Self([0; LENGTH])
    }

    /// Adds the bytes that were read. Returns the farewell if all bytes so far end with a farewell.
    pub(crate) fn push(&mut self, read: &[u8]) -> Option<Farewell> {
        let last = &read[read.len().saturating_sub(LENGTH)..];
        self.0.copy_within(last.len().., 0);
        self.0[LENGTH - last.len()..].copy_from_slice(last);
        self.0.starts_with(&MARK).then_some(Farewell(self.0))
    }
}

/// The error of a connection on which a [`Farewell`] was read.
#[derive(Debug)]
pub(crate) struct Ended(pub(crate) Farewell);

impl Ended {
    pub(crate) fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the watcher of the peer's process reports that the process has ended")
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

    // A process can end anywhere in a frame, and a read from the connection can return a piece of
    // any length. The farewell, which a watcher writes after that, must be found all the same.
    #[test]
    fn a_farewell_is_found_after_any_bytes_and_in_pieces() {
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

    // Peers receive the hash of the secret, and must not be able to compute the secret from it.
    // Each life, which is one process of a node, has a secret of its own.
    #[test]
    fn each_life_draws_a_secret_and_discloses_only_its_hash() {
        let (one, other) = (Farewell::draw().unwrap(), Farewell::draw().unwrap());
        assert_ne!(one.commitment(), other.commitment());
        assert_eq!(one.commitment(), one.clone().commitment());
        assert!(!one.bytes().ends_with(&one.commitment()));
        assert!(!format!("{one:?}").contains(char::is_numeric));
    }

    // Nodes of different releases exchange the hash of a farewell's secret, so it must not change.
    // The expected value is the hash of 32 zeros by `sha256sum`.
    #[test]
    fn the_commitment_is_sha_256_of_the_secret() {
        let mut bytes = [0; LENGTH];
        bytes[..MARK.len()].copy_from_slice(&MARK);
        let commitment = Farewell(bytes).commitment();
        assert_eq!(commitment[..4], [0x66, 0x68, 0x7a, 0xad]);
    }
}
