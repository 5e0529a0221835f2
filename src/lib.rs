//! Leader election for Rust: one trait, four algorithms, every host.
//!
//! This crate is the facade. It re-exports the trait and the algorithms, each behind a feature:
//!
//! | feature | algorithm | guarantee |
//! |---|---|---|
//! | `raft` (default) | `elector::raft::Raft` | at most one leader per epoch, ever |
//! | `paxos` | `elector::paxos::Paxos` | at most one leader per epoch, ever |
//! | `bully` | `elector::bully::Bully` | one leader per connected component, once things are quiet |
//! | `ring` | `elector::ring::Ring` | one leader per connected component, once things are quiet |
//!
//! Features add up; they never change what another one does.
//!
//! To compare the algorithms under faults, run the `elector` command; to write one of your own,
//! start from [`core::ElectionAlgorithm`] and `examples/my_algorithm.rs`.

#[doc(inline)]
pub use elector_core as core;
pub use elector_core::{
    BestEffort, Command, ElectionAlgorithm, Epoch, Guarantee, GuaranteeKind, Membership, NodeId,
    Quorum, Role, Settings, Timing, View,
};

#[cfg(feature = "bully")]
#[doc(inline)]
pub use elector_bully as bully;
#[cfg(feature = "paxos")]
#[doc(inline)]
pub use elector_paxos as paxos;
#[cfg(feature = "raft")]
#[doc(inline)]
pub use elector_raft as raft;
#[cfg(feature = "ring")]
#[doc(inline)]
pub use elector_ring as ring;
