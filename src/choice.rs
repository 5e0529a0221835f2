use std::{fmt, str::FromStr};

use elector_core::GuaranteeKind;
use thiserror::Error;

/// An algorithm, for a choice at run time: by name, from a configuration file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// `elector::raft::Raft`
    Raft,
    /// `elector::paxos::Paxos`
    Paxos,
    /// `elector::bully::Bully`
    Bully,
    /// `elector::ring::Ring`
    Ring,
}

impl Algorithm {
    /// All there are, compiled in or not.
    pub const ALL: [Self; 4] = [Self::Raft, Self::Paxos, Self::Bully, Self::Ring];

    /// Its name, which is also its feature.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raft => "raft",
            Self::Paxos => "paxos",
            Self::Bully => "bully",
            Self::Ring => "ring",
        }
    }

    /// What may be relied on under it.
    #[must_use]
    pub const fn guarantee(self) -> GuaranteeKind {
        match self {
            Self::Raft | Self::Paxos => GuaranteeKind::Quorum,
            Self::Bully | Self::Ring => GuaranteeKind::BestEffort,
        }
    }

    /// Whether its feature is on.
    #[must_use]
    pub const fn is_available(self) -> bool {
        match self {
            Self::Raft => cfg!(feature = "raft"),
            Self::Paxos => cfg!(feature = "paxos"),
            Self::Bully => cfg!(feature = "bully"),
            Self::Ring => cfg!(feature = "ring"),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no algorithm's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no algorithm {0:?}: choose raft, paxos, bully or ring")]
pub struct UnknownAlgorithm(pub String);

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        let named = Self::ALL.into_iter().find(|known| known.name() == name);
        named.ok_or_else(|| UnknownAlgorithm(name.to_owned()))
    }
}
