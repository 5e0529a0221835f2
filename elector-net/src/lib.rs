//! Leader election between machines. With this crate, any algorithm of elector runs unmodified in
//! processes that reach each other over TCP and keep their durable state across crashes.
//!
//! The host that runs a node inside an application is in `elector-core` (feature `actor`). That
//! host has two extension points, one for the network and one for the disk. This crate implements
//! both:
//!
//! - [`Tcp`] is a [`Transport`](elector_core::actor::Transport). With [TLS](tls), a certificate
//!   proves which member a peer is. If a peer refuses connections, the node notices within a round
//!   trip. Connections of processes that are not members do not disturb the node.
//! - [`FileStorage`] is a [`Storage`](elector_core::actor::Storage). After `kill -9` or a power
//!   cut, the node either has all saved state again, or it does not start.
//!
//! [`NetBuilder`] gives both to a node:
//!
//! ```no_run
//! use elector_core::{NodeId, actor::Elector};
//! use elector_net::{NetBuilder, Tls};
//! use elector_raft::Raft;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let elector = Elector::builder("billing")
//!     .algorithm::<Raft>()
//!     .node_id(1)
//!     .peers([(1, "db1:7100"), (2, "db2:7100"), (3, "db3:7100")])
//!     .data_dir("/var/lib/billing/elector")
//!     .tls(Tls::load("/etc/billing/tls".as_ref(), NodeId(1))?)
//!     .start()
//!     .await?;
//! # drop(elector);
//! # Ok(())
//! # }
//! ```
//!
//! Features: `http` serves a node's status, events and metrics (module `http`); `certs` creates a
//! private CA and certificates for development (module `certs`). The command `elector node` is a
//! program that offers all of this.
//!
//! # How a node detects that a peer has failed
//!
//! A *life* of a node is one process of the node, from its start to its end. Each life has a random
//! number.
//!
//! - **The process has ended.** A watcher, which is another process on the peer's machine, reports
//!   the end ([`Tcp::watcher`]). Without a watcher, the node only sees its connection to the peer
//!   break. The node then connects again at once, and this connection is refused.
//! - **The process was replaced.** Another life answers at the peer's address.
//! - **The process hangs, or its machine or the network is down.** The peer is silent for longer
//!   than any of its recent silences, and for longer than a lease: see [`Detection`].
//!
//! The report of a watcher is a proof of death ([`Input::Died`](elector_core::Input::Died)).
//! Another life is a proof only if it holds a certain lock ([`Tcp::life`]): the lock that all
//! processes of the life before held until they ended. A refused connection, or another life
//! without that lock, is a suspicion ([`Input::Suspected`](elector_core::Input::Suspected)). A
//! proxy that restarts, or a firewall that rejects connections, can refuse them in place of a
//! leader that is alive and has a lease. So after a suspicion, the algorithm prepares an election,
//! but it still waits until the lease of the suspected peer must have ended. The node reports a
//! silence ([`Input::Silent`](elector_core::Input::Silent)) only after a time in which every lease
//! of the peer has ended. It does not report a broken connection by itself. When the node receives
//! data from the peer again, it notifies the algorithm
//! ([`Input::Returned`](elector_core::Input::Returned)).
#![forbid(unsafe_code)]

mod accept;
mod address_book;
mod backoff;
mod builder;
#[cfg(feature = "certs")]
pub mod certs;
mod context;
mod detector;
mod dial;
mod error;
mod farewell;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "http")]
pub mod http;
mod known_addresses;
mod link;
mod links;
mod lock_proof;
mod monitor;
mod outage;
mod random;
mod record;
mod silence;
mod socket;
mod stream;
mod tcp;
mod timing_check;
pub mod tls;
mod wire;

pub use elector_core::DiskId;

pub use builder::{ADDRESS_FILE, NetBuilder, NodeBuilder};
pub use detector::Detection;
pub use error::NetError;
pub use farewell::Farewell;
pub use monitor::{Monitor, PeerReport};
pub use record::{
    FileStorage, Identity, LifeLock, ListChange, RECOVERY_EPOCHS, RecordError, RecordHandle,
    RecordSummary, Recovery, Roster, SlotState, StoppedNode,
};
pub use tcp::Tcp;
pub use tls::{Tls, TlsError};
pub use wire::hello::WIRE_VERSIONS;
