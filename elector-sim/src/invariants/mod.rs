//! What must hold in every run, one file each.
//!
//! | invariant | holds for |
//! |---|---|
//! | [`OneLeaderPerEpoch`] | `Quorum` |
//! | [`NoTenureTwice`] | `Quorum` |
//! | [`OnePledgePerEpoch`] | every message that pledges |
//! | [`OneValuePerBallot`] | every message that pledges in a ballot |
//! | [`EpochMonotonic`] | all |
//! | [`DurableBeforeSent`] | all |
//! | [`ExclusiveLease`] | `Quorum` |
//! | agreement, stability, determinism | all; checked where a scenario is run ([`crate::run`]) |
//!
//! The contract that one node can check alone is checked by
//! [`Driver`](elector_core::Driver) at every step, and reported under the name `contract`.

mod durable_before_sent;
mod epoch_monotonic;
mod exclusive_lease;
mod no_tenure_twice;
mod one_leader_per_epoch;
mod one_pledge_per_epoch;
mod one_value_per_ballot;

pub use durable_before_sent::DurableBeforeSent;
pub use epoch_monotonic::EpochMonotonic;
pub use exclusive_lease::ExclusiveLease;
pub use no_tenure_twice::NoTenureTwice;
pub use one_leader_per_epoch::OneLeaderPerEpoch;
pub use one_pledge_per_epoch::OnePledgePerEpoch;
pub use one_value_per_ballot::OneValuePerBallot;

use serde::Serialize;

/// An invariant that did not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Which.
    pub invariant: &'static str,
    /// When, in nanoseconds of virtual time.
    pub at_ns: u64,
    /// What was seen.
    pub detail: String,
}

/// One run's invariants. Each returns what it saw wrong, in words.
#[derive(Debug)]
pub(crate) struct Invariants {
    pub(crate) one_leader: OneLeaderPerEpoch,
    pub(crate) one_pledge: OnePledgePerEpoch,
    pub(crate) one_value: OneValuePerBallot,
    pub(crate) tenure: NoTenureTwice,
    pub(crate) epoch: EpochMonotonic,
    pub(crate) lease: ExclusiveLease,
    violations: Vec<Violation>,
}

/// A broken algorithm breaks its promise again and again; the first few tell the story.
const KEPT: usize = 32;

impl Invariants {
    pub(crate) fn new(quorum: bool) -> Self {
        Self {
            one_leader: OneLeaderPerEpoch::new(quorum),
            one_pledge: OnePledgePerEpoch::default(),
            one_value: OneValuePerBallot::default(),
            tenure: NoTenureTwice::new(quorum),
            epoch: EpochMonotonic::default(),
            lease: ExclusiveLease::default(),
            violations: Vec::new(),
        }
    }

    pub(crate) fn note(&mut self, invariant: &'static str, at_ns: u64, seen: Option<String>) {
        if let Some(detail) = seen
            && self.violations.len() < KEPT
        {
            self.violations.push(Violation {
                invariant,
                at_ns,
                detail,
            });
        }
    }

    pub(crate) fn violations(&self) -> &[Violation] {
        &self.violations
    }
}
