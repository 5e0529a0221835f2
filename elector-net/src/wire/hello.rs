use std::ops::RangeInclusive;

use elector_core::{DiskId, NodeId};
use serde::{Deserialize, Serialize};

use super::{list::NodeList, message::ROSTERS_SINCE, rejection::Rejection};
use crate::lock_proof::LockClaim;

/// The versions of the protocol that this build supports.
pub(crate) const VERSIONS: Versions = Versions { min: 2, max: 3 };

/// The versions of the protocol between nodes that this build supports. Two nodes can be connected
/// if they have one version in common.
pub const WIRE_VERSIONS: RangeInclusive<u16> = VERSIONS.min..=VERSIONS.max;

/// The maximum length of a [`Greeting`], a [`Hello`] or an [`Answer`], in bytes. A process that is
/// not admitted yet cannot make this node keep more bytes.
pub(crate) const MAX_BYTES: usize = 2048;

const MAGIC: [u8; 4] = *b"ELCT";

/// The length in bytes of the head of a frame, which has the same form in every version: magic,
/// versions and nonce.
const HEAD: usize = 16;

/// A range of versions of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Versions {
    pub(crate) min: u16,
    pub(crate) max: u16,
}

impl Versions {
    /// Returns the versions that a node of this build uses. Version 3 is for nodes that exchange
    /// rosters, which are lists of the voters: only nodes whose members can change do this. So a
    /// node with fixed members and a node whose members can change use version 2 with each other.
    pub(crate) const fn of(changes_members: bool) -> Self {
        let max = if changes_members {
            VERSIONS.max
        } else {
            ROSTERS_SINCE - 1
        };
        Self { max, ..VERSIONS }
    }

    /// Returns the newest version that both sides support. Returns a rejection if the two sides
    /// have no version in common.
    pub(crate) fn common(self, other: Self) -> Result<u16, Rejection> {
        let newest = self.max.min(other.max);
        if newest < self.min || newest < other.min || other.min > other.max {
            return Err(Rejection::Version {
                min: other.min,
                max: other.max,
            });
        }
        Ok(newest)
    }
}

/// The first frame of a connection, which the acceptor sends. It has the same form in every version
/// of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Greeting {
    pub(crate) versions: Versions,
    /// A random number for this connection. The dialler's [`Hello`] must repeat it.
    pub(crate) nonce: u64,
}

impl Greeting {
    pub(crate) fn write(&self) -> [u8; HEAD] {
        let mut head = [0; HEAD];
        head[..4].copy_from_slice(&MAGIC);
        head[4..6].copy_from_slice(&self.versions.min.to_be_bytes());
        head[6..8].copy_from_slice(&self.versions.max.to_be_bytes());
        head[8..].copy_from_slice(&self.nonce.to_be_bytes());
        head
    }

    /// Reads a greeting. Returns the greeting and the bytes after it.
    pub(crate) fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (head, rest) = bytes.split_at_checked(HEAD)?;
        let (magic, head) = head.split_first_chunk::<4>()?;
        let (min, head) = head.split_first_chunk()?;
        let (max, head) = head.split_first_chunk()?;
        let greeting = Self {
            versions: Versions {
                min: u16::from_be_bytes(*min),
                max: u16::from_be_bytes(*max),
            },
            nonce: u64::from_be_bytes(head.try_into().ok()?),
        };
        (*magic == MAGIC).then_some((greeting, rest))
    }
}

/// The hash of a secret that only one life of a node, which is one process, knows. After the
/// process has ended, its watcher sends the secret to the peers as a proof.
pub(crate) type Commitment = [u8; 32];

/// The commitment of a process without a watcher, and so without a secret. No secret can prove that
/// such a process has ended.
pub(crate) const NO_COMMITMENT: Commitment = [0; 32];

/// The second frame of a connection, in which the dialler describes itself. Before these fields,
/// the frame has a head in the form of a [`Greeting`]. Version 2 of the protocol has all fields
/// except the last four.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) cluster: String,
    pub(crate) algorithm: String,
    /// The fingerprint (a hash) of the algorithm's options.
    pub(crate) options: u64,
    pub(crate) list: NodeList,
    pub(crate) from: NodeId,
    /// The node that the dialler expects at this address.
    pub(crate) to: NodeId,
    /// A random number that identifies this life (process) of the dialler.
    pub(crate) life: u64,
    /// The id of the dialler's disk, or [`DiskId::NONE`] if it has no record on a disk.
    pub(crate) disk: DiskId,
    /// The hash of a secret whose disclosure proves that this process of the dialler has ended, or
    /// [`NO_COMMITMENT`].
    pub(crate) death_commitment: Commitment,
    /// The lock that this process of the dialler holds, if any. If the process before held the same
    /// lock, this process proves that the process before has ended.
    pub(crate) lock_claim: LockClaim,
    /// The length of the dialler's leases in microseconds, rounded down. The acceptor compares it
    /// with its own silence, which is also rounded down. This is safe: if the rounded lease is
    /// shorter than the rounded silence, the lease is shorter than the silence.
    pub(crate) lease_us: u64,
    /// The length of the silence of a leader after which the dialler may support another leader, in
    /// microseconds, rounded down.
    pub(crate) silence_us: u64,
    /// The address at which peers reach the dialler: `host:port`, or `:port` on the host from which
    /// the connection comes. Empty if the dialler does not know it.
    #[serde(skip)]
    pub(crate) address: String,
    /// Whether the dialler joins a running cluster, and has no list of its members yet. Then the
    /// acceptor does not compare the lineages, the random numbers of recoveries.
    #[serde(skip)]
    pub(crate) joins: bool,
    /// The founders of the dialler's cluster, as far as the dialler knows them: the nodes of the
    /// first start, each with its first disk.
    #[serde(skip)]
    pub(crate) founders: Vec<(NodeId, DiskId)>,
    /// Whether the list of members names the dialler as a voter with its present disk.
    #[serde(skip)]
    pub(crate) settled: bool,
}

impl Hello {
    /// Returns the whole body of the frame in this version, which is one of the versions of this
    /// node; `None` if it is too long. `nonce` is the nonce of the acceptor's greeting.
    pub(crate) fn write(&self, versions: Versions, version: u16, nonce: u64) -> Option<Vec<u8>> {
        let head = Greeting { versions, nonce };
        let mut bytes = postcard::to_extend(self, head.write().to_vec()).ok()?;
        if version >= ROSTERS_SINCE {
            let added = (&self.address, self.joins, &self.founders, self.settled);
            bytes = postcard::to_extend(&added, bytes).ok()?;
        }
        (bytes.len() <= MAX_BYTES).then_some(bytes)
    }

    /// Reads the body of the frame. Returns the version of the connection and the hello. `versions`
    /// are the versions of this node, and `nonce` is the nonce of this node's greeting.
    pub(crate) fn read(
        bytes: &[u8],
        versions: Versions,
        nonce: u64,
    ) -> Result<(u16, Self), Rejection> {
        let (head, body) = Greeting::read(bytes).ok_or(Rejection::Garbage)?;
        let version = versions.common(head.versions)?;
        if head.nonce != nonce {
            return Err(Rejection::Replayed);
        }
        let read = postcard::take_from_bytes::<Self>(body);
        let (mut hello, mut rest) = read.map_err(|_| Rejection::Garbage)?;
        if version >= ROSTERS_SINCE {
            let read = postcard::take_from_bytes(rest);
            let (added, after) = read.map_err(|_| Rejection::Garbage)?;
            (hello.address, hello.joins, hello.founders, hello.settled) = added;
            rest = after;
        }
        match rest {
            [] => Ok((version, hello)),
            _ => Err(Rejection::Garbage),
        }
    }
}

/// The answer of the acceptor to a [`Hello`]: the third frame of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// The connection is admitted, and its later frames have this version. The other fields mean
    /// the same as the fields of a [`Hello`], for the acceptor.
    Welcome {
        version: u16,
        life: u64,
        disk: DiskId,
        death_commitment: Commitment,
        lock_claim: LockClaim,
    },
    /// The connection is not admitted, and is closed after this frame.
    Rejected(Rejection),
}

impl Answer {
    pub(crate) fn write(&self) -> Vec<u8> {
        // These types can always be encoded. If the encoding failed, the answer would be empty, and
        // no reader would take an empty answer for a welcome.
        postcard::to_stdvec(self).unwrap_or_default()
    }

    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        match postcard::take_from_bytes(bytes) {
            Ok((answer, [])) => Some(answer),
            Ok(_) | Err(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::LockId;

    const CLAIM: LockClaim = LockClaim {
        lock: LockId::of([0x44; 16]),
        clock_ns: 10_000,
    };

    fn hello() -> Hello {
        Hello {
            cluster: "billing".into(),
            algorithm: "raft".into(),
            options: 0x0102,
            list: NodeList::new(&[1, 2, 3].map(NodeId), 5, [0x11; 16]),
            from: NodeId(2),
            to: NodeId(1),
            life: 0x0506,
            disk: DiskId::from_bytes([0x22; 16]),
            death_commitment: [0x33; 32],
            lock_claim: CLAIM,
            lease_us: 120_000,
            silence_us: 150_000,
            address: "db2:7100".into(),
            joins: true,
            founders: vec![(NodeId(1), DiskId::from_bytes([0x55; 16]))],
            settled: true,
        }
    }

    // Nodes of different releases exchange these bytes, so they must never change.
    #[test]
    fn the_bytes_of_both_versions_are_golden() {
        let greeting = Greeting {
            versions: VERSIONS,
            nonce: 0x1122_3344_5566_7788,
        };
        let head = b"ELCT\x00\x02\x00\x03\x11\x22\x33\x44\x55\x66\x77\x88";
        assert_eq!(greeting.write(), *head);
        let body = [
            &b"\x07billing\x04raft\x82\x02"[..],
            &b"\x05"[..],
            &[0x11; 16],
            b"\x85\x8b\xb8\xd1\xb6\x84\x95\x93\x0c\x03\x01\x02\x03",
            b"\x02\x01\x86\x0a",
            &[0x22; 16],
            &[0x33; 32],
            &[0x44; 16],
            b"\x90\x4e",
            b"\xc0\xa9\x07\xf0\x93\x09",
        ];
        let second = [&head[..], &body.concat()].concat();
        assert_eq!(hello().write(VERSIONS, 2, greeting.nonce).unwrap(), second);
        let added = [&b"\x08db2:7100\x01\x01\x01"[..], &[0x55; 16], b"\x01"].concat();
        let third = [&second[..], &added].concat();
        assert_eq!(hello().write(VERSIONS, 3, greeting.nonce).unwrap(), third);
        assert_eq!(
            Hello::read(&third, VERSIONS, greeting.nonce),
            Ok((3, hello()))
        );
        let mut old = second;
        old[7] = 2; // The head of a dialler that knows version 2 only.
        let without_address = Hello {
            address: String::new(),
            joins: false,
            founders: Vec::new(),
            settled: false,
            ..hello()
        };
        assert_eq!(
            Hello::read(&old, VERSIONS, greeting.nonce),
            Ok((2, without_address))
        );
        let welcome = Answer::Welcome {
            version: 2,
            life: 300,
            disk: DiskId::from_bytes([0x22; 16]),
            death_commitment: [0x33; 32],
            lock_claim: CLAIM,
        };
        let golden = [
            &b"\x00\x02\xac\x02"[..],
            &[0x22; 16],
            &[0x33; 32],
            &[0x44; 16],
            b"\x90\x4e",
        ];
        let golden = golden.concat();
        assert_eq!(welcome.write(), golden);
        let rejected = Answer::Rejected(Rejection::Claimed(NodeId(3)));
        assert_eq!(rejected.write(), b"\x01\x09\x03");
        for answer in [welcome, rejected] {
            assert_eq!(Answer::read(&answer.write()), Some(answer));
        }
    }

    // A node of an older release must understand a rejection by a node of a later release.
    #[test]
    fn rejections_keep_their_numbers_on_the_wire() {
        let all = [
            Rejection::Version { min: 2, max: 3 },
            Rejection::Cluster("a".into()),
            Rejection::Algorithm("b".into()),
            Rejection::Options,
            Rejection::Members {
                theirs: hello().list,
                ours: hello().list,
            },
            Rejection::NotAPeer(NodeId(9)),
            Rejection::WrongNode(NodeId(9)),
            Rejection::Timing {
                lease_us: 2,
                silence_us: 1,
            },
            Rejection::Certificate(NodeId(9)),
            Rejection::Claimed(NodeId(9)),
            Rejection::Garbage,
            Rejection::Replayed,
            Rejection::Silent,
            Rejection::Busy,
            Rejection::Tls,
            Rejection::Generation {
                theirs: hello().list,
                ours: hello().list,
            },
            Rejection::Disk {
                node: NodeId(9),
                known: hello().disk,
                found: hello().disk,
            },
            Rejection::Crowded,
            Rejection::Lineage,
            Rejection::TooManyNodes,
        ];
        for (number, rejection) in (0_u8..).zip(&all) {
            let bytes = Answer::Rejected(rejection.clone()).write();
            assert_eq!(bytes[..2], [1, number], "{rejection}");
            assert_eq!(rejection.index(), usize::from(number));
        }
        assert_eq!(all.len(), Rejection::LABELS.len());
    }

    // Before a connection is admitted, any process can send any bytes. An invalid hello must be
    // rejected with the right reason, and must not cause a panic.
    #[test]
    fn an_invalid_hello_is_rejected_with_the_reason() {
        let bytes = hello().write(VERSIONS, 3, 5).unwrap();
        assert_eq!(Hello::read(&bytes, VERSIONS, 6), Err(Rejection::Replayed));
        let longer = [&bytes[..], b"\0"].concat();
        assert_eq!(Hello::read(&longer, VERSIONS, 5), Err(Rejection::Garbage));
        for end in 0..bytes.len() {
            assert_eq!(
                Hello::read(&bytes[..end], VERSIONS, 5),
                Err(Rejection::Garbage)
            );
        }
        let mut newer = bytes;
        newer[4..8].copy_from_slice(&[0, 4, 0, 5]);
        let version = Rejection::Version { min: 4, max: 5 };
        assert_eq!(Hello::read(&newer, VERSIONS, 5), Err(version));
    }

    // To upgrade a cluster node by node, nodes of two releases must be able to connect. So they
    // must use the newest version of the protocol that both support.
    #[test]
    fn the_newest_common_version_is_used() {
        let of = |min, max| Versions { min, max };
        assert_eq!(of(1, 3).common(of(2, 5)), Ok(3));
        assert_eq!(of(2, 5).common(of(1, 3)), Ok(3));
        assert!(of(1, 1).common(of(2, 2)).is_err());
        assert!(of(2, 2).common(of(1, 1)).is_err());
        assert!(of(1, 9).common(of(3, 2)).is_err(), "an empty range");
        let (fixed, changing) = (Versions::of(false), Versions::of(true));
        assert_eq!(fixed.common(changing), Ok(2));
        assert_eq!(changing.common(changing), Ok(3));
    }
}
