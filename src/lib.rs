//! Leader election for Rust: one trait, four algorithms, every host.
//!
//! This crate re-exports the trait and the algorithms, each behind a feature:
//!
//! | feature | algorithm | guarantee |
//! |---|---|---|
//! | `raft` (default) | `elector::raft::Raft` | at most one leader per epoch, ever |
//! | `paxos` | `elector::paxos::Paxos` | at most one leader per epoch, ever |
//! | `bully` | `elector::bully::Bully` | one leader per connected part, after faults have ended |
//! | `ring` | `elector::ring::Ring` | one leader per connected part, after faults have ended |
//!
//! Features are additive: they do not change each other. `net` adds `elector::net`: nodes as
//! processes on machines of their own, over TCP with mutual TLS, with a durable record.
//!
//! # Work that only the leader does
//!
//! ```
//! # #[cfg(feature = "raft")]
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Mutex;
//!
//! use elector::{Cluster, Fence, actor::FailurePolicy, raft::Raft};
//!
//! // Three nodes within this process. One process a node: `Elector::builder(..)`.
//! let cluster = Cluster::<Raft>::start(3).await?;
//! let store = Mutex::new((Fence::new(), Vec::new()));
//! let leader = cluster.leader().await;
//! let elector = cluster.node(leader).ok_or("it runs")?;
//!
//! // By default, failed work is tried again.
//! let work = elector.lead_with(FailurePolicy::withdraw_at_once(), |me| {
//!     let store = &store;
//!     async move {
//!         let batch = me.guard(async { "a batch" }).await?; // Err(LeadershipLost) when it is lost
//!         let (fence, rows) = &mut *store.lock().map_err(|_| "a writer panicked")?;
//!         fence.admit(me.token()?)?; // In the store: rejects older leaders.
//!         rows.push(batch);
//!         Err("one batch is enough here".into())
//!     }
//! });
//! assert!(work.await.is_err());
//! assert_eq!(store.into_inner()?.1, ["a batch"]);
//! # cluster.shutdown().await;
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "raft"))]
//! # fn main() {}
//! ```
//!
//! With `bully` in place of `raft` this does not compile: `token()` exists only for algorithms that
//! exclude a second leader.
//!
//! ```compile_fail
//! # use elector_bully as bully;
//! async fn write(cluster: elector::Cluster<bully::Bully>) {
//!     let elector = cluster.node(1).unwrap();
//!     let me = elector.campaign().await.unwrap();
//!     me.token().unwrap();
//! }
//! ```
//!
//! ```
//! # use elector_raft as raft;
//! async fn write(cluster: elector::Cluster<raft::Raft>) {
//!     let elector = cluster.node(1).unwrap();
//!     let me = elector.campaign().await.unwrap();
//!     me.token().unwrap(); // Only the algorithm differs.
//! }
//! ```
//!
//! To compare the algorithms under faults, run the `elector` command. To write your own algorithm,
//! start from [`core::ElectionAlgorithm`] and `examples/my_algorithm.rs`.
#![forbid(unsafe_code)]

mod choice;
#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(doctest)]
mod guide;
mod select;
mod start;

pub use choice::{Algorithm, NotCompiledIn, UnknownAlgorithm, Visitor};
#[doc(inline)]
pub use elector_core as core;
#[doc(inline)]
pub use elector_core::actor;
pub use elector_core::{
    BestEffort, Command, Configuration, ElectionAlgorithm, Epoch, Fence, FencingToken, Guarantee,
    GuaranteeKind, Membership, NodeId, Quorum, Role, StaleToken, Timing, View,
    actor::{
        AnyElector, AnyLeadership, Cluster, ClusterSetup, Elector, Grace, Leadership,
        LeadershipLost, NodeHandle, Status,
    },
};
pub use select::Selected;
#[doc(hidden)]
pub use select::{Features, Select};
pub use start::{AnyStartError, SetUp};

#[cfg(feature = "net")]
#[doc(inline)]
pub use elector_heir as heir;
#[cfg(feature = "net")]
#[doc(inline)]
pub use elector_net as net;

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
