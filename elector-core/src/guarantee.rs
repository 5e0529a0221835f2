use core::fmt::{self, Debug};

use serde::{Deserialize, Serialize};

/// What callers and checkers may rely on. Sealed: there are exactly two answers.
pub trait Guarantee: sealed::Sealed + Debug + Send + Sync + 'static {
    /// The same answer as a value.
    const KIND: GuaranteeKind;
}

/// At most one leader per [`Epoch`](crate::Epoch), ever, whatever is lost, delayed, crashed or
/// partitioned, as long as durable state is kept. Its epochs are fencing tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quorum {}

/// One leader per connected component once faults end. Under a partition, or a delay beyond the
/// configured bound, there are several leaders at once: fit for work that may be done twice.
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
