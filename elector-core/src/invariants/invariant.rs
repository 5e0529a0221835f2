use core::fmt;

use crate::GuaranteeKind;

/// Something that must hold in every run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// An epoch has at most one leader, over the whole history: the tenures that any node shows
    /// count, its own and those of others. `Quorum` only.
    OneLeaderPerEpoch,
    /// One vote or promise per node and epoch, across restarts: the rank of a node's pledges never
    /// goes down, and two pledges of one rank name one candidate. (Raft §5.2; Paxos Made Simple
    /// §2.2, P1a.) See [`Pledge`](crate::Pledge).
    OnePledgePerEpoch,
    /// In one epoch a ballot names one candidate, on all nodes: a proposer asks for the same value
    /// that acceptors accept. (Paxos Made Simple §2.2, P2c: a proposal has one number and one
    /// value.) A pledge without a ballot does not count.
    OneValuePerBallot,
    /// A node that has ceased to lead an epoch never leads that epoch again, also after a restart:
    /// another node may have led in between, and what was fenced by the tenure is closed. `Quorum`
    /// only.
    NoTenureTwice,
    /// At most one node holds a lease at any time: of several nodes that believe that they lead,
    /// only one may act. (Ongaro's dissertation, section 6.4.1.) `Quorum` only.
    ExclusiveLease,
    /// The epoch that a node shows never goes back, also not across a restart.
    EpochMonotonic,
    /// Nothing is sent or shown before the writes that it rests on are durable. This is the host's
    /// promise: [`Gate`](crate::Gate) keeps it.
    DurableBeforeSent,
    /// What one node can check alone: see [`ContractViolation`](crate::ContractViolation).
    Contract,
    /// All nodes agree on a leader some time after all faults have ended.
    Agreement,
    /// Without faults there is no election.
    Stability,
    /// Two runs of one seed are the same.
    Determinism,
    /// The nodes do not answer each other without end.
    NoStorm,
}

impl Invariant {
    /// The name in reports.
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
        }
    }

    /// Returns `true` if an algorithm with this guarantee makes this promise.
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
