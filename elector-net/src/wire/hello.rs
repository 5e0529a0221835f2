use elector_core::NodeId;
use serde::{Deserialize, Serialize};

use super::{list::NodeList, refusal::Refusal};
use crate::{record::DiskId, successor::Hold};

/// The versions of the protocol that this build speaks.
pub(crate) const VERSIONS: Versions = Versions { min: 2, max: 2 };

/// The longest greeting, hello or answer. Nobody who has not been let in may make us keep more.
pub(crate) const MOST_BYTES: usize = 2048;

const MAGIC: [u8; 4] = *b"ELCT";

/// The length of the part that is the same in every version: magic, versions, number.
const HEAD: usize = 16;

/// A range of versions of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Versions {
    pub(crate) min: u16,
    pub(crate) max: u16,
}

impl Versions {
    /// The newest version that both speak.
    pub(crate) fn common(self, other: Self) -> Result<u16, Refusal> {
        let newest = self.max.min(other.max);
        if newest < self.min || newest < other.min || other.min > other.max {
            return Err(Refusal::Version {
                min: other.min,
                max: other.max,
            });
        }
        Ok(newest)
    }
}

/// What the acceptor says first, of the same form in every version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Greeting {
    pub(crate) versions: Versions,
    /// Drawn for this connection; the hello must repeat it.
    pub(crate) number: u64,
}

impl Greeting {
    pub(crate) fn write(&self) -> [u8; HEAD] {
        let mut head = [0; HEAD];
        head[..4].copy_from_slice(&MAGIC);
        head[4..6].copy_from_slice(&self.versions.min.to_be_bytes());
        head[6..8].copy_from_slice(&self.versions.max.to_be_bytes());
        head[8..].copy_from_slice(&self.number.to_be_bytes());
        head
    }

    /// Reads a greeting, and what follows it.
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
            number: u64::from_be_bytes(head.try_into().ok()?),
        };
        (*magic == MAGIC).then_some((greeting, rest))
    }
}

/// The hash of a secret that only one life of a node knows.
pub(crate) type Commitment = [u8; 32];

/// Says that no secret will ever be revealed.
pub(crate) const NO_COMMITMENT: Commitment = [0; 32];

/// What the dialler says of itself, behind a head like that of a [`Greeting`]. Version 2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) cluster: String,
    pub(crate) algorithm: String,
    /// A fingerprint of the algorithm's options.
    pub(crate) options: u64,
    pub(crate) list: NodeList,
    pub(crate) from: NodeId,
    /// Whom it takes the acceptor for.
    pub(crate) to: NodeId,
    /// Drawn when its process started the node: another one is another life.
    pub(crate) life: u64,
    /// The id of its disk, or [`DiskId::NONE`].
    pub(crate) disk: DiskId,
    /// The hash of a secret whose disclosure proves that this life is over, or
    /// [`NO_COMMITMENT`].
    pub(crate) death_commitment: Commitment,
    /// What proves that the life before is over.
    pub(crate) hold: Hold,
    /// How long its lease lasts, in microseconds, rounded down. Rounding both is safe: if it is
    /// shorter than a silence so rounded, it is shorter.
    pub(crate) lease_us: u64,
    /// After how long a silence it may turn against a leader, in microseconds, rounded down.
    pub(crate) silence_us: u64,
}

impl Hello {
    /// The whole body of the frame, in answer to a greeting.
    pub(crate) fn write(&self, number: u64) -> Option<Vec<u8>> {
        let head = Greeting {
            versions: VERSIONS,
            number,
        };
        let bytes = postcard::to_extend(self, head.write().to_vec()).ok()?;
        (bytes.len() <= MOST_BYTES).then_some(bytes)
    }

    /// Reads the body of the frame; `number` is what this side's greeting had.
    pub(crate) fn read(bytes: &[u8], number: u64) -> Result<Self, Refusal> {
        let (head, body) = Greeting::read(bytes).ok_or(Refusal::Garbage)?;
        VERSIONS.common(head.versions)?;
        if head.number != number {
            return Err(Refusal::Replayed);
        }
        match postcard::take_from_bytes(body) {
            Ok((hello, [])) => Ok(hello),
            Ok(_) | Err(_) => Err(Refusal::Garbage),
        }
    }
}

/// How the acceptor answers a hello.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// The rest of the connection is spoken in this version. The acceptor says of itself what the
    /// dialler has said in its hello.
    Welcome {
        version: u16,
        life: u64,
        disk: DiskId,
        death_commitment: Commitment,
        hold: Hold,
    },
    /// The connection is closed after this.
    Refused(Refusal),
}

impl Answer {
    pub(crate) fn write(&self) -> Vec<u8> {
        // Nothing in it can fail to be written; and nobody reads an empty answer as a welcome.
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

    const HOLD: Hold = Hold {
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
            hold: HOLD,
            lease_us: 120_000,
            silence_us: 150_000,
        }
    }

    // Nodes of two releases meet on the wire: these bytes are fixed for ever.
    #[test]
    fn the_bytes_of_version_2_are_golden() {
        let greeting = Greeting {
            versions: VERSIONS,
            number: 0x1122_3344_5566_7788,
        };
        let head = b"ELCT\x00\x02\x00\x02\x11\x22\x33\x44\x55\x66\x77\x88";
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
        let bytes = hello().write(greeting.number).unwrap();
        assert_eq!(bytes, [&head[..], &body.concat()].concat());
        assert_eq!(Hello::read(&bytes, greeting.number), Ok(hello()));
        let welcome = Answer::Welcome {
            version: 2,
            life: 300,
            disk: DiskId::from_bytes([0x22; 16]),
            death_commitment: [0x33; 32],
            hold: HOLD,
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
        let refused = Answer::Refused(Refusal::Claimed(NodeId(3)));
        assert_eq!(refused.write(), b"\x01\x09\x03");
        for answer in [welcome, refused] {
            assert_eq!(Answer::read(&answer.write()), Some(answer));
        }
    }

    // A later release must be able to say no in words that an older one understands.
    #[test]
    fn refusals_keep_their_numbers_on_the_wire() {
        let all = [
            Refusal::Version { min: 2, max: 3 },
            Refusal::Cluster("a".into()),
            Refusal::Algorithm("b".into()),
            Refusal::Options,
            Refusal::Members {
                theirs: hello().list,
                ours: hello().list,
            },
            Refusal::NotAPeer(NodeId(9)),
            Refusal::WrongNode(NodeId(9)),
            Refusal::Timing {
                lease_us: 2,
                silence_us: 1,
            },
            Refusal::Certificate(NodeId(9)),
            Refusal::Claimed(NodeId(9)),
            Refusal::Garbage,
            Refusal::Replayed,
            Refusal::Silent,
            Refusal::Busy,
            Refusal::Tls,
            Refusal::Generation {
                theirs: hello().list,
                ours: hello().list,
            },
            Refusal::Disk {
                node: NodeId(9),
                known: hello().disk,
                found: hello().disk,
            },
            Refusal::Crowded,
        ];
        for (number, refusal) in (0_u8..).zip(&all) {
            let bytes = Answer::Refused(refusal.clone()).write();
            assert_eq!(bytes[..2], [1, number], "{refusal}");
            assert_eq!(refusal.index(), usize::from(number));
        }
        assert_eq!(all.len(), Refusal::LABELS.len());
    }

    // Whatever arrives before anybody was let in comes from anybody.
    #[test]
    fn what_is_no_hello_is_refused_and_why() {
        let bytes = hello().write(5).unwrap();
        assert_eq!(Hello::read(&bytes, 6), Err(Refusal::Replayed));
        let longer = [&bytes[..], b"\0"].concat();
        assert_eq!(Hello::read(&longer, 5), Err(Refusal::Garbage));
        for end in 0..bytes.len() {
            assert_eq!(Hello::read(&bytes[..end], 5), Err(Refusal::Garbage));
        }
        let mut newer = bytes;
        newer[4..8].copy_from_slice(&[0, 3, 0, 4]);
        let version = Refusal::Version { min: 3, max: 4 };
        assert_eq!(Hello::read(&newer, 5), Err(version));
    }

    // The overlap is what makes an upgrade node by node possible.
    #[test]
    fn the_newest_common_version_is_spoken() {
        let of = |min, max| Versions { min, max };
        assert_eq!(of(1, 3).common(of(2, 5)), Ok(3));
        assert_eq!(of(2, 5).common(of(1, 3)), Ok(3));
        assert!(of(1, 1).common(of(2, 2)).is_err());
        assert!(of(2, 2).common(of(1, 1)).is_err());
        assert!(of(1, 9).common(of(3, 2)).is_err(), "no range at all");
    }
}
