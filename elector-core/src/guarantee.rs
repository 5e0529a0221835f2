use core::fmt::{self, Debug};

use serde::{Deserialize, Serialize};

/// The guarantee of an algorithm: what callers and checkers may rely on. The trait is sealed: there
/// are exactly two guarantees, [`Quorum`] and [`BestEffort`].
pub trait Guarantee: sealed::Sealed + Debug + Send + Sync + 'static {
    /// The guarantee as a value.
    const KIND: GuaranteeKind;
}

/// An [`Epoch`](crate::Epoch) never has more than one leader, no matter which messages are lost or
/// delayed and which nodes crash or are partitioned, as long as each node keeps its durable state.
/// So fencing tokens can be made from the epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quorum {}

/// Some time after all faults have ended, each group of nodes that can reach each other has one
/// leader. During a partition, or while messages take longer than the configured bound
/// ([`Timing::round_trip`](crate::Timing::round_trip)), there are several leaders at the same time.
/// Use this guarantee only for work that several nodes may do at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BestEffort {}

impl Guarantee for Quorum {
    const KIND: GuaranteeKind = GuaranteeKind::Quorum;
}

impl Guarantee for BestEffort {
    const KIND: GuaranteeKind = GuaranteeKind::BestEffort;
}

/// [`Guarantee`] as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuaranteeKind {
    /// See [`Quorum`].
    Quorum,
    /// See [`BestEffort`].
    BestEffort,
}

impl fmt::Display for GuaranteeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Quorum => "quorum",
            Self::BestEffort => "best-effort",
        })
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Quorum {}
    impl Sealed for super::BestEffort {}
}
