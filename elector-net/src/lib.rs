//! Elections between machines: a [`Transport`](elector_core::actor::Transport) over TCP, with mutual
//! TLS, and a [`Storage`](elector_core::actor::Storage) that survives a crash.

mod accept;
mod backoff;
#[cfg(feature = "certs")]
pub mod certs;
mod detector;
mod dial;
mod error;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "http")]
pub mod http;
mod link;
mod monitor;
mod random;
mod record;
mod station;
mod stream;
mod tcp;
pub mod tls;
mod watch;
mod wire;

pub use detector::Detection;
pub use error::NetError;
pub use monitor::{Monitor, PeerReport};
pub use tcp::Tcp;
pub use tls::{Tls, TlsError};
