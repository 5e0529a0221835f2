//! Elections between machines: any algorithm of elector, unmodified, as processes that reach each
//! other over TCP and remember across crashes what they have promised.
//!
//! The host for applications is in `elector-core`, feature `actor`; it has two seams, and this
//! crate fills both:
//!
//! - [`Tcp`] is a [`Transport`](elector_core::actor::Transport). Under [TLS](tls) a peer is proved to
//!   be the member that it claims to be. A peer whose connections are refused is noticed within a
//!   round trip. Connections of other processes do not disturb the node.
//! - [`FileStorage`] is a [`Storage`](elector_core::actor::Storage). What was saved is there after
//!   `kill -9` and power cuts, or the node does not start.
//!
//! [`NetBuilder`] puts both under a node:
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
//! Features: `http` serves a node's status, events and metrics (module `http`); `certs` makes a
//! private CA and certificates, for development (module `certs`). The command `elector node` is all
//! of this as a program.
//!
//! # How a peer is known to be gone
//!
//! - **Its process ended**: its companion, another process, says so ([`Tcp::companion`]); or,
//!   without one, the connection to it breaks, and the next one, made at once, is refused.
//! - **It was replaced**: another life answers. Each has a number, drawn when the node was started.
//! - **It hangs, or its machine is gone, or the network**: it is silent for longer than it ever was
//!   of late, and longer than a lease: [`Detection`].
//!
//! What a companion says is a proof ([`Input::Died`](elector_core::Input::Died)). Another life is
//! one if it has the lock that all processes of the life before held until they had ended
//! ([`Tcp::life`]). A refusal, and another life without that, become a suspicion
//! ([`Input::Suspected`](elector_core::Input::Suspected)): a proxy that is restarted, or a firewall
//! that rejects, refuses in the name of a leader that lives and has a lease. So a suspicion
//! prepares an election, and shortens no lease. The last one is a silence
//! ([`Input::Silent`](elector_core::Input::Silent)), after which no lease is left. A connection
//! that only breaks is neither. When the peer is heard again, the algorithm is told that, too
//! ([`Input::Returned`](elector_core::Input::Returned)).
#![forbid(unsafe_code)]

mod accept;
mod backoff;
mod builder;
#[cfg(feature = "certs")]
pub mod certs;
mod detector;
mod dial;
mod error;
mod farewell;
mod fit;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "http")]
pub mod http;
mod link;
mod links;
mod monitor;
mod outage;
mod places;
mod random;
mod record;
mod socket;
mod station;
mod stream;
mod successor;
mod tcp;
pub mod tls;
mod watch;
mod wire;

pub use builder::{NetBuilder, NodeBuilder};
pub use detector::Detection;
pub use error::NetError;
pub use farewell::Farewell;
pub use monitor::{Monitor, PeerReport};
pub use record::{
    DiskId, FileStorage, Identity, LifeLock, ListChange, RecordError, RecordHandle, RecordSummary,
    Roster, SlotState, StoppedNode,
};
pub use tcp::Tcp;
pub use tls::{Tls, TlsError};
