//! Leader election for Rust: one trait, four algorithms, every host.
//!
//! This crate re-exports the trait and the algorithms, each behind a feature:
//!
//! | feature | algorithm | guarantee |
//! |---|---|---|
//! | `raft` (default) | `elector::Raft` | at most one leader per epoch, ever |
//! | `paxos` | `elector::Paxos` | at most one leader per epoch, ever |
//! | `bully` | `elector::Bully` | one leader per connected part, after faults have ended |
//! | `ring` | `elector::Ring` | one leader per connected part, after faults have ended |
//!
//! An [epoch](Epoch) is the number of an election round, for example Raft's term. Features are
//! additive: they do not change each other. The feature `net` adds `elector::net`, for nodes that
//! are processes on machines of their own. These nodes communicate over TCP with mutual TLS, and
//! each keeps its state in a durable record. The feature also adds `elector::Members`, which
//! changes the members of a cluster of Raft or Paxos while the cluster runs: use `Members<Raft>` in
//! place of `Raft`.
//!
//! # Work that only the leader does
//!
//! Each node of a cluster calls [`Elector::lead`] with the same work, and the work runs on the node
//! that leads.
//!
//! ```
//! # #[cfg(feature = "raft")]
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Mutex;
//!
//! use elector::{BoxError, Cluster, FailurePolicy, Fence, Raft};
//!
//! // Three nodes within this process, for tests.
//! let cluster = Cluster::<Raft>::start(3).await?;
//! let store = Mutex::new((Fence::new(), Vec::new()));
//! let leader = cluster.leader().await;
//! let elector = cluster.node(leader).ok_or("it runs")?;
//!
//! // By default, failed work is tried again.
//! let once = FailurePolicy::withdraw_at_once();
//! let work = elector.lead_with(once, async |me| -> Result<(), BoxError> {
//!     let batch = me.guard(async { "a batch" }).await?; // Err(LeadershipLost) when it is lost
//!     let (fence, rows) = &mut *store.lock().map_err(|_| "a writer panicked")?;
//!     fence.admit(me.token()?)?; // In the store: rejects older leaders.
//!     rows.push(batch);
//!     Err("one batch is enough here".into())
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
//! The work may return any error, so a closure that uses `?` must name the type of its error:
//! [`WorkOutput`] shows how to write work.
//!
//! # One node in each process
//!
//! In production each node is a process, with the feature `net`. An operator, or a setup step of
//! the program, formats the data folder of each node once, before its first start.
//!
//! ```no_run
//! # #[cfg(all(feature = "net", feature = "raft"))]
//! use elector::{BoxError, Elector, NodeId, Raft, net::{NetBuilder, Tls}};
//!
//! # #[cfg(all(feature = "net", feature = "raft"))]
//! #[tokio::main]
//! async fn main() -> Result<(), BoxError> {
//!     let node = Elector::builder("billing") // The name of the cluster.
//!         .algorithm::<Raft>()
//!         .node_id(1)
//!         .peers([(1, "db1:7100"), (2, "db2:7100"), (3, "db3:7100")])
//!         .data_dir("/var/lib/billing/elector")
//!         .tls(Tls::load("/etc/billing/tls".as_ref(), NodeId(1))?);
//!     if std::env::args().any(|argument| argument == "--format") {
//!         return Ok(node.format()?); // Once in the life of a node.
//!     }
//!     let elector = node.start().await?;
//!     elector.lead(async |me| me.lost().await).await?; // The work: until the leadership is lost.
//!     Ok(())
//! }
//! # #[cfg(not(all(feature = "net", feature = "raft")))]
//! # fn main() {}
//! ```
//!
//! The library logs elections and faults with [`tracing`](https://docs.rs/tracing). Elections have
//! the level `info` and the target `elector`.
//!
//! # What the type of the algorithm ensures
//!
//! The first of the next two functions does not compile, because it uses `Bully` in place of
//! `Raft`: `token()` exists only for algorithms with the guarantee [`Quorum`], which exclude a
//! second leader in an epoch.
//!
//! ```compile_fail
//! # use elector_bully::Bully;
//! async fn write(cluster: elector::Cluster<Bully>) {
//!     let elector = cluster.node(1).unwrap();
//!     let me = elector.campaign().await.unwrap();
//!     me.token().unwrap();
//! }
//! ```
//!
//! ```
//! # use elector_raft::Raft;
//! async fn write(cluster: elector::Cluster<Raft>) {
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
#[cfg(feature = "bully")]
#[doc(no_inline)]
pub use elector_bully::Bully;
#[doc(inline)]
pub use elector_core as core;
#[doc(inline)]
pub use elector_core::actor;
pub use elector_core::{
    BestEffort, Command, Configuration, ElectionAlgorithm, Epoch, Fence, FencingToken, Guarantee,
    GuaranteeKind, Membership, NodeId, Quorum, Role, StaleToken, Timing, View,
    actor::{
        AnyElector, AnyLeadership, BoxError, Cluster, ClusterSetup, Elector, FailurePolicy, Grace,
        Leadership, LeadershipLost, NodeHandle, Status, WorkOutput,
    },
};
#[cfg(feature = "paxos")]
#[doc(no_inline)]
pub use elector_paxos::Paxos;
#[cfg(feature = "raft")]
#[doc(no_inline)]
pub use elector_raft::Raft;
#[cfg(feature = "ring")]
#[doc(no_inline)]
pub use elector_ring::Ring;
pub use select::Selected;
#[doc(hidden)]
pub use select::{Features, Select};
pub use start::{AnyStartError, SetUp};

#[cfg(feature = "net")]
#[doc(inline)]
pub use elector_heir as heir;
#[cfg(feature = "net")]
#[doc(inline)]
pub use elector_members as members;
#[cfg(feature = "net")]
#[doc(no_inline)]
pub use elector_members::Members;
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
