use core::fmt;

use crate::GuaranteeKind;

/// Something that must hold in every run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// An epoch has at most one leader, over the whole history of a run. Each pair of epoch and
    /// leader in the view of any node counts: the views of leaders and the views of their
    /// followers. This invariant binds only algorithms with the guarantee `Quorum`.
    OneLeaderPerEpoch,
    /// A pledge is support that a node may give only once, such as a vote: see
    /// [`Pledge`](crate::Pledge). In one epoch, also across restarts, the rank of a node's pledges
    /// never goes down, and two pledges of one rank name one candidate. Votes all have the same
    /// rank, so a node gives one vote per epoch. (Raft §5.2; Paxos Made Simple §2.2, P1a.)
    OnePledgePerEpoch,
    /// In one epoch a ballot names one candidate on all nodes: all acceptors accept the value that
    /// the proposer asks for. (Paxos Made Simple §2.2, P2c: a proposal has one number and one
    /// value.) A pledge without a ballot does not count.
    OneValuePerBallot,
    /// A node that has stopped leading an epoch never leads that epoch again, not even after a
    /// restart. Otherwise its fencing tokens of this epoch could be used again, although another
    /// node may have led in between and may have written. This invariant binds only algorithms with
    /// the guarantee `Quorum`.
    NoTenureTwice,
    /// At most one node holds a lease at any time. Several nodes may believe that they lead, but
    /// only the node with the lease may act. (Ongaro's dissertation, section 6.4.1.) This invariant
    /// binds only algorithms with the guarantee `Quorum`.
    ExclusiveLease,
    /// The epoch in the view of a node never goes back, not even across a restart.
    EpochMonotonic,
    /// No message is sent and no view is published before the writes that it depends on are
    /// durable. The host must ensure this, and [`Gate`](crate::Gate) does it for the host.
    DurableBeforeSent,
    /// Each node keeps the part of the contract of its algorithm that the node can check alone: see
    /// [`ContractViolation`](crate::ContractViolation).
    Contract,
    /// All nodes agree on a leader some time after all faults have ended.
    Agreement,
    /// A cluster that has a leader, and in which no fault occurs, keeps this leader and holds no
    /// election.
    Stability,
    /// Two runs with the same seed are the same.
    Determinism,
    /// The nodes do not answer each other's messages for ever.
    NoStorm,
    /// A roster is the list of the nodes that vote. Two rosters with the same id are equal. If two
    /// rosters can still elect leaders, each majority of one has a node in common with each
    /// majority of the other. Only algorithms whose members change have rosters.
    RostersMeet,
    /// No two nodes commit different entries at the same index of a replicated log, and a committed
    /// entry never changes or disappears, also across restarts. (Raft, figure 3: state machine
    /// safety and leader completeness.) Only algorithms with a log have entries.
    CommittedEntries,
}

impl Invariant {
    /// All invariants.
    pub const ALL: [Self; 14] = [
        Self::OneLeaderPerEpoch,
        Self::OnePledgePerEpoch,
        Self::OneValuePerBallot,
        Self::NoTenureTwice,
        Self::ExclusiveLease,
        Self::EpochMonotonic,
        Self::DurableBeforeSent,
        Self::Contract,
        Self::Agreement,
        Self::Stability,
        Self::Determinism,
        Self::NoStorm,
        Self::RostersMeet,
        Self::CommittedEntries,
    ];

    /// Returns the name of the invariant in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OneLeaderPerEpoch => "one-leader-per-epoch",
            Self::OnePledgePerEpoch => "one-pledge-per-epoch",
            Self::OneValuePerBallot => "one-value-per-ballot",
            Self::NoTenureTwice => "no-tenure-twice",
            Self::ExclusiveLease => "exclusive-lease",
            Self::EpochMonotonic => "epoch-monotonic",
            Self::DurableBeforeSent => "durable-before-sent",
            Self::Contract => "contract",
            Self::Agreement => "agreement",
            Self::Stability => "stability",
            Self::Determinism => "determinism",
            Self::NoStorm => "no-storm",
            Self::RostersMeet => "rosters-meet",
            Self::CommittedEntries => "committed-entries",
        }
    }

    /// Returns the invariant with this [name](Self::name).
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|invariant| invariant.name() == name)
    }

    /// Returns `true` if an algorithm with this guarantee must keep this invariant.
    #[must_use]
    pub fn binds(self, guarantee: GuaranteeKind) -> bool {
        match self {
            Self::OneLeaderPerEpoch | Self::NoTenureTwice | Self::ExclusiveLease => {
                guarantee == GuaranteeKind::Quorum
            }
            _ => true,
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The file of the runs of a comparison names invariants. If `named` did not find one of them,
    // the file could not be read.
    #[test]
    fn every_invariant_is_found_by_its_name() {
        for (number, invariant) in Invariant::ALL.into_iter().enumerate() {
            assert_eq!(invariant as usize, number);
            assert_eq!(Invariant::named(invariant.name()), Some(invariant));
        }
        assert_eq!(
            Invariant::CommittedEntries as usize + 1,
            Invariant::ALL.len()
        );
        assert_eq!(Invariant::named("no-such"), None);
    }
}
